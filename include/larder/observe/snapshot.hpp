// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/observe/enum_table.hpp>
#include <larder/observe/event.hpp>
#include <larder/observe/latency.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>

namespace larder {
inline namespace v0 {

/// How often something happened to records, and how often to aliases. `Number` is `std::uint64_t` in a snapshot, as in
/// all structs here.
template <class Number> struct RecordsAndAliases {
    Number records{};
    Number aliases{};

    Number total() const noexcept { return records + aliases; }

    template <class Self> static constexpr auto fields(Self& self) noexcept {
        return std::tie(self.records, self.aliases);
    }
};

/// The queries of one kind.
template <class Number> struct Queries {
    Number count{}; ///< All queries, failed ones included.
    Number failed{};
    Number rows{};        ///< Rows that they read or wrote.
    Number nanoseconds{}; ///< The time they took together.

    template <class Self> static constexpr auto fields(Self& self) noexcept {
        return std::tie(self.count, self.failed, self.rows, self.nanoseconds);
    }
};

/// What a tier dropped by itself for one cause.
template <class Number> struct Evictions {
    Number entries{};
    Number bytes{};

    template <class Self> static constexpr auto fields(Self& self) noexcept {
        return std::tie(self.entries, self.bytes);
    }
};

/// The counters that a hit moves.
template <class Number> struct HitCounters {
    EnumTable<Level, EnumTable<LookupOutcome, RecordsAndAliases<Number>>> lookups; ///< Lookups by tier and outcome.
    EnumTable<Verb, Number> calls; ///< Calls by verb, each of them, failed ones included.

    template <class Self> static constexpr auto fields(Self& self) noexcept { return std::tie(self.lookups, self.calls); }
};

/// The counters of what costs more than a hit.
template <class Number> struct EventCounters {
    EnumTable<Level, EnumTable<FillOutcome, RecordsAndAliases<Number>>> fills; ///< Fills by tier and outcome.
    EnumTable<QueryKind, Queries<Number>> queries;                             ///< Database queries by kind.
    Number coalesced{};                  ///< Answers taken from another caller's load.
    Number rebuilt{};                    ///< Entities built from rows of the database.
    EnumTable<StaleCause, Number> stale; ///< Stale answers by cause.
    EnumTable<Level, EnumTable<EvictionCause, Evictions<Number>>>
        evictions;                                                   ///< Records that tiers dropped by themselves.
    EnumTable<Level, EnumTable<Invalidation, Number>> invalidations; ///< Keys that writes changed in tiers.
    EnumTable<Level, Number> hidden_failures;                        ///< Failures that tiers hid from callers.

    template <class Self> static constexpr auto fields(Self& self) noexcept {
        return std::tie(self.fills, self.queries, self.coalesced, self.rebuilt, self.stale, self.evictions,
                        self.invalidations, self.hidden_failures);
    }
};

/// The state of a `Metrics` at one time, as a plain value: counters since its beginning, or, as the difference of two
/// snapshots, those of the time between. As thread-safe as any value.
///
/// Ratios are 0 where nothing was counted yet.
struct MetricsSnapshot : HitCounters<std::uint64_t>, EventCounters<std::uint64_t> {
    EnumTable<Level, std::string> last_failure; ///< The text of the newest hidden failure of each level; empty if none.
    EnumTable<Verb, Latency> latencies;         ///< How long the calls of each verb took, by samples.
    std::uint64_t entries = 0; ///< A gauge: records that the cache tiers hold. The repository fills it in.
    std::uint64_t aliases = 0; ///< A gauge: alternate keys that they hold. The repository fills it in.
    std::uint64_t bytes = 0;   ///< A gauge: the weight of both. The repository fills it in.

    /// Calls of all verbs.
    std::uint64_t requests() const noexcept {
        std::uint64_t sum = 0;
        for (const auto count : calls.values) sum += count;
        return sum;
    }

    /// Queries of all kinds.
    std::uint64_t database_queries() const noexcept {
        std::uint64_t sum = 0;
        for (const auto& kind : queries.values) sum += kind.count;
        return sum;
    }

    /// Database queries for each call of a verb.
    double queries_per_request() const noexcept { return ratio(database_queries(), requests()); }

    /// The share of a tier's record lookups that it answered, "there is no such row" included. Lookups that waited do
    /// not count, since they are repeated.
    double hit_ratio(Level level) const noexcept {
        const auto shares = shares_of(level, &RecordsAndAliases<std::uint64_t>::records);
        return ratio(shares.hits, shares.hits + shares.others);
    }

    /// The share of a tier's alias lookups that it answered.
    double alias_hit_ratio(Level level) const noexcept {
        const auto shares = shares_of(level, &RecordsAndAliases<std::uint64_t>::aliases);
        return ratio(shares.hits, shares.hits + shares.others);
    }

    /// The share of record lookups that some tier answered: what one tier misses the next is asked for, so only the
    /// misses of the outermost tier in use count as such.
    double hit_ratio() const noexcept {
        std::uint64_t hits = 0;
        std::uint64_t missed = 0;
        for (std::size_t i = 0; i < level_count; ++i) {
            const auto shares = shares_of(static_cast<Level>(i), &RecordsAndAliases<std::uint64_t>::records);
            hits += shares.hits;
            if (shares.hits + shares.others > 0) missed = shares.others;
        }
        return ratio(hits, hits + missed);
    }

    /// Stale answers of all causes.
    std::uint64_t stale_answers() const noexcept {
        std::uint64_t sum = 0;
        for (const auto count : stale.values) sum += count;
        return sum;
    }

    /// True if anything was counted at this level.
    bool used(Level level) const noexcept {
        bool found = hidden_failures[level] > 0;
        const auto look = [&found](std::uint64_t count) { found = found || count > 0; };
        detail::for_each_leaf(lookups[level], look);
        detail::for_each_leaf(fills[level], look);
        detail::for_each_leaf(evictions[level], look);
        detail::for_each_leaf(invalidations[level], look);
        return found;
    }

    /// What happened between two snapshots of one source. Gauges are the later ones'; so is a failure's text if there
    /// was a new failure. \pre `earlier` was taken before `later`: what would be negative is 0.
    friend MetricsSnapshot operator-(const MetricsSnapshot& later, const MetricsSnapshot& earlier) {
        MetricsSnapshot between = later;
        const auto subtract = [](std::uint64_t& from, const std::uint64_t& what) {
            from = from > what ? from - what : 0;
        };
        detail::zip_leaves(static_cast<HitCounters&>(between), static_cast<const HitCounters&>(earlier), subtract);
        detail::zip_leaves(static_cast<EventCounters&>(between), static_cast<const EventCounters&>(earlier), subtract);
        for (std::size_t i = 0; i < level_count; ++i)
            if (between.hidden_failures.values[i] == 0) between.last_failure.values[i].clear();
        for (std::size_t i = 0; i < verb_count; ++i)
            between.latencies.values[i] = later.latencies.values[i].since(earlier.latencies.values[i]);
        return between;
    }

private:
    struct Shares {
        std::uint64_t hits = 0;
        std::uint64_t others = 0;
    };

    Shares shares_of(Level level, std::uint64_t RecordsAndAliases<std::uint64_t>::*which) const noexcept {
        Shares shares;
        lookups[level].for_each([&](LookupOutcome outcome, const RecordsAndAliases<std::uint64_t>& count) {
            if (outcome == LookupOutcome::hit || outcome == LookupOutcome::negative_hit)
                shares.hits += count.*which;
            else if (outcome != LookupOutcome::waited)
                shares.others += count.*which;
        });
        return shares;
    }

    static double ratio(std::uint64_t part, std::uint64_t whole) noexcept {
        return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
    }
};

} // namespace v0
} // namespace larder
