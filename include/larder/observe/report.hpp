// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/observe/detail/text_table.hpp>
#include <larder/observe/event.hpp>
#include <larder/observe/snapshot.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {

inline void report_lookups(fmt::memory_buffer& out, const MetricsSnapshot& snapshot) {
    std::vector<std::string> heading{"lookups"};
    for (std::size_t i = 0; i < lookup_outcome_count; ++i) heading.emplace_back(name_of(static_cast<LookupOutcome>(i)));
    heading.emplace_back("hit ratio");
    TextTable table(std::move(heading));
    snapshot.lookups.for_each([&](Level level, const auto& outcomes) {
        const auto add = [&](std::string_view what, auto which, double ratio) {
            std::vector<std::string> row{fmt::format("  {} {}", name_of(level), what)};
            std::uint64_t sum = 0;
            outcomes.for_each([&](LookupOutcome, const auto& count) {
                sum += count.*which;
                row.push_back(grouped(count.*which));
            });
            row.push_back(percent(ratio));
            if (sum > 0) table.add(std::move(row));
        };
        using Count = RecordsAndAliases<std::uint64_t>;
        add("records", &Count::records, snapshot.hit_ratio(level));
        add("aliases", &Count::aliases, snapshot.alias_hit_ratio(level));
    });
    table.print(out);
}

inline void report_fills(fmt::memory_buffer& out, const MetricsSnapshot& snapshot) {
    std::vector<std::string> heading{"fills"};
    for (std::size_t i = 0; i < fill_outcome_count; ++i) heading.emplace_back(name_of(static_cast<FillOutcome>(i)));
    TextTable table(std::move(heading));
    snapshot.fills.for_each([&](Level level, const auto& outcomes) {
        std::vector<std::string> records{fmt::format("  {} records", name_of(level))};
        std::vector<std::string> aliases{fmt::format("  {} aliases", name_of(level))};
        RecordsAndAliases<std::uint64_t> sum;
        outcomes.for_each([&](FillOutcome, const auto& count) {
            sum.records += count.records;
            sum.aliases += count.aliases;
            records.push_back(grouped(count.records));
            aliases.push_back(grouped(count.aliases));
        });
        if (sum.records > 0) table.add(std::move(records));
        if (sum.aliases > 0) table.add(std::move(aliases));
    });
    table.print(out);
}

inline void report_queries(fmt::memory_buffer& out, const MetricsSnapshot& snapshot) {
    TextTable table({"database queries", "count", "failed", "rows", "time", "mean"});
    snapshot.queries.for_each([&](QueryKind kind, const auto& queries) {
        if (queries.count == 0) return;
        table.add({fmt::format("  {}", name_of(kind)), grouped(queries.count), grouped(queries.failed),
                   grouped(queries.rows), readable(Duration(static_cast<Duration::rep>(queries.nanoseconds))),
                   readable(Duration(static_cast<Duration::rep>(queries.nanoseconds / queries.count)))});
    });
    table.print(out);
}

inline void report_tiers(fmt::memory_buffer& out, const MetricsSnapshot& snapshot) {
    TextTable evictions({"evictions", "entries", "bytes"});
    snapshot.evictions.for_each([&](Level level, const auto& causes) {
        causes.for_each([&](EvictionCause cause, const auto& evicted) {
            if (evicted.entries == 0) return;
            evictions.add({fmt::format("  {} {}", name_of(level), name_of(cause)), grouped(evicted.entries),
                           readable_bytes(evicted.bytes)});
        });
    });
    evictions.print(out);

    TextTable invalidations({"invalidations", "keys"});
    snapshot.invalidations.for_each([&](Level level, const auto& kinds) {
        kinds.for_each([&](Invalidation kind, std::uint64_t keys) {
            if (keys > 0) invalidations.add({fmt::format("  {} {}", name_of(level), name_of(kind)), grouped(keys)});
        });
    });
    invalidations.print(out);
}

inline void report_latencies(fmt::memory_buffer& out, const MetricsSnapshot& snapshot) {
    TextTable table({"latency", "calls", "failed", "mean", "p50", "p90", "p99", "p99.9", "max"});
    snapshot.latencies.for_each([&](Verb verb, const Latency& latency) {
        if (snapshot.calls[verb] == 0) return;
        std::vector<std::string> row{fmt::format("  {}", name_of(verb)), grouped(snapshot.calls[verb]), grouped(latency.failed)};
        for (const auto time : {latency.mean(), latency.p50(), latency.p90(), latency.p99(), latency.p999(), latency.max()})
            row.push_back(latency.count() == 0 ? "-" : readable(time));
        table.add(std::move(row));
    });
    table.print(out);
}

/// Texts stand last, so that their length disturbs no column.
inline void report_failures(fmt::memory_buffer& out, const MetricsSnapshot& snapshot) {
    const auto line = [&out](std::string_view level, std::string_view count, std::string_view text) {
        fmt::format_to(fmt::appender(out), "{:<{}}  {:>{}}  {}\n", level, TextTable::first_column, count,
                       TextTable::other_columns, text);
    };
    bool first = true;
    snapshot.hidden_failures.for_each([&](Level level, std::uint64_t count) {
        if (count == 0) return;
        auto text = snapshot.last_failure[level];
        std::replace_if(
            text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
        if (std::exchange(first, false)) line("hidden failures", "count", "last");
        line(fmt::format("  {}", name_of(level)), grouped(count), text);
    });
}

} // namespace detail

/// The snapshot as a report for people: aligned tables, one a subject; those without content are left out. Many lines,
/// each ended by a line feed.
inline std::string report(const MetricsSnapshot& snapshot) {
    using namespace detail;
    fmt::memory_buffer out;
    TextTable summary({"summary"});
    summary.add({"  requests", grouped(snapshot.requests())});
    summary.add({"  queries/request", fmt::format("{:.3f}", snapshot.queries_per_request())});
    summary.add({"  hit ratio", percent(snapshot.hit_ratio())});
    summary.add({"  rebuilt", grouped(snapshot.rebuilt)});
    summary.add({"  coalesced", grouped(snapshot.coalesced)});
    snapshot.stale.for_each([&](StaleCause cause, std::uint64_t count) {
        if (count > 0) summary.add({fmt::format("  stale, {}", name_of(cause)), grouped(count)});
    });
    summary.add({"  entries", grouped(snapshot.entries)});
    summary.add({"  aliases", grouped(snapshot.aliases)});
    summary.add({"  bytes", readable_bytes(snapshot.bytes)});
    summary.print(out);
    report_lookups(out, snapshot);
    report_fills(out, snapshot);
    report_queries(out, snapshot);
    report_tiers(out, snapshot);
    report_latencies(out, snapshot);
    report_failures(out, snapshot);
    return fmt::to_string(out);
}

} // namespace v0
} // namespace larder

/// Prints a snapshot with `fmt` as `larder::report` does; `{}` is the only format.
template <> struct fmt::formatter<larder::MetricsSnapshot> {
    constexpr auto parse(fmt::format_parse_context& context) {
        if (context.begin() != context.end() && *context.begin() != '}')
            throw fmt::format_error("a snapshot's format is {}");
        return context.begin();
    }

    template <class Context> auto format(const larder::MetricsSnapshot& snapshot, Context& context) const {
        const auto text = larder::report(snapshot);
        return std::copy(text.begin(), text.end(), context.out());
    }
};
