// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <map>
#include <mutex>
#include <ratio>
#include <unordered_map>

namespace server {

/// The writes whose answers said that they were pending. Thread-safe.
class PendingWrites {
public:
    using Clock = std::chrono::steady_clock;
    struct Now {
        std::uint64_t total = 0; ///< So far.
        std::uint64_t count = 0; ///< At this moment.
        larder::Duration bound{}; ///< Until the last of them is effective at the latest.
    };

    /// \param span for how long the write said that it was pending; 0: it was effective.
    void note(larder::Duration span) {
        if (span <= larder::Duration::zero()) return;
        const std::scoped_lock lock(mutex_);
        ++total_;
        const auto now = Clock::now();
        drop(now);
        ++until_[std::chrono::ceil<Tick>((now + span).time_since_epoch())];
    }
    /// \param beyond what is pending for longer than this has been told to everybody meanwhile, and is effective.
    Now now(larder::Duration beyond) {
        const std::scoped_lock lock(mutex_);
        const auto now = Clock::now();
        drop(now);
        until_.erase(until_.upper_bound(std::chrono::ceil<Tick>((now + beyond).time_since_epoch())), until_.end());
        Now found{total_, 0, {}};
        for (const auto& [until, count] : until_) found.count += count;
        if (found.count != 0) found.bound = until_.rbegin()->first - now.time_since_epoch();
        return found;
    }

private:
    /// How finely moments are told apart, so that there are few of them whatever is written.
    using Tick = std::chrono::duration<std::int64_t, std::ratio<1, 20>>;

    void drop(Clock::time_point now) { until_.erase(until_.begin(), until_.upper_bound(std::chrono::floor<Tick>(now.time_since_epoch()))); }

    std::mutex mutex_;
    std::map<Tick, std::uint64_t> until_;
    std::uint64_t total_ = 0;
};

/// The user whose sessions are used most, by samples, of which old ones count less and less. Thread-safe.
class Busiest {
public:
    void note(std::int64_t user) {
        if (calls_.fetch_add(1, std::memory_order_relaxed) % sampling != 0) return;
        const std::scoped_lock lock(mutex_);
        ++uses_[user];
        if (++samples_ < fade_after) return;
        samples_ = 0;
        for (auto each = uses_.begin(); each != uses_.end();) each = (each->second /= 2) == 0 ? uses_.erase(each) : std::next(each);
    }
    /// 0: nobody used any.
    std::int64_t user() const {
        const std::scoped_lock lock(mutex_);
        std::int64_t best = 0;
        std::uint32_t most = 0;
        for (const auto& [user, uses] : uses_)
            if (uses > most) {
                best = user;
                most = uses;
            }
        return best;
    }
    /// Of this user's sessions there are none any more.
    void forget(std::int64_t user) {
        const std::scoped_lock lock(mutex_);
        uses_.erase(user);
    }

private:
    static constexpr std::uint32_t sampling = 8;
    static constexpr std::uint32_t fade_after = 4096;

    mutable std::mutex mutex_;
    std::unordered_map<std::int64_t, std::uint32_t> uses_;
    std::uint32_t samples_ = 0;
    std::atomic<std::uint32_t> calls_{0};
};

/// What a service notices of its answers beside what the library counts.
struct Usage {
    PendingWrites pending;
    Busiest busiest;
};

} // namespace server
