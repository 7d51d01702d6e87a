// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/policy/policy.hpp>

namespace larder {
inline namespace v0 {

/// Answers from the cache; a write fences its keys, commits, publishes the new row and only then is acknowledged.
///
/// A hit costs no query. A read begun after a write was acknowledged as effective never answers with anything older, and a
/// writer that dies between commit and publish leaves nothing stale behind once its fence has ended.
/// Anomaly: while a write is under way, some reads may see the row from before it and some the row after it.
/// Choose it where reads outnumber writes and every writer uses the library.
struct WriteThrough {
    static constexpr std::string_view name = "WriteThrough";
    static constexpr Guarantee guarantee{"a read begun after an effective write is never older; a crashed writer heals when its fence ends",
                                         "reads during a write may see either side of it", "reads outnumber writes", false};
    static constexpr bool caches_rows = true;
    static constexpr bool fenced = true;
    static constexpr bool always_serves = true;
    static constexpr AfterWrite after_write = AfterWrite::publish;
    static constexpr Stamp stamp = Stamp::none;
    constexpr OnHit on_hit(const HitView&) const noexcept { return OnHit::serve; }
};
static_assert(policy<WriteThrough>);

/// `WriteThrough` without the fence: a write commits, publishes, and is acknowledged. One cache operation less a write.
///
/// A read begun after an effective write is never older.
/// Anomaly: a writer that dies between commit and publish leaves the old row in a shared tier for as long as its TTL.
/// Choose it where the tiers live and die with the writer, or where the TTL is bound enough.
struct WriteThroughUnfenced {
    static constexpr std::string_view name = "WriteThroughUnfenced";
    static constexpr Guarantee guarantee{"a read begun after an effective write is never older", "a writer that dies between commit and publish leaves the old row for as long as the TTL",
                                         "the tiers die with the writer, or the TTL is bound enough", false};
    static constexpr bool caches_rows = true;
    static constexpr bool fenced = false;
    static constexpr bool always_serves = true;
    static constexpr AfterWrite after_write = AfterWrite::publish;
    static constexpr Stamp stamp = Stamp::none;
    constexpr OnHit on_hit(const HitView&) const noexcept { return OnHit::serve; }
};
static_assert(policy<WriteThroughUnfenced>);

} // namespace v0
} // namespace larder
