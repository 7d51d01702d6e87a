// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/error.hpp>
#include <larder/observe/detail/prometheus_writer.hpp>
#include <larder/observe/event.hpp>
#include <larder/observe/latency.hpp>
#include <larder/observe/snapshot.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {

/// Names and values of labels, such as {{"entity", "Session"}}.
///
/// A name is of letters, digits and underscores, begins with no digit and not with "__", and is none of the
/// exposition's own: cause, kind, le, level, outcome, target, verb. A value is any UTF-8 text.
using PrometheusLabels = std::vector<std::pair<std::string, std::string>>;

/// How snapshots are exposed.
struct PrometheusOptions {
    /// The beginning of every metric's name: letters, digits and underscores, no digit first.
    std::string prefix = "larder";
    /// Labels of every sample.
    PrometheusLabels labels = {};
    /// The upper bounds of the histogram's buckets, above 0 and ascending. By default 100 ns to 10 s. A call within
    /// 1/32 of a bound may be counted on its other side.
    std::vector<Duration> bounds = default_bounds();

    static std::vector<Duration> default_bounds() {
        std::vector<Duration> bounds;
        for (Duration decade(100); decade < std::chrono::seconds(10); decade *= 10)
            bounds.insert(bounds.end(), {decade, decade * 5 / 2, decade * 5});
        bounds.emplace_back(std::chrono::seconds(10));
        return bounds;
    }
};

/// One of several sources on one page, with labels that tell it from the others.
struct PrometheusSource {
    MetricsSnapshot snapshot;
    PrometheusLabels labels;
};

/// The value of the HTTP header Content-Type for the text that `prometheus` gives.
inline constexpr std::string_view prometheus_content_type = "text/plain; version=0.0.4; charset=utf-8";

namespace detail {

[[noreturn]] inline void refuse_exposition(std::string_view why) {
    throw Failure(Error(errc::invalid_options, fmt::format("prometheus: {}", why)));
}

inline bool is_prometheus_name(std::string_view name) noexcept {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    const auto any = [&](char c) { return letter(c) || (c >= '0' && c <= '9'); };
    return !name.empty() && letter(name.front()) && std::all_of(name.begin(), name.end(), any);
}

inline void check_options(const PrometheusOptions& options) {
    if (!is_prometheus_name(options.prefix))
        refuse_exposition(fmt::format("the prefix '{}' is not the beginning of a metric's name", options.prefix));
    if (!options.bounds.empty() && options.bounds.front() <= Duration::zero())
        refuse_exposition("a histogram's bound is not above 0");
    if (!options.bounds.empty() && options.bounds.back() >= Latency::longest_bound)
        refuse_exposition("a histogram's bound is beyond its range");
    if (std::adjacent_find(options.bounds.begin(), options.bounds.end(), std::greater_equal<>{}) !=
        options.bounds.end())
        refuse_exposition("the histogram's bounds do not ascend");
}

inline void check_labels(const std::vector<PrometheusLabel>& labels) {
    constexpr std::string_view own[] = {"cause", "kind", "le", "level", "outcome", "target", "verb"};
    for (auto label = labels.begin(); label != labels.end(); ++label) {
        const auto& name = label->first;
        const auto same = [&](const PrometheusLabel& other) { return other.first == name; };
        if (!is_prometheus_name(name) || name.starts_with("__"))
            refuse_exposition(fmt::format("'{}' is not the name of a label", name));
        if (std::count(std::begin(own), std::end(own), name) > 0)
            refuse_exposition(fmt::format("the label '{}' is the exposition's own", name));
        if (std::any_of(labels.begin(), label, same))
            refuse_exposition(fmt::format("the label '{}' is given twice", name));
    }
}

/// The sources with the common labels before their own, checked.
inline std::vector<LabelledSnapshot> labelled(std::span<const PrometheusSource> sources,
                                              const PrometheusLabels& common) {
    std::vector<LabelledSnapshot> result;
    std::vector<std::vector<PrometheusLabel>> seen;
    for (const auto& source : sources) {
        std::vector<PrometheusLabel> labels(common.begin(), common.end());
        labels.insert(labels.end(), source.labels.begin(), source.labels.end());
        check_labels(labels);
        auto sorted = labels;
        std::sort(sorted.begin(), sorted.end());
        if (std::find(seen.begin(), seen.end(), sorted) != seen.end())
            refuse_exposition("two sources have the same labels");
        seen.push_back(std::move(sorted));
        result.push_back({&source.snapshot, std::move(labels)});
    }
    return result;
}

/// Writes a counter of records and aliases by level and outcome, for the levels in use.
template <class Table>
void write_outcomes(PrometheusWriter& writer, std::string_view name, std::string_view help, const Table& table_of) {
    writer.plain(name, "counter", help, [&](const MetricsSnapshot& snapshot, const auto& sample) {
        table_of(snapshot).for_each([&](Level level, const auto& outcomes) {
            if (!snapshot.used(level)) return;
            outcomes.for_each([&](auto outcome, const auto& count) {
                const PrometheusLabel by_level{"level", name_of(level)};
                const PrometheusLabel by_outcome{"outcome", name_of(outcome)};
                sample({by_level, by_outcome, {"target", "record"}}, count.records);
                sample({by_level, by_outcome, {"target", "alias"}}, count.aliases);
            });
        });
    });
}

/// Writes a counter by level and another enumeration, for the levels in use.
template <class Table, class Value>
void write_levels(PrometheusWriter& writer, std::string_view name, std::string_view label, std::string_view help,
                  const Table& table_of, const Value& value_of) {
    writer.plain(name, "counter", help, [&](const MetricsSnapshot& snapshot, const auto& sample) {
        table_of(snapshot).for_each([&](Level level, const auto& inner) {
            if (!snapshot.used(level)) return;
            inner.for_each([&](auto key, const auto& count) {
                sample({{"level", name_of(level)}, {label, name_of(key)}}, value_of(count));
            });
        });
    });
}

template <class Value>
void write_queries(PrometheusWriter& writer, std::string_view name, std::string_view help, const Value& value_of) {
    writer.plain(name, "counter", help, [&](const MetricsSnapshot& snapshot, const auto& sample) {
        snapshot.queries.for_each([&](QueryKind kind, const auto& queries) {
            sample({{"kind", name_of(kind)}}, value_of(queries));
        });
    });
}

inline void write_number(PrometheusWriter& writer, std::string_view name, std::string_view type, std::string_view help,
                         std::uint64_t MetricsSnapshot::*number) {
    writer.plain(name, type, help,
                 [&](const MetricsSnapshot& snapshot, const auto& sample) { sample({}, snapshot.*number); });
}

inline void write_tiers(PrometheusWriter& writer) {
    const auto lookups = [](const MetricsSnapshot& s) -> const auto& { return s.lookups; };
    const auto fills = [](const MetricsSnapshot& s) -> const auto& { return s.fills; };
    const auto evictions = [](const MetricsSnapshot& s) -> const auto& { return s.evictions; };
    const auto invalidations = [](const MetricsSnapshot& s) -> const auto& { return s.invalidations; };
    write_outcomes(writer, "lookups_total", "Lookups in the cache tiers.", lookups);
    write_outcomes(writer, "fills_total", "Fills of the cache tiers.", fills);
    write_levels(writer, "evictions_total", "cause", "Records that tiers dropped by themselves.", evictions,
                 [](const auto& evicted) { return evicted.entries; });
    write_levels(writer, "evicted_bytes_total", "cause", "The weight of records that tiers dropped by themselves.",
                 evictions, [](const auto& evicted) { return evicted.bytes; });
    write_levels(writer, "invalidations_total", "kind", "Keys that writes changed in tiers.", invalidations,
                 [](std::uint64_t keys) { return keys; });
    writer.plain("hidden_failures_total", "counter", "Failures that were hidden from callers.",
                 [](const MetricsSnapshot& snapshot, const auto& sample) {
                     snapshot.hidden_failures.for_each([&](Level level, std::uint64_t count) {
                         if (snapshot.used(level)) sample({{"level", name_of(level)}}, count);
                     });
                 });
    write_number(writer, "entries", "gauge", "Records that the cache tiers hold.", &MetricsSnapshot::entries);
    write_number(writer, "aliases", "gauge", "Alternate keys that the cache tiers hold.", &MetricsSnapshot::aliases);
    write_number(writer, "bytes", "gauge", "The weight of what the cache tiers hold.", &MetricsSnapshot::bytes);
}

inline void write_loads(PrometheusWriter& writer) {
    write_queries(writer, "queries_total", "Queries to the database.", [](const auto& q) { return q.count; });
    write_queries(writer, "queries_failed_total", "Queries to the database that failed.",
                  [](const auto& q) { return q.failed; });
    write_queries(writer, "query_rows_total", "Rows that queries read or wrote.", [](const auto& q) { return q.rows; });
    write_queries(writer, "query_seconds_total", "The time that queries took together.",
                  [](const auto& q) { return PrometheusWriter::seconds(q.nanoseconds); });
    write_number(writer, "coalesced_total", "counter", "Answers taken from a load that another caller had started.",
                 &MetricsSnapshot::coalesced);
    write_number(writer, "rebuilt_total", "counter", "Entities built from rows of the database.",
                 &MetricsSnapshot::rebuilt);
    writer.plain("stale_answers_total", "counter", "Stale answers that were given.",
                 [](const MetricsSnapshot& snapshot, const auto& sample) {
                     snapshot.stale.for_each([&](StaleCause cause, std::uint64_t count) {
                         if (cause != StaleCause::none) sample({{"cause", name_of(cause)}}, count);
                     });
                 });
}

inline void write_calls(PrometheusWriter& writer, std::span<const Duration> bounds) {
    const auto by_verb = [&](std::string_view name, std::string_view help, const auto& value_of) {
        writer.plain(name, "counter", help, [&](const MetricsSnapshot& snapshot, const auto& sample) {
            snapshot.calls.for_each([&](Verb verb, std::uint64_t count) {
                if (count > 0) sample({{"verb", name_of(verb)}}, value_of(snapshot, verb));
            });
        });
    };
    by_verb("calls_total", "Calls of the repository.", [](const MetricsSnapshot& snapshot, Verb verb) { return snapshot.calls[verb]; });
    by_verb("call_failures_total", "Calls that failed.",
            [](const MetricsSnapshot& snapshot, Verb verb) { return snapshot.latencies[verb].failed; });
    writer.latencies("call_duration_seconds", "How long calls took, by samples of those that waited for nobody.", bounds);
}

} // namespace detail

/// The snapshots of several sources as one page in Prometheus' text exposition format, version 0.0.4.
///
/// Levels and verbs that were never used have no samples; all else is there from the beginning, as 0. Counters must
/// come from snapshots as they are, not from differences of snapshots. Throws `Failure` with `errc::invalid_options`
/// for a name, bounds or labels that the format forbids, and for two sources with the same labels. Reentrant.
inline std::string prometheus(std::span<const PrometheusSource> sources, const PrometheusOptions& options = {}) {
    detail::check_options(options);
    const auto snapshots = detail::labelled(sources, options.labels);
    detail::PrometheusWriter writer(snapshots, options.prefix);
    detail::write_tiers(writer);
    detail::write_loads(writer);
    detail::write_calls(writer, options.bounds);
    return std::move(writer).take();
}

/// One snapshot as a page in Prometheus' text exposition format; else as above.
inline std::string prometheus(const MetricsSnapshot& snapshot, const PrometheusOptions& options = {}) {
    const PrometheusSource source{snapshot, {}};
    return prometheus(std::span(&source, 1), options);
}

} // namespace v0
} // namespace larder
