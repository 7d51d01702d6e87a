// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/entity/key.hpp>
#include <larder/entity/projection.hpp>
#include <larder/error.hpp>
#include <larder/observe/event.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {

/// The right to fill one record, unique to one load. 0 is no lease.
using LeaseToken = std::uint64_t;

/// Who holds a fence. 0 is nobody.
using FenceOwner = std::uint64_t;

/// What a tier keeps of a row: the whole row (hot), its warm fields, or the knowledge that there is no such row.
template <entity Entity>
struct CachedRow {
    std::shared_ptr<const Entity> full;           ///< The whole row, if it is hot.
    std::shared_ptr<const WarmRow<Entity>> warm;  ///< Its warm fields, if it is warm; null if it is hot.
    std::uint64_t stamp = 0;                      ///< The policy's mark: the group epoch or schema revision it was loaded under.

    /// "There is no such row": a negative entry, or the tombstone of an erased one.
    bool absent() const noexcept { return !full && !warm; }
};

namespace detail {

template <entity Entity, std::size_t Space>
struct SpaceValue {
    using type = std::conditional_t<(Space < schema_of<Entity>::alias_end), std::optional<primary_key_t<Entity>>, std::uint64_t>;
};
template <entity Entity>
struct SpaceValue<Entity, 0> {
    using type = CachedRow<Entity>;
};

} // namespace detail

/// What a tier keeps under a key of a space: a `CachedRow` under the primary key; the primary key alone under an
/// alternate key (nothing: "no such row"); and the group's epoch under a group.
template <entity Entity, std::size_t Space>
using space_value_t = typename detail::SpaceValue<Entity, Space>::type;

/// What a lookup asks for.
struct Demand {
    Version min_version = 0;                           ///< An older value is a miss.
    Duration max_age = Duration::max();                ///< A value loaded longer ago is a miss.
    bool want_lease = true;                            ///< On a miss, ask for the right to fill. False only looks.
    bool refresh = false;                              ///< Ask for a lease even on a hit, to replace the value in the background.
    Duration lease_for = std::chrono::seconds(10);     ///< How long a lease given now lasts; beyond it a fill is lost.
};

/// How a lookup ended.
enum class Answer : std::uint8_t {
    hit,    ///< `value` is there.
    miss,   ///< Nothing usable is there; `lease` is the right to fill it, if one was asked for.
    wait,   ///< Somebody else holds the lease: look again a little later.
    bypass, ///< A write is under way: read the database and fill nothing.
};

/// What a lookup answers.
template <class Value>
struct Lookup {
    Answer answer = Answer::miss;
    Value value{};                    ///< On a hit the value; on a miss the fallback, if `has_fallback`.
    Version version = 0;              ///< The version of `value`.
    Duration age{};                   ///< How long ago the load of `value` began.
    Duration remaining{};             ///< On a hit: how long `value` may still be served.
    LeaseToken lease = 0;             ///< The right to fill, if one was given.
    bool refresh_due = false;         ///< On a hit: `value` is past its refresh-ahead point.
    bool unsettled = false;           ///< On a miss: a fence ended unpublished; read with `ReadMode::settled`.
    bool floored = false;             ///< On a miss with a lease: the record knows the newest version published, so that a fill with an older one is `outdated`.
    bool has_fallback = false;        ///< On a miss: `value` is a copy past its time, good only if the database fails.
};

/// What a plain hit answers of a whole row: what a `Lookup` would tell of it, and no more.
template <entity Entity>
struct WholeRow {
    std::shared_ptr<const Entity> row; ///< Null: no hit.
    std::uint64_t stamp = 0;           ///< As in `CachedRow`.
    Version version = 0;               ///< As the others in `Lookup`.
    Duration age{};
    Duration remaining{};
    bool refresh_due = false;
};

/// How long a value lives, from the moment its load began.
struct Lifetime {
    Duration serve{};                             ///< It may be served this long. Not more than 0: it is not kept.
    Duration fallback{};                          ///< And kept this much longer as a fallback for failures of the database.
    Duration refresh_after = Duration::max();     ///< From this age on a hit says `refresh_due`.
};

/// What a lookup of an alternate key and of the row that it leads to answers.
template <entity Entity>
struct Followed {
    Lookup<std::optional<primary_key_t<Entity>>> alias;
    Lookup<CachedRow<Entity>> row; ///< A hit, or nothing at all.
};

/// A value to be filled in.
template <class Value>
struct FillRequest {
    LeaseToken lease = 0;     ///< The lease that the lookup gave.
    Version version = 0;
    Value value{};
    Duration age{};           ///< How long ago its load began.
    Lifetime lifetime{};
};

/// Keys of one entity over all its spaces.
template <entity Entity>
class KeySet {
    template <std::size_t... Space>
    static std::tuple<std::vector<space_key_t<Entity, Space>>...> spaces_of(std::index_sequence<Space...>);
    using Spaces = decltype(spaces_of(std::make_index_sequence<schema_of<Entity>::space_count>{}));

public:
    template <std::size_t Space>
    std::vector<space_key_t<Entity, Space>>& in() noexcept { return std::get<Space>(spaces_); }
    template <std::size_t Space>
    const std::vector<space_key_t<Entity, Space>>& in() const noexcept { return std::get<Space>(spaces_); }

    /// Adds a key unless it is there already. O(keys of the space).
    template <std::size_t Space>
    void add(space_key_t<Entity, Space> key) {
        auto& keys = in<Space>();
        for (const auto& known : keys)
            if (known == key) return;
        keys.push_back(std::move(key));
    }

    /// Adds every key by which a row can be found: the primary key and the alternate keys that are not null.
    void add_all_of(const Entity& row) {
        [&]<std::size_t... Space>(std::index_sequence<Space...>) { (add_key_of<Space>(row), ...); }(std::make_index_sequence<schema_of<Entity>::alias_end>{});
    }

    /// The number of keys in all spaces.
    std::size_t size() const noexcept {
        return std::apply([](const auto&... keys) { return (keys.size() + ...); }, spaces_);
    }

private:
    template <std::size_t Space>
    void add_key_of(const Entity& row) {
        if (auto key = key_of<Space>(row)) add<Space>(std::move(*key));
    }

    Spaces spaces_;
};

/// What a committed write tells the tiers about one row, and about the groups' epochs it moved.
///
/// A tier applies it key by key, in any order.
template <entity Entity>
struct Publication {
    std::optional<primary_key_t<Entity>> primary;        ///< The row's primary key; nothing if only epochs moved.
    Version version = 0;                                 ///< The version that was committed; for an erased row, that of its tombstone. 0: the row has no version.
    std::optional<CachedRow<Entity>> row;                ///< The new value, or an absent one for a tombstone; nothing: what is kept is dropped and only the floor rises.
    KeySet<Entity> aliases;                              ///< The alternate keys that lead to the row from now on.
    KeySet<Entity> gone;                                 ///< The alternate keys that lead to it no more.
    KeySet<Entity> epoch_keys;                           ///< Groups whose epoch moved,
    std::uint64_t epoch = 0;                             ///< to this.
    Lifetime lifetime{};
    FenceOwner owner = 0;                                ///< Whose fence ends; 0: none.
};

/// What a tier holds at this moment.
struct TierUsage {
    std::size_t entries = 0; ///< Records that hold a row (hot, warm or negative).
    std::size_t aliases = 0; ///< Alternate keys and epochs.
    std::size_t bytes = 0;   ///< Their weight.
};

namespace detail {

/// \name The operations that every in-process tier has, one by one, so that the one that is missing can be named
/// @{
template <class T>
concept says_level = requires {
    { T::level } -> std::convertible_to<Level>;
};
template <class T>
concept says_outlives_process = requires {
    { T::outlives_process } -> std::convertible_to<bool>;
};
/// Whether a tier repeats by itself what it could not tell.
template <class T>
inline constexpr bool retries_itself = [] {
    if constexpr (requires { { T::retries_itself } -> std::convertible_to<bool>; })
        return static_cast<bool>(T::retries_itself);
    else
        return false;
}();
template <class T, class Entity>
concept looks_up = requires(T& tier, const primary_key_t<Entity>& key, const Demand& demand) {
    { tier.template lookup<0>(key, demand) } -> std::convertible_to<Outcome<Lookup<CachedRow<Entity>>>>;
};
template <class T, class Entity>
concept looks_up_many = requires(T& tier, std::span<const primary_key_t<Entity>> keys, const Demand& demand) {
    { tier.template lookup_many<0>(keys, demand) } -> std::convertible_to<Outcome<std::vector<Lookup<CachedRow<Entity>>>>>;
};
template <class T, class Entity>
concept fills_record = requires(T& tier, const primary_key_t<Entity>& key, FillRequest<CachedRow<Entity>> request) {
    { tier.template fill<0>(key, std::move(request)) } -> std::convertible_to<Outcome<FillOutcome>>;
};
template <class T, class Entity>
concept fills_many = requires(T& tier, std::span<const primary_key_t<Entity>> keys, std::vector<FillRequest<CachedRow<Entity>>> requests) {
    { tier.template fill_many<0>(keys, std::move(requests)) } -> std::convertible_to<Outcome<std::vector<FillOutcome>>>;
};
template <class T, class Entity>
concept fences_keys = requires(T& tier, const KeySet<Entity>& set) { tier.fence(set, FenceOwner{}, Duration{}); };
template <class T, class Entity>
concept takes_publications = requires(T& tier, std::span<const Publication<Entity>> publications) { tier.publish(publications); };
template <class T, class Entity>
concept expels_keys = requires(T& tier, const KeySet<Entity>& set) { tier.expel(set); };
template <class T, class Entity>
concept expires_keys = requires(T& tier, const KeySet<Entity>& set) { tier.expire(set); };
template <class T>
concept clears_all = requires(T& tier) { tier.clear(); };
template <class T>
concept tells_usage = requires(T& tier) {
    { tier.usage() } -> std::convertible_to<TierUsage>;
};
/// @}

} // namespace detail

/// Meets the requirements of a cache tier: a leased, versioned cache of one entity's records and of the directory of its aliases.
///
/// There is no unguarded set. For each key a tier keeps **one record**: a value with its deadlines, a floor (the newest
/// version published), at most one lease, and a set of fences. Evicting a record evicts the right to fill it.
/// All operations are atomic per key and safe from any thread.
///
/// - `lookup<Space>(key, demand)`: `hit` if a value is there, not past its deadline, at least `min_version` and not older
///   than `max_age`, and no fence stands. `bypass` while a fence stands. Else `miss` with a new, unique lease if one is
///   wanted and none stands; `wait` if one stands. A fence that reaches its end unpublished leaves the record
///   `unsettled` until a fill is stored. `refresh` asks for a lease on a hit also; if one stands, the hit comes without.
/// - `lookup_many<Space>(keys, demand)`: the same for many keys in one round trip, answers in the order of the keys.
/// - `fill<Space>(key, request)`: `lost` unless the record holds exactly that lease and it has not expired; `outdated` if the
///   version is below the floor (the lease ends all the same); `refused` if the value alone is larger than the tier's bound
///   (the lease ends); else the value replaces what was there, the lease ends, `stored`. A lifetime that is over already
///   ends the lease and answers `stored` without keeping the value; if its version shows it to be newer than what was there,
///   that goes and the record is settled; if not, nothing else changes, so that a request with the lease alone gives it back.
/// - `fill_many<Space>(keys, requests)`: the same for many, outcomes in order.
/// - `fence(keys, owner, for)`: values and leases of the keys are dropped (floors rise to the dropped value's version) and the
///   owner's fence is added to the set. A record with a fence is not evicted.
/// - `publish(publications)`: for each key, the owner's fence ends, leases end, the floor rises to the version. A version below
///   the floor changes nothing else. The value is kept if no other fence stands, the record is settled, and either the
///   owner's fence still stood or the record already held a floor or a value, of a version above 0, that is not newer (else a late publish could
///   bring back what an eviction forgot; for the same reason a floor raised by such a late publish does not count here). An alias's floor counts per primary key. A value at version 0
///   of an entity with versions, or at epoch 0, is not kept: such a publish lifts a fence, and leaves doubt whether the floor is the
///   newest version (`floored` is not said before the next publish that counts). Idempotent.
/// - `expel(keys)`: values and leases are dropped, floors and fences stay. Whoever expels knows of a change that other writers need not know of:
///   what the owners of standing fences publish is not kept, nor any other publish before the next load or fence, and no floor is said to be the newest.
/// - `expire(keys)`: the same, but values stay as fallback, those whose lifetime has a fallback.
/// - A fallback is offered on `miss` and `wait`, from the value's serving time on or from `expire`, or to who finds it too old, until its
///   time ends, and never below `min_version`.
/// - An epoch is its own version.
/// - `clear()`: everything is dropped, fences and floors too. `usage()`: what it holds.
///
/// With no version in the schema, versions are 0 and floors do nothing.
///
/// An in-process tier answers directly. A tier that talks to a server has, instead of each operation `op(args...)`, an
/// `async_op(args..., handler)` that calls `handler(Outcome<...>)` once, from any thread (`asynchronous_tier`). Where it can read an alternate key and the
/// row that it leads to in one round trip, it has `async_follow<Space>(key, demand, row_demand, handler)` as well, which answers `Followed`: the
/// alternate key as a lookup does, and the row if that is a hit.
///
/// A fence or a publish that fails is asked for up to three times, since its answer alone may have been lost. A tier that waits for its server by itself, sends
/// what was lost once more and delivers later what it could not, says so: `static constexpr bool retries_itself = true`. It is asked once, for else a
/// write would wait three times as long as the tier is willing to.
template <class T, class Entity>
concept cache_tier = entity<Entity> && detail::says_level<T> && detail::says_outlives_process<T> && detail::looks_up<T, Entity> && detail::looks_up_many<T, Entity> &&
                     detail::fills_record<T, Entity> && detail::fills_many<T, Entity> && detail::fences_keys<T, Entity> && detail::takes_publications<T, Entity> &&
                     detail::expels_keys<T, Entity> && detail::expires_keys<T, Entity> && detail::clears_all<T> && detail::tells_usage<T>;

/// Meets the requirements of a cache tier whose operations end later, with a handler.
template <class T, class Entity>
concept asynchronous_tier = entity<Entity> && requires(T& tier, const primary_key_t<Entity>& key, const Demand& demand, void (*handler)(Outcome<Lookup<CachedRow<Entity>>>)) {
    { T::level } -> std::convertible_to<Level>;
    { T::outlives_process } -> std::convertible_to<bool>;
    tier.template async_lookup<0>(key, demand, handler);
};

} // namespace v0
} // namespace larder
