// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

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
        {
            const std::lock_guard guard(mutex_);
            closed_ = false;
        }
        opened_.notify_one();
    }

private:
    std::mutex mutex_;
    std::condition_variable opened_;
    bool closed_ = false;
};

} // namespace detail
} // namespace v0
} // namespace larder
