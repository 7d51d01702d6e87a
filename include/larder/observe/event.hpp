// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/error.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace larder {
inline namespace v0 {

/// Where an answer came from, or where something happened: the request's own scope, the in-process tier, the shared
/// tier, or the database.
enum class Level : std::uint8_t { scope, memory, shared, database };
inline constexpr std::size_t level_count = 4;

constexpr std::string_view name_of(Level level) noexcept {
    constexpr std::string_view names[] = {"scope", "memory", "shared", "database"};
    return names[static_cast<std::size_t>(level)];
}

/// How a lookup in a cache tier ended.
enum class LookupOutcome : std::uint8_t {
    hit,          ///< The row, or the primary key behind an alias, was there and could be used.
    negative_hit, ///< "There is no such row" was there.
    miss,         ///< Nothing usable was there.
    waited,       ///< Somebody else was filling; the lookup is repeated.
    bypass,       ///< A write was under way.
    rejected,     ///< A value was there but the policy, the intent or the verification of the alias refused it.
    undecodable,  ///< A value was there but could not be decoded; it counts as a miss.
    failed,       ///< The tier failed; it counts as a miss.
};
inline constexpr std::size_t lookup_outcome_count = 8;

constexpr std::string_view name_of(LookupOutcome outcome) noexcept {
    constexpr std::string_view names[] = {"hit",    "negative_hit", "miss",        "waited",
                                          "bypass", "rejected",     "undecodable", "failed"};
    return names[static_cast<std::size_t>(outcome)];
}

/// What a query to the database was for.
enum class QueryKind : std::uint8_t {
    load, load_by, load_many, list, version_probe, epoch_read, insert, update, erase, touch, revoke_group, clock, begin, commit, roll_back
};
inline constexpr std::size_t query_kind_count = 15;

constexpr std::string_view name_of(QueryKind kind) noexcept {
    constexpr std::string_view names[] = {"load",       "load_by", "load_many", "list",  "version_probe", "epoch_read",
                                          "insert",     "update",  "erase",     "touch", "revoke_group",  "clock",
                                          "begin",      "commit",  "roll_back"};
    return names[static_cast<std::size_t>(kind)];
}

/// How a fill ended.
enum class FillOutcome : std::uint8_t {
    stored,   ///< The tier keeps the value.
    lost,     ///< The lease was gone: a write came between, or the record was evicted.
    outdated, ///< The value is older than the newest published version.
    refused,  ///< The value is larger than the tier's bound.
};
inline constexpr std::size_t fill_outcome_count = 4;

constexpr std::string_view name_of(FillOutcome outcome) noexcept {
    constexpr std::string_view names[] = {"stored", "lost", "outdated", "refused"};
    return names[static_cast<std::size_t>(outcome)];
}

/// Why a tier dropped a record by itself.
enum class EvictionCause : std::uint8_t { capacity, bytes, expired };
inline constexpr std::size_t eviction_cause_count = 3;

constexpr std::string_view name_of(EvictionCause cause) noexcept {
    constexpr std::string_view names[] = {"capacity", "bytes", "expired"};
    return names[static_cast<std::size_t>(cause)];
}

/// How a write changed a tier.
enum class Invalidation : std::uint8_t { fence, publish, expel, expire };
inline constexpr std::size_t invalidation_count = 4;

constexpr std::string_view name_of(Invalidation kind) noexcept {
    constexpr std::string_view names[] = {"fence", "publish", "expel", "expire"};
    return names[static_cast<std::size_t>(kind)];
}

/// Why an answer was allowed to be stale.
enum class StaleCause : std::uint8_t { none, database_failed, refresh_due };
inline constexpr std::size_t stale_cause_count = 3;

constexpr std::string_view name_of(StaleCause cause) noexcept {
    constexpr std::string_view names[] = {"none", "database_failed", "refresh_due"};
    return names[static_cast<std::size_t>(cause)];
}

/// The repository's verbs, as far as they are told apart in metrics: `find` and `find_by` stand for their `try_` and `warm`
/// forms too, `update` for `save`, `expel` for its forms by another key.
enum class Verb : std::uint8_t {
    find, find_by, find_many, find_all_by, peek, insert, update, erase, touch, revoke, revoke_all, wait_effective, warm, refresh, expel, expire
};
inline constexpr std::size_t verb_count = 16;

constexpr std::string_view name_of(Verb verb) noexcept {
    constexpr std::string_view names[] = {"find",  "find_by", "find_many",  "find_all_by",    "peek", "insert",  "update", "erase",
                                          "touch", "revoke",  "revoke_all", "wait_effective", "warm", "refresh", "expel",  "expire"};
    return names[static_cast<std::size_t>(verb)];
}

/// What an observer is told. Events are small values; a text view in one lives as long as the call.
namespace event {

/// A lookup in a cache tier ended. `alias` tells a lookup of an alias from one of a record.
struct Lookup {
    Level level;
    LookupOutcome outcome;
    bool alias;
};

/// A query to the database ended.
struct Query {
    QueryKind kind;
    Duration took;
    std::size_t rows;
    bool failed;
};

/// A caller took the answer of a load that another caller had started.
struct Coalesced {};

/// An entity was built from a row of the database.
struct Rebuilt {
    std::size_t rows;
};

/// A stale answer was given.
struct StaleServed {
    StaleCause cause;
};

/// A fill ended. `alias` tells the fill of an alias from that of a record.
struct Fill {
    Level level;
    FillOutcome outcome;
    bool alias;
};

/// A tier dropped records by itself.
struct Evicted {
    Level level;
    EvictionCause cause;
    std::size_t entries;
    std::size_t bytes;
};

/// A write fenced, published, expelled or expired keys in a tier.
struct Invalidated {
    Level level;
    Invalidation kind;
    std::size_t keys;
};

/// A failure that a tier hid from the caller. `operation` names what failed.
struct HiddenFailure {
    Level level;
    std::string_view operation;
    const Error& error;
};

/// A call of a verb ended. Each call is told of exactly once, by this or by `Hit`. Calls that wait for nobody are timed by
/// samples: `weight` says for how many calls the time stands; 0: this call was not timed.
struct Finished {
    Verb verb;
    Duration took;
    bool failed;
    std::uint32_t weight;
};

/// A call of a verb ended with the row that its first look found, in the tier nearest to it. `alias`: an alias led there.
///
/// It stands for the events that such a call consists of, in one, since it is by far the most frequent: `for_each_part`.
/// Times are as in `Finished`.
struct Hit {
    Verb verb;
    Level level;
    bool alias;
    Duration took;
    std::uint32_t weight;

    /// Calls `visit(event)` for each event that this one stands for: the lookups that hit, and the end of the call.
    template <class Visit>
    constexpr void for_each_part(Visit&& visit) const {
        if (alias) visit(Lookup{level, LookupOutcome::hit, true});
        visit(Lookup{level, LookupOutcome::hit, false});
        visit(Finished{verb, took, false, weight});
    }
};

} // namespace event

/// Ignores every event and costs nothing.
struct NullObserver {
    static constexpr bool silent = true;
    template <class Event>
    constexpr void on(const Event&) const noexcept {}
};

/// Meets the requirements of an observer: `on(event)` for each event of namespace `event`, from any thread, without throwing.
///
/// It may have a `static constexpr bool silent`: if true it ignores every event, so nothing is measured for it.
template <class O>
concept observer = requires(O& o, const event::Lookup& lookup, const event::Query& query, const event::Coalesced& coalesced,
                            const event::Rebuilt& rebuilt, const event::StaleServed& stale, const event::Fill& fill,
                            const event::Evicted& evicted, const event::Invalidated& invalidated,
                            const event::HiddenFailure& hidden, const event::Finished& finished, const event::Hit& hit) {
    o.on(lookup);
    o.on(query);
    o.on(coalesced);
    o.on(rebuilt);
    o.on(stale);
    o.on(fill);
    o.on(evicted);
    o.on(invalidated);
    o.on(hidden);
    o.on(finished);
    o.on(hit);
};

namespace detail {

/// Whether an observer ignores every event.
template <class O>
inline constexpr bool is_silent_v = requires { requires O::silent; };

} // namespace detail

} // namespace v0
} // namespace larder
