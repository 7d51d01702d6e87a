// SPDX-License-Identifier: BSL-1.0
//
// What the nearest answer costs: hits, writes and misses in the in-process tier, beside what a programmer would take or write instead.
//
// runs: --entries=100000 --keys=uuid
// runs: --entries=100000 --keys=text
// runs: --entries=10000000 --keys=uuid
// runs: --entries=10000000 --keys=text
// quick: --entries=100000 --keys=uuid

#include "harness.hpp"
#include "memory/hits.hpp"
#include "memory/mixes.hpp"
#include "memory/sizes.hpp"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <charconv>
#include <cstddef>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>

namespace {

/// The bytes of memory that the machine has to spare.
std::size_t spare_memory() {
    std::ifstream file("/proc/meminfo");
    std::string word;
    std::size_t kilobytes = 0;
    while (file >> word)
        if (word == "MemAvailable:" && file >> kilobytes) return kilobytes << 10;
    return std::numeric_limits<std::size_t>::max();
}

std::string grouped(std::size_t number) {
    return number < 1000 ? fmt::format("{}", number) : fmt::format("{},{:03}", grouped(number / 1000), number % 1000);
}

/// An upper bound for what an entry of a large run takes, its row and its keys included, in all that hold it.
constexpr std::size_t bytes_per_entry = 1300;

} // namespace

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    bench::Sizes sizes;
    std::string_view keys = "uuid";
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word.starts_with("--keys="))
            keys = word.substr(7);
        else if (!word.starts_with("--entries=") || std::from_chars(word.data() + 10, word.data() + word.size(), sizes.entries).ec != std::errc())
            keys = "";
    }
    if (keys != "uuid" && keys != "text") {
        fmt::print(stderr, "memory [--entries=N] [--keys=uuid|text] [Google Benchmark's options]\n");
        return 2;
    }
    sizes.large = sizes.entries > 1'000'000;
    if (sizes.large) sizes.stream <<= 2;
    sizes.words = grouped(sizes.entries) + " entries";

    bench::describe("The nearest answer",
                    "Keys by a Zipf distribution with exponent 0.99, in random order. Larder's repository has everything on: versions, TTL, fallbacks, expiry and revocation of the row "
                    "itself, eviction, metrics. 'Tier' is its in-process tier alone. Memory is what an entry costs beside its row and, Larder's and the second table's, its other key included.");
    bench::refer(bench::by_primary_key, bench::visit_once);
    bench::refer(bench::by_other_key, bench::visit_twice);
    bench::refer(bench::mixed, "list LRU, mutex");
    bench::refer(bench::misses, "list LRU, mutex");
    bench::unit("allocations", "each operation");
    bench::unit("memory", "bytes an entry");
    if (sizes.large && spare_memory() < sizes.entries * bytes_per_entry) {
        const std::string why = fmt::format("not measured: it takes about {} GB of memory, and {} GB are to be had", sizes.entries * bytes_per_entry >> 30, spare_memory() >> 30);
        bench::add(bench::by_primary_key, sizes.words, bench::larder_find, [why](benchmark::State& state) { state.SkipWithError(why.c_str()); });
    } else {
        keys == "uuid" ? bench::add_uuid_rows(sizes) : bench::add_text_rows(sizes);
    }
    return bench::run_all();
}
