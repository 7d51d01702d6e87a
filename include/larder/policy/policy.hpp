// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/fwd.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace larder {
inline namespace v0 {

/// What a policy promises, for people and for programs.
struct Guarantee {
    std::string_view promise;  ///< What every read may rely on.
    std::string_view anomaly;  ///< What it may see all the same.
    std::string_view use_when; ///< When to choose it.
    bool current_reads = false;///< Every read is, or is verified against, what the database says during the read.
};

/// What a policy does with a cached row that is in time and new enough.
enum class OnHit : std::uint8_t {
    serve,          ///< Answer with it.
    verify_version, ///< Ask the database for the row's version alone; answer with it if it is that version, else reload.
    reload,         ///< Load the row from the database.
};

/// What a cached row is marked with when it is loaded, and compared with when it is hit.
enum class Stamp : std::uint8_t {
    none,        ///< Nothing.
    revision,    ///< The schema's `revision` number.
    group_epoch, ///< The epoch of one of the row's groups.
};

/// What a policy does with the tiers after a commit.
enum class AfterWrite : std::uint8_t {
    publish, ///< Hand them the new row.
    expel,   ///< Drop theirs.
};

/// A cached row as a policy sees it when it decides what to do with it.
struct HitView {
    Version version;    ///< The cached version.
    Duration age;       ///< How long ago its load began.
    Duration remaining; ///< How long it may still be served.
};

namespace detail {

/// \name What every policy has, one by one, so that what is missing can be named
/// @{
template <class P>
concept says_name = requires {
    { P::name } -> std::convertible_to<std::string_view>;
};
template <class P>
concept says_guarantee = requires {
    { P::guarantee } -> std::convertible_to<Guarantee>;
};
template <class P>
concept says_caches_rows = requires {
    { P::caches_rows } -> std::convertible_to<bool>;
};
template <class P>
concept says_fenced = requires {
    { P::fenced } -> std::convertible_to<bool>;
};
template <class P>
concept says_after_write = requires {
    { P::after_write } -> std::convertible_to<AfterWrite>;
};
template <class P>
concept says_stamp = requires {
    { P::stamp } -> std::convertible_to<Stamp>;
};
template <class P>
concept decides_on_hit = requires(const P& p, const HitView& hit) {
    { p.on_hit(hit) } -> std::same_as<OnHit>;
};
/// @}

} // namespace detail

/// Meets the requirements of a consistency policy: a small struct of constants, and one decision.
///
/// - `name`, `guarantee`: for people.
/// - `caches_rows`: whether tiers keep rows, or only the aliases that lead to primary keys.
/// - `fenced`: whether a write fences its keys before it commits.
/// - `after_write`: what a commit does to the tiers. `stamp`: how cached rows are marked.
/// - `on_hit(HitView) -> OnHit`: what to do with a hit. Called without a lock, must not block. A policy without rows in the tiers is never asked.
///
/// It may have one more constant, true if `on_hit` always decides the same, which saves what the other decisions would need:
/// `always_serves` (then no database has to tell a version alone) or `always_verifies`.
///
/// A stamp that differs makes a miss before `on_hit` is asked.
template <class P>
concept policy = std::copyable<P> && detail::says_name<P> && detail::says_guarantee<P> && detail::says_caches_rows<P> && detail::says_fenced<P> && detail::says_after_write<P> &&
                 detail::says_stamp<P> && detail::decides_on_hit<P>;

namespace detail {

/// Whether a policy can be told at compile time to answer every hit from the cache.
template <class Policy>
inline constexpr bool always_serves_v = requires { requires Policy::always_serves; };

/// Whether a policy is known to have the version of every hit verified.
template <class Policy>
inline constexpr bool always_verifies_v = requires { requires Policy::always_verifies; };

/// Whether a policy may answer a hit from the cache as it is.
template <class Policy>
inline constexpr bool may_serve_v = Policy::caches_rows && !always_verifies_v<Policy>;

/// Whether a policy may have a row loaded although it is cached.
template <class Policy>
inline constexpr bool may_reload_v = Policy::caches_rows && !always_serves_v<Policy> && !always_verifies_v<Policy>;

/// Whether a policy may ask for a row's version alone.
template <class Policy>
inline constexpr bool may_probe_v = !Policy::caches_rows ? false : !always_serves_v<Policy>;

template <class Policy, class Entity>
struct EpochSpace {
    static constexpr std::size_t value = schema_of<Entity>::alias_end;
};
template <class Policy, class Entity>
    requires requires { Policy::template epoch_space<Entity>; }
struct EpochSpace<Policy, Entity> {
    static constexpr std::size_t value = Policy::template epoch_space<Entity>;
};

/// The key space of the group whose epoch a policy stamps rows with.
template <class Policy, class Entity>
inline constexpr std::size_t epoch_space_v = EpochSpace<Policy, Entity>::value;

} // namespace detail
} // namespace v0
} // namespace larder
