// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <thread>

namespace larder {
inline namespace v0 {
namespace detail {

/// A lock for critical sections of a few hundred nanoseconds: it spins for a while, then gives way to other threads between tries.
/// Meets the standard's *Lockable*. Not fair, not recursive.
class SpinLock {
public:
    void lock() noexcept {
        while (taken_.exchange(true, std::memory_order_acquire)) wait();
    }
    bool try_lock() noexcept { return !taken_.exchange(true, std::memory_order_acquire); }
    void unlock() noexcept { taken_.store(false, std::memory_order_release); }

private:
    void wait() const noexcept {
        constexpr unsigned spins = 128;
        for (unsigned tries = 0; taken_.load(std::memory_order_relaxed); ++tries) {
            if (tries < spins)
                relax();
            else
                std::this_thread::yield();
        }
    }

    /// Tells the processor that this thread only waits.
    static void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
        asm volatile("yield");
#endif
    }

    std::atomic<bool> taken_{false};
};

} // namespace detail
} // namespace v0
} // namespace larder
