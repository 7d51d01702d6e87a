// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/engine/frame_pool.hpp>

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace larder {
inline namespace v0 {
namespace detail {

/// Runs tasks on one thread, one after the other: what one hands over to goes on only after it has returned, so that a loop over
/// tasks that never wait does not grow the stack, whether or not the compiler makes tail calls.
class Trampoline {
public:
    /// Resumes a task and all that it hands over to, until somebody waits or the root is done.
    static void run(std::coroutine_handle<> task) {
        Trampoline here(task);
        while (here.next_) std::exchange(here.next_, nullptr).resume();
    }

    /// Hands over from one frame of a task to another, as the last thing before a suspension.
    static void hand_over(std::coroutine_handle<> task) {
        if (current_)
            current_->next_ = task;
        else
            run(task);
    }

    Trampoline(const Trampoline&) = delete;
    Trampoline& operator=(const Trampoline&) = delete;

private:
    explicit Trampoline(std::coroutine_handle<> task) noexcept : next_(task), outer_(std::exchange(current_, this)) {}
    ~Trampoline() { current_ = outer_; }

    static inline constinit thread_local Trampoline* current_ = nullptr;

    std::coroutine_handle<> next_;
    Trampoline* outer_;
};

/// What the promise of a task keeps of its end.
template <class T>
class TaskResult {
public:
    template <class U>
    void return_value(U&& value) {
        value_.emplace(std::forward<U>(value));
    }
    void unhandled_exception() noexcept { thrown_ = std::current_exception(); }

protected:
    T take() {
        if (thrown_) std::rethrow_exception(thrown_);
        return std::move(*value_);
    }

private:
    std::optional<T> value_;
    std::exception_ptr thrown_;
};
template <>
class TaskResult<void> {
public:
    void return_void() const noexcept {}
    void unhandled_exception() noexcept { thrown_ = std::current_exception(); }

protected:
    void take() const {
        if (thrown_) std::rethrow_exception(thrown_);
    }

private:
    std::exception_ptr thrown_;
};

/// An algorithm in progress: a lazy coroutine that runs when it is awaited and owns its frame.
///
/// Algorithms are written once as tasks; whoever drives them (a blocking caller, Asio, a simulator) is behind `Driver` and resumes
/// them through `Trampoline::run`. Destroying a suspended task destroys what it holds, innermost first.
template <class T>
class [[nodiscard]] Task {
public:
    class promise_type : public TaskResult<T>, public PooledFrame {
    public:
        Task get_return_object() noexcept { return Task(std::coroutine_handle<promise_type>::from_promise(*this)); }
        std::suspend_always initial_suspend() const noexcept { return {}; }
        auto final_suspend() const noexcept {
            struct HandOver {
                bool await_ready() const noexcept { return false; }
                void await_suspend(std::coroutine_handle<promise_type> finished) const noexcept { Trampoline::hand_over(finished.promise().continuation_); }
                void await_resume() const noexcept {}
            };
            return HandOver{};
        }

    private:
        friend class Task;
        std::coroutine_handle<> continuation_ = std::noop_coroutine();
    };

    Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    Task& operator=(Task&&) = delete;
    ~Task() {
        if (frame_) frame_.destroy();
    }

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> awaiting) {
        frame_.promise().continuation_ = awaiting;
        Trampoline::hand_over(frame_);
    }
    T await_resume() { return frame_.promise().take(); }

private:
    explicit Task(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}

    std::coroutine_handle<promise_type> frame_;
};

/// What need not be waited for, as an awaitable.
template <class T>
struct Ready {
    T value;

    bool await_ready() const noexcept { return true; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    T await_resume() { return std::move(value); }
};

} // namespace detail
} // namespace v0
} // namespace larder
