// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/policy/policy.hpp>

namespace larder {
inline namespace v0 {

/// Every read is the database's own answer; the cache resolves alternate keys to the primary key.
///
/// A read by the primary key is one query; one by an alternate key is one cache lookup and one query, with the relations
/// joined. What a cached alias leads to is compared with what was asked, so an alias of the past resolves nothing.
/// A write commits, then publishes the aliases. No anomaly.
/// Choose it where a stale answer is worse than a query.
struct Hybrid {
    static constexpr std::string_view name = "Hybrid";
    static constexpr Guarantee guarantee{"every read is the database's own answer", "none", "a stale answer is worse than a query", true};
    static constexpr bool caches_rows = false;
    static constexpr bool fenced = false;
    static constexpr AfterWrite after_write = AfterWrite::publish;
    static constexpr Stamp stamp = Stamp::none;
    constexpr OnHit on_hit(const HitView&) const noexcept { return OnHit::reload; }
};
static_assert(policy<Hybrid>);

} // namespace v0
} // namespace larder
