// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>

#include <atomic>

namespace larder {
inline namespace v0 {

/// The connection lease of an in-process tier: whether the feed of invalidations from the shared tier is known to be alive.
///
/// Invalidations and heartbeats come over one ordered connection, so that an answered heartbeat proves that everything
/// invalidated before it was sent has arrived. The tier in front serves only until the last answered heartbeat's *sending* plus
/// `delta`; so a copy outlives the write that made it old by `delta` at the most. Thread-safe, lock-free.
class NearFeed {
public:
    /// \param delta the bound; more than the time between heartbeats.
    explicit NearFeed(Duration delta) noexcept : delta_(delta) {}

    Duration delta() const noexcept { return delta_; }

    /// A heartbeat sent at this moment was answered, and everything before the answer has been applied.
    void heartbeat_answered(SteadyTime sent) noexcept { until_.store((sent + delta_).time_since_epoch().count(), std::memory_order_release); }

    /// The connection is gone, or not to be trusted any more. Empty the tier in front before the next heartbeat is told.
    void disconnected() noexcept { until_.store(SteadyTime::min().time_since_epoch().count(), std::memory_order_release); }

    /// Whether the tier in front may serve.
    bool may_serve(SteadyTime now) const noexcept { return now.time_since_epoch().count() <= until_.load(std::memory_order_acquire); }

private:
    Duration delta_;
    std::atomic<Duration::rep> until_{SteadyTime::min().time_since_epoch().count()};
};

} // namespace v0
} // namespace larder
