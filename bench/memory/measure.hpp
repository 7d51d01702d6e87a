// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../harness.hpp"
#include "allocations.hpp"

#include <benchmark/benchmark.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace bench {

/// The accesses before those that are measured: another benchmark has had the processor's caches meanwhile.
inline constexpr std::size_t warm_up = std::size_t{1} << 17;

/// Registers the time that `access(number)` takes for the numbers of an endless stream, with 1, 2 and 8 threads, each of which begins elsewhere, and each
/// time where the last one ended; and counts what it allocates. \param finish called with the state after the last access of each thread.
template <class Access, class Finish>
void add_stream(const std::string& table, const std::string& row, const std::string& subject, const std::vector<std::uint32_t>& stream, Access access, Finish finish) {
    add(table, row, subject,
        [&stream, access = std::move(access), finish = std::move(finish), begin = std::make_shared<std::atomic<std::size_t>>(0)](benchmark::State& state) {
            const std::size_t mask = stream.size() - 1;
            std::size_t position = *begin + static_cast<std::size_t>(state.thread_index()) * (stream.size() / static_cast<std::size_t>(state.threads()));
            for (std::size_t i = warm_up / static_cast<std::size_t>(state.threads()); i != 0; --i) access(stream[position++ & mask]);
            const std::size_t before = allocations();
            for (auto _ : state) access(stream[position++ & mask]);
            const auto made = static_cast<double>(allocations() - before);
            state.counters["allocations"] = benchmark::Counter(made / static_cast<double>(state.iterations()), benchmark::Counter::kAvgThreads);
            if (state.thread_index() == 0) *begin += static_cast<std::size_t>(state.iterations());
            finish(state);
        })
        ->Threads(1)
        ->Threads(2)
        ->Threads(8)
        ->UseRealTime();
}

/// A `finish` that tells what an entry costs; once, not for each number of threads.
inline auto tells_bytes(double bytes) {
    return [bytes](benchmark::State& state) {
        if (state.threads() == 1) state.counters["memory"] = bytes;
    };
}

} // namespace bench
