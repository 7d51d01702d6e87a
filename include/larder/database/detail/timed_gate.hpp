// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {

/// A gate that one thread at a time passes, for `std::unique_lock`: a timed mutex made of parts whose every operation
/// ThreadSanitizer knows.
class TimedGate {
public:
    void lock() {
        std::unique_lock guard(mutex_);
        opened_.wait(guard, [this] { return !closed_; });
        closed_ = true;
    }

    bool try_lock_for(std::chrono::milliseconds longest) {
        std::unique_lock guard(mutex_);
        if (closed_ && !opened_.wait_for(guard, longest, [this] { return !closed_; })) return false;
        closed_ = true;
        return true;
    }

    void unlock() noexcept {
        std::vector<std::unique_ptr<Waiter>> waiters;
        {
            const std::lock_guard guard(mutex_);
            closed_ = false;
            for_long_ = false;
            waiters.swap(waiters_);
        }
        opened_.notify_one();
        for (auto& waiter : waiters) waiter->go_on();
    }

    /// Says that who is inside stays for more than one operation, and needs other threads to go on. \pre the caller is inside.
    void stay() noexcept {
        const std::lock_guard guard(mutex_);
        for_long_ = true;
    }

    /// Keeps a function until the gate opens, if somebody stays inside; takes it only if it answers true.
    template <class Function>
    bool keep_back(Function& again) {
        struct Kept final : Waiter {
            explicit Kept(Function&& function) : again(std::move(function)) {}
            void go_on() noexcept override {
                try {
                    again();
                } catch (...) {
                    // What could not go on is destroyed, which answers with an error.
                }
            }
            Function again;
        };
        const std::lock_guard guard(mutex_);
        if (!closed_ || !for_long_) return false;
        waiters_.reserve(waiters_.size() + 1);
        waiters_.push_back(std::make_unique<Kept>(std::move(again)));
        return true;
    }

private:
    struct Waiter {
        Waiter() = default;
        Waiter(const Waiter&) = delete;
        Waiter& operator=(const Waiter&) = delete;
        virtual ~Waiter() = default;
        virtual void go_on() noexcept = 0;
    };

    std::mutex mutex_;
    std::condition_variable opened_;
    bool closed_ = false;
    bool for_long_ = false;
    std::vector<std::unique_ptr<Waiter>> waiters_;
};

} // namespace detail
} // namespace v0
} // namespace larder
