// SPDX-License-Identifier: BSL-1.0
//
// How many requests each rule of the memory tier's answers, at several sizes, on traces of real ones; beside Belady's optimum, which knows the future.
// The rules are those that the tier runs, in one shard and with nothing around them.

#include "hit_ratio/belady.hpp"
#include "hit_ratio/kept.hpp"
#include "hit_ratio/trace.hpp"

#include <larder/cache/eviction.hpp>

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using namespace hit_ratio;

template <class Eviction>
std::size_t hits_of(const Trace& trace, std::size_t size) {
    Kept<Eviction> kept(size);
    return static_cast<std::size_t>(std::count_if(trace.keys.begin(), trace.keys.end(), [&](std::uint32_t key) { return kept.ask(key); }));
}

struct Subject {
    const char* name;
    std::size_t (*hits)(const Trace&, std::size_t size);
};

constexpr std::array subjects{
    Subject{"FIFO", hits_of<larder::Fifo>},
    Subject{"LRU", hits_of<larder::Lru>},
    Subject{"SIEVE", hits_of<larder::Sieve>},
    Subject{"S3-FIFO", hits_of<larder::S3Fifo>},
    Subject{"W-TinyLFU", hits_of<larder::WTinyLfu>},
    Subject{"adaptive S3-FIFO", hits_of<larder::AdaptiveS3Fifo>},
    Subject{"Belady", [](const Trace& trace, std::size_t size) { return hits_of_belady(trace.keys, trace.distinct, size); }},
};
constexpr std::size_t standard = 5; ///< What the tier does if nothing else is said.

using Ratios = std::array<double, subjects.size()>;

Ratios ratios_of(const Trace& trace, std::size_t size) {
    Ratios ratios{};
    for (std::size_t i = 0; i < subjects.size(); ++i) ratios[i] = 100.0 * static_cast<double>(subjects[i].hits(trace, size)) / static_cast<double>(trace.keys.size());
    return ratios;
}

double best_single(const Ratios& ratios) { return *std::max_element(ratios.begin(), ratios.begin() + standard); }

/// The results, as Google Benchmark would write them.
class Results {
public:
    void add(const std::string& table, const std::string& row, const Ratios& ratios) {
        for (std::size_t i = 0; i < subjects.size(); ++i) add(table, row, subjects[i].name, "hit ratio", ratios[i]);
        add("behind the best other rule", table + ' ' + row, subjects[standard].name, "distance", std::max(0.0, best_single(ratios) - ratios[standard]));
    }
    void write(const std::string& file) const {
        const boost::json::object context{{"title", "What to keep: hit ratios"},
                                          {"about", "Requests answered, by rule and by size of the cache, in entries: one shard, every key as large as the other. Belady's optimum knows the future."},
                                          {"times", "no"},
                                          {"unit/hit ratio", "%"},
                                          {"unit/distance", "points"}};
        std::ofstream(file) << boost::json::serialize(boost::json::object{{"context", context}, {"benchmarks", benchmarks_}});
    }

private:
    void add(const std::string& table, const std::string& row, const char* subject, const char* counter, double value) {
        benchmarks_.push_back(boost::json::object{{"name", table + '/' + row + '/' + subject}, {counter, value}});
    }

    boost::json::array benchmarks_;
};

void print_line(const std::string& row, const Ratios& ratios) {
    fmt::print("{:>10}", row);
    for (const double ratio : ratios) fmt::print(" {:>16.2f}", ratio);
    fmt::print(" {:>+10.2f}\n", ratios[standard] - best_single(ratios));
}

/// Runs every rule on every trace, prints and collects. The mean gives each trace and size the same weight.
Results run(const std::vector<Trace>& traces) {
    Results results;
    Ratios sums{};
    std::size_t count = 0;
    for (const Trace& trace : traces) {
        fmt::print("\n{}: {} requests for {} keys; hit ratio in %\n{:>10}", trace.name, trace.keys.size(), trace.distinct, "entries");
        for (const auto& subject : subjects) fmt::print(" {:>16}", subject.name);
        fmt::print(" {:>10}\n", "lead");
        for (const std::size_t size : trace.sizes) {
            const Ratios ratios = ratios_of(trace, size);
            print_line(std::to_string(size), ratios);
            results.add(trace.name, std::to_string(size), ratios);
            for (std::size_t i = 0; i < subjects.size(); ++i) sums[i] += ratios[i];
            ++count;
        }
    }
    if (count == 0) return results;
    for (double& sum : sums) sum /= static_cast<double>(count);
    fmt::print("\nmean\n");
    print_line("of all", sums);
    results.add("mean", "of all", sums);
    return results;
}

/// The traces in a folder or file, or, where there are none, made ones.
std::vector<Trace> traces_of(const fs::path& place, bool made, std::size_t length, std::uint64_t seed) {
    std::vector<fs::path> files;
    if (!made && fs::is_directory(place)) {
        for (const auto& entry : fs::directory_iterator(place))
            if (names_trace(entry.path())) files.push_back(entry.path());
    } else if (!made && fs::exists(place)) {
        files.push_back(place);
    }
    if (files.empty()) return made_traces(length, seed);
    std::sort(files.begin(), files.end());
    std::vector<Trace> traces;
    for (const auto& file : files) traces.push_back(read_trace(file));
    return traces;
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app("Hit ratios of the memory tier's eviction rules");
    std::string place = "../shared/traces", out;
    std::vector<std::size_t> sizes;
    bool made = false;
    std::size_t length = 1'000'000;
    std::uint64_t seed = 1;
    app.add_option("traces", place, "a folder of traces, or one: one key a line, in .txt, .txt.xz or .txt.gz; where there is none, streams are made")->capture_default_str();
    app.add_flag("--made", made, "make streams, whether or not there are traces");
    app.add_option("--sizes", sizes, "entries of the caches to try")->check(CLI::PositiveNumber);
    app.add_option("--length", length, "requests of a stream that is made")->check(CLI::Range(std::size_t{1000}, std::size_t{1'000'000'000}))->capture_default_str();
    app.add_option("--seed", seed, "of the streams that are made")->capture_default_str();
    app.add_option("--benchmark_out", out, "write the results to this file, in Google Benchmark's JSON form");
    app.allow_extras();
    CLI11_PARSE(app, argc, argv);
    for (const auto& option : app.remaining())
        if (!option.starts_with("--benchmark_")) {
            fmt::print(stderr, "hit_ratio: what is {}?\n", option);
            return 2;
        }
    try {
        auto traces = traces_of(place, made, length, seed);
        if (!sizes.empty())
            for (auto& trace : traces) trace.sizes = sizes;
        const Results results = run(traces);
        if (!out.empty()) results.write(out);
    } catch (const std::exception& failure) {
        fmt::print(stderr, "hit_ratio: {}\n", failure.what());
        return 1;
    }
}
