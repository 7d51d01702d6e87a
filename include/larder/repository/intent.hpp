// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/repository/result.hpp>

#include <optional>

namespace larder {
inline namespace v0 {

/// How fresh one read must be, and how long what it loads may be kept. Default: as the policy says.
struct Read {
    Version at_least = 0;              ///< No older version answers.
    Duration max_age = Duration::max();///< No answer whose load began longer ago.
    bool truth = false;                ///< The database answers, and nothing is filled.
    std::optional<Duration> ttl = {};  ///< What this read loads lives this long, not as long as the options say; 0 or less: it is not kept.
};

/// A read that sees at least what a write or an earlier read returned.
inline Read at_least(ConsistencyToken token) noexcept { return {.at_least = token.version}; }

/// A read whose answer was loaded no longer ago than this.
inline Read max_age(Duration age) noexcept { return {.max_age = age}; }

/// A read that the database answers.
inline constexpr Read truth{.truth = true};

/// A read whose load, if there is one, is kept this long.
inline Read keep_for(Duration ttl) noexcept { return {.ttl = ttl}; }

} // namespace v0
} // namespace larder
