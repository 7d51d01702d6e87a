// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>

namespace larder {
inline namespace v0 {

/// A span of time, the unit of every TTL, bound, age and latency in the library.
using Duration = std::chrono::nanoseconds;

/// A moment of the environment's monotonic clock; meaningful within one process only.
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, Duration>;

/// A moment of the environment's wall clock, used only against the entity's own columns (`expires`, `touch`, `revoked`).
using WallTime = std::chrono::sys_time<std::chrono::microseconds>;

/// A handy column type: a moment of the wall clock to the millisecond.
using TimePoint = std::chrono::sys_time<std::chrono::milliseconds>;

} // namespace v0
} // namespace larder
