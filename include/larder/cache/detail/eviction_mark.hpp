// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

namespace larder {
inline namespace v0 {
namespace detail {

/// What an eviction rule keeps in each record, as the record's `mark()`, guarded by the lock of the order that the record is in.
struct EvictionMark {
    std::uint8_t hits = 0;  ///< Hits since the rule last looked, as far as it counts.
    std::uint8_t queue = 0; ///< The queue that the record is in, of a rule with several.
    bool accessed = false;  ///< A hit came since the value was stored. Its owner's, no rule's.

    /// Counts a hit, up to `most`; stores nothing beyond.
    void count(std::uint8_t most) noexcept {
        if (hits < most) ++hits;
    }
};

} // namespace detail
} // namespace v0
} // namespace larder
