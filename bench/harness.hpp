// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <benchmark/benchmark.h>

#include <string>
#include <thread>

/// What the benchmark programs share: how they name what they measure, so that bench/report finds it.
namespace bench {

/// Says what the program's section of the results is called and about.
inline void describe(const std::string& title, const std::string& about) {
    benchmark::AddCustomContext("title", title);
    benchmark::AddCustomContext("about", about);
}

/// Says by which subject the times of a table are divided.
inline void refer(const std::string& table, const std::string& subject) { benchmark::AddCustomContext("reference/" + table, subject); }

/// Says that the times of a table are the processor's: of what runs on one thread and waits for nothing, so that what else the machine does matters less.
inline void processor_time(const std::string& table) { benchmark::AddCustomContext("clock/" + table, "processor"); }

/// Says in what a counter counts.
inline void unit(const std::string& counter, const std::string& words) { benchmark::AddCustomContext("unit/" + counter, words); }

/// Registers one benchmark: the time of `body`, for a subject in the situation `row`, in a table. No name has a '/' in it.
template <class Body>
benchmark::internal::Benchmark* add(const std::string& table, const std::string& row, const std::string& subject, Body body) {
    const std::string name = table + '/' + row + '/' + subject;
    return benchmark::RegisterBenchmark(name.c_str(), std::move(body));
}

/// Runs what was registered. `argc` and `argv` are what benchmark::Initialize left.
inline int run_all() {
    // A program that never had a second thread counts references without locked instructions, which no server does.
    std::thread([] {}).join();
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}

} // namespace bench
