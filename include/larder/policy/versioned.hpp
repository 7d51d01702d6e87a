// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/entity/key.hpp>
#include <larder/policy/policy.hpp>

namespace larder {
inline namespace v0 {

/// Version source: the row's own version, asked of the database alone on each hit.
struct row_probe {};

/// Version source: the schema's `revision` number, compiled in.
struct schema_constant {};

/// Version source: the epoch of the schema's first group.
struct group_epoch {};

/// Version source: the epoch of the group over these members.
template <auto... Members>
struct group_epoch_of {};

/// Serves a cached row only if its version is the current one, as the version source tells.
template <class Source>
struct Versioned;

/// A hit costs one query, of the row's version alone; never serves a version other than the current one.
///
/// A write commits, then publishes. No anomaly, but what an embedded row says may be older than the probe (see `embed`).
/// Choose it where rows are large or joined and the version is cheap to ask.
template <>
struct Versioned<row_probe> {
    static constexpr std::string_view name = "Versioned<row_probe>";
    static constexpr Guarantee guarantee{"never serves a version other than the current one", "none", "rows are large and their version is cheap to ask", true};
    static constexpr bool caches_rows = true;
    static constexpr bool fenced = false;
    static constexpr bool always_verifies = true;
    static constexpr AfterWrite after_write = AfterWrite::publish;
    static constexpr Stamp stamp = Stamp::none;
    constexpr OnHit on_hit(const HitView&) const noexcept { return OnHit::verify_version; }
};

/// A hit costs nothing more than the hit; a deploy that moves the schema's `revision` invalidates everything.
///
/// Single rows are as under `WriteThroughUnfenced`.
/// Choose it where a shared tier survives deploys that change what rows mean.
template <>
struct Versioned<schema_constant> {
    static constexpr std::string_view name = "Versioned<schema_constant>";
    static constexpr Guarantee guarantee{"a deploy that moves the schema's revision invalidates everything; single rows as WriteThroughUnfenced",
                                         "a writer that dies between commit and publish leaves the old row for as long as the TTL", "a shared tier survives deploys", false};
    static constexpr bool caches_rows = true;
    static constexpr bool fenced = false;
    static constexpr bool always_serves = true;
    static constexpr AfterWrite after_write = AfterWrite::publish;
    static constexpr Stamp stamp = Stamp::revision;
    constexpr OnHit on_hit(const HitView&) const noexcept { return OnHit::serve; }
};

/// A hit costs a second cache read, of the group's epoch; a group operation ("log this user out everywhere") is seen at once.
///
/// The epoch moves in the operation's own transaction, so all of the group's cached rows are out of date with it, even those
/// that no publish has reached. Single rows are as under `WriteThroughUnfenced`.
/// Choose it where group operations matter most.
template <auto... Members>
struct Versioned<group_epoch_of<Members...>> {
    static constexpr std::string_view name = "Versioned<group_epoch>";
    static constexpr Guarantee guarantee{"a group operation is seen at once; single rows as WriteThroughUnfenced",
                                         "a writer of a single row that dies between commit and publish leaves the old row for as long as the TTL", "group operations matter most", false};
    static constexpr bool caches_rows = true;
    static constexpr bool fenced = false;
    static constexpr bool always_serves = true;
    static constexpr AfterWrite after_write = AfterWrite::publish;
    static constexpr Stamp stamp = Stamp::group_epoch;
    /// The key space of the group.
    template <class Entity>
    static constexpr std::size_t epoch_space = [] {
        if constexpr (sizeof...(Members) == 0)
            return schema_of<Entity>::alias_end;
        else
            return space_of_v<Entity, Members...>;
    }();
    constexpr OnHit on_hit(const HitView&) const noexcept { return OnHit::serve; }
};

template <>
struct Versioned<group_epoch> : Versioned<group_epoch_of<>> {};

static_assert(policy<Versioned<row_probe>> && policy<Versioned<schema_constant>> && policy<Versioned<group_epoch>>);

} // namespace v0
} // namespace larder
