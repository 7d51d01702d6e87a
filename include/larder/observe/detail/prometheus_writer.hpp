// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/observe/event.hpp>
#include <larder/observe/snapshot.hpp>

#include <fmt/format.h>

#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {

using PrometheusLabel = std::pair<std::string_view, std::string_view>;

/// One source of samples, with the labels that all its samples have.
struct LabelledSnapshot {
    const MetricsSnapshot* snapshot;
    std::vector<PrometheusLabel> labels;
};

/// Writes metric families in Prometheus' text format, version 0.0.4
/// (https://prometheus.io/docs/instrumenting/exposition_formats/). Names and help texts need no escaping.
class PrometheusWriter {
public:
    using Labels = std::initializer_list<PrometheusLabel>;

    PrometheusWriter(std::span<const LabelledSnapshot> sources, std::string_view prefix)
        : sources_(sources), prefix_(prefix) {}

    /// Writes a metric of plain samples. For each source it calls `each(snapshot, sample)`, which calls
    /// `sample(labels, value)` for each sample.
    template <class Each>
    void plain(std::string_view name, std::string_view type, std::string_view help, const Each& each) {
        begin(name, type, help);
        for (const auto& source : sources_)
            each(*source.snapshot, [&](Labels labels, auto value) { sample(source, "", labels, value); });
    }

    /// Writes the latencies of the verbs in use as one histogram, in seconds.
    void latencies(std::string_view name, std::string_view help, std::span<const Duration> bounds) {
        begin(name, "histogram", help);
        for (const auto& source : sources_)
            source.snapshot->latencies.for_each([&](Verb verb, const Latency& latency) {
                if (latency.count() == 0) return;
                const PrometheusLabel by_verb{"verb", name_of(verb)};
                for (const auto bound : bounds) {
                    const auto le = fmt::to_string(seconds(static_cast<std::uint64_t>(bound.count())));
                    sample(source, "_bucket", {by_verb, {"le", le}}, latency.count_up_to(bound));
                }
                sample(source, "_bucket", {by_verb, {"le", "+Inf"}}, latency.count());
                sample(source, "_sum", {by_verb}, seconds(latency.nanoseconds));
                sample(source, "_count", {by_verb}, latency.count());
            });
    }

    /// What was written.
    std::string take() && { return std::move(text_); }

    static double seconds(std::uint64_t nanoseconds) noexcept { return static_cast<double>(nanoseconds) / 1e9; }

private:
    void begin(std::string_view name, std::string_view type, std::string_view help) {
        metric_ = fmt::format("{}_{}", prefix_, name);
        fmt::format_to(std::back_inserter(text_), "# HELP {0} {1}\n# TYPE {0} {2}\n", metric_, help, type);
    }

    template <class Number>
    void sample(const LabelledSnapshot& source, std::string_view suffix, Labels labels, Number value) {
        text_ += metric_;
        text_ += suffix;
        char before = '{';
        const auto write = [&](const PrometheusLabel& label) {
            text_ += before;
            text_ += label.first;
            text_ += "=\"";
            write_escaped(label.second);
            text_ += '"';
            before = ',';
        };
        for (const auto& label : source.labels) write(label);
        for (const auto& label : labels) write(label);
        if (before == ',') text_ += '}';
        fmt::format_to(std::back_inserter(text_), " {}\n", value);
    }

    void write_escaped(std::string_view value) {
        for (const char c : value) {
            if (c == '\\' || c == '"' || c == '\n') text_ += '\\';
            text_ += c == '\n' ? 'n' : c;
        }
    }

    std::span<const LabelledSnapshot> sources_;
    std::string_view prefix_;
    std::string metric_;
    std::string text_;
};

} // namespace detail
} // namespace v0
} // namespace larder
