// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace larder {
inline namespace v0 {
namespace detail {

/// An algorithm in progress: a lazy coroutine that runs when it is awaited and owns its frame.
///
/// Algorithms are written once as tasks; whoever drives them (a blocking caller, Asio, a simulator) is behind `Driver`.
/// Destroying a suspended task destroys what it holds, innermost first.
template <class T>
class [[nodiscard]] Task {
public:
    class promise_type {
    public:
        Task get_return_object() noexcept { return Task(std::coroutine_handle<promise_type>::from_promise(*this)); }
        std::suspend_always initial_suspend() const noexcept { return {}; }
        auto final_suspend() const noexcept {
            struct HandOver {
                bool await_ready() const noexcept { return false; }
                std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> finished) const noexcept { return finished.promise().continuation_; }
                void await_resume() const noexcept {}
            };
            return HandOver{};
        }
        template <class U>
        void return_value(U&& value) {
            value_.emplace(std::forward<U>(value));
        }
        void unhandled_exception() noexcept { thrown_ = std::current_exception(); }

    private:
        friend class Task;
        std::coroutine_handle<> continuation_ = std::noop_coroutine();
        std::optional<T> value_;
        std::exception_ptr thrown_;
    };

    Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    Task& operator=(Task&&) = delete;
    ~Task() {
        if (frame_) frame_.destroy();
    }

    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
        frame_.promise().continuation_ = awaiting;
        return frame_;
    }
    T await_resume() {
        auto& promise = frame_.promise();
        if (promise.thrown_) std::rethrow_exception(promise.thrown_);
        return std::move(*promise.value_);
    }

private:
    explicit Task(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}

    std::coroutine_handle<promise_type> frame_;
};

} // namespace detail
} // namespace v0
} // namespace larder
