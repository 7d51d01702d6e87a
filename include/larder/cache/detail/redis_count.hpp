// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/cache_tier.hpp>
#include <larder/clock.hpp>

#include <mutex>

namespace larder {
inline namespace v0 {
namespace detail {

/// What was last counted in a tier, and when counting was last begun. Thread-safe.
class RedisCount {
public:
    TierUsage get() const {
        const std::lock_guard lock(mutex_);
        return last_;
    }
    void set(const TierUsage& usage) {
        const std::lock_guard lock(mutex_);
        last_ = usage;
    }
    /// Whether it is time to count, which the caller then does.
    bool due(SteadyTime now, Duration every) {
        const std::lock_guard lock(mutex_);
        if (begun_ && now - begun_at_ < every) return false;
        begun_ = true;
        begun_at_ = now;
        return true;
    }

private:
    mutable std::mutex mutex_;
    TierUsage last_;
    SteadyTime begun_at_{};
    bool begun_ = false;
};

} // namespace detail
} // namespace v0
} // namespace larder
