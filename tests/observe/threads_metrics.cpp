// SPDX-License-Identifier: BSL-1.0
#include <larder/observe/metrics.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <barrier>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace larder;

namespace {

/// What one thread does: a fixed number of events of each kind.
void count_some(Metrics& metrics, unsigned rounds) {
    const Error failure(errc::cache_unavailable, "a text that is longer than what fits into the string itself");
    for (unsigned i = 0; i < rounds; ++i) {
        metrics.on(event::Lookup{Level::memory, LookupOutcome::hit, false});
        metrics.on(event::Lookup{Level::memory, LookupOutcome::hit, true});
        metrics.on(event::Lookup{Level::shared, LookupOutcome::miss, false});
        metrics.on(event::Query{QueryKind::load, Duration(3), 2, i % 2 == 0});
        metrics.on(event::Coalesced{});
        metrics.on(event::Fill{Level::memory, FillOutcome::stored, false});
        metrics.on(event::Finished{Verb::find, Duration(i), i % 2 == 0, 4});
        metrics.on(event::Hit{Verb::find_by, Level::memory, true, Duration(i), i % 4 == 0 ? 256U : 0U});
        if (i % 16 == 0) metrics.on(event::HiddenFailure{Level::shared, "lookup", failure});
    }
}

void check_sums(const MetricsSnapshot& snapshot, std::uint64_t rounds, std::uint64_t failures) {
    CHECK(snapshot.lookups[Level::memory][LookupOutcome::hit].records == 2 * rounds);
    CHECK(snapshot.lookups[Level::memory][LookupOutcome::hit].aliases == 2 * rounds);
    CHECK(snapshot.lookups[Level::shared][LookupOutcome::miss].records == rounds);
    CHECK(snapshot.queries[QueryKind::load].count == rounds);
    CHECK(snapshot.queries[QueryKind::load].failed == rounds / 2);
    CHECK(snapshot.queries[QueryKind::load].rows == 2 * rounds);
    CHECK(snapshot.queries[QueryKind::load].nanoseconds == 3 * rounds);
    CHECK(snapshot.coalesced == rounds);
    CHECK(snapshot.fills[Level::memory][FillOutcome::stored].records == rounds);
    CHECK(snapshot.calls[Verb::find] == rounds);
    CHECK(snapshot.calls[Verb::find_by] == rounds);
    CHECK(snapshot.requests() == 2 * rounds);
    CHECK(snapshot.latencies[Verb::find].count() == 4 * rounds);
    CHECK(snapshot.latencies[Verb::find].failed == rounds / 2);
    CHECK(snapshot.latencies[Verb::find_by].count() == 64 * rounds);
    CHECK(snapshot.hidden_failures[Level::shared] == failures);
    CHECK(snapshot.last_failure[Level::shared] ==
          "lookup: a text that is longer than what fits into the string itself");
}

/// All the numbers of a snapshot that may only grow.
std::vector<std::uint64_t> growing(const MetricsSnapshot& snapshot) {
    std::vector<std::uint64_t> numbers;
    const auto keep = [&](std::uint64_t number) { numbers.push_back(number); };
    larder::detail::for_each_leaf(static_cast<const HitCounters<std::uint64_t>&>(snapshot), keep);
    larder::detail::for_each_leaf(static_cast<const EventCounters<std::uint64_t>&>(snapshot), keep);
    for (const auto& latency : snapshot.latencies.values) {
        for (const auto number : {latency.failed, latency.nanoseconds, latency.longest, latency.count()}) keep(number);
        for (int bound = 10; bound < 10'000; bound *= 3) keep(latency.count_up_to(Duration(bound)));
    }
    return numbers;
}

/// Counts in a destructor that runs after the thread's slot was given back, and notes the slot that it had then.
struct CountsAtThreadExit {
    Metrics* metrics = nullptr;
    std::atomic<unsigned>* shared = nullptr;
    ~CountsAtThreadExit() {
        *shared += larder::detail::thread_slot() >= larder::detail::exclusive_slots;
        metrics->on(event::Lookup{Level::scope, LookupOutcome::hit, false});
    }
};

} // namespace

TEST_CASE("concurrent events sum exactly, with more threads than stripes") {
    constexpr unsigned threads = larder::detail::thread_slots + 9;
    constexpr unsigned rounds = 4000;
    const auto metrics = std::make_shared<Metrics>();
    std::barrier start(threads);
    {
        std::vector<std::jthread> workers;
        for (unsigned t = 0; t < threads; ++t)
            workers.emplace_back([&] {
                start.arrive_and_wait();
                count_some(*metrics, rounds);
                start.arrive_and_wait(); // every thread keeps its slot until all are done
            });
    }
    check_sums(metrics->snapshot(), std::uint64_t{threads} * rounds, std::uint64_t{threads} * ((rounds + 15) / 16));
}

TEST_CASE("threads that share a slot lose nothing") {
    using larder::detail::exclusive_slots;
    using larder::detail::shared_slots;
    constexpr unsigned counting = 4; // of the threads beyond the exclusive slots, those of one shared slot
    constexpr unsigned threads = exclusive_slots - 1 + counting * shared_slots;
    REQUIRE(larder::detail::thread_slot() < exclusive_slots); // this thread has the one that is left out
    constexpr unsigned rounds = 400'000;
    const auto metrics = std::make_shared<Metrics>();
    std::atomic<unsigned> in_first = 0;
    std::barrier together(threads);
    std::barrier start(counting);
    {
        std::vector<std::jthread> workers;
        for (unsigned t = 0; t < threads; ++t)
            workers.emplace_back([&] {
                const auto slot = larder::detail::thread_slot();
                together.arrive_and_wait(); // all slots are taken
                if (slot == exclusive_slots) {
                    ++in_first;
                    start.arrive_and_wait();
                    for (unsigned i = 0; i < rounds; ++i)
                        metrics->on(event::Lookup{Level::memory, LookupOutcome::hit, false});
                }
                together.arrive_and_wait(); // no slot is given back before all have counted
            });
    }
    CHECK(in_first == counting);
    CHECK(metrics->snapshot().lookups[Level::memory][LookupOutcome::hit].records == std::uint64_t{counting} * rounds);
}

TEST_CASE("slots that go from thread to thread lose nothing") {
    constexpr unsigned lanes = 4;
    constexpr unsigned generations = 50;
    constexpr unsigned rounds = 16;
    const auto metrics = std::make_shared<Metrics>();
    {
        std::vector<std::jthread> workers;
        for (unsigned lane = 0; lane < lanes; ++lane)
            workers.emplace_back([&] {
                for (unsigned g = 0; g < generations; ++g) std::jthread([&] { count_some(*metrics, rounds); }).join();
            });
    }
    constexpr std::uint64_t runs = lanes * generations;
    check_sums(metrics->snapshot(), runs * rounds, runs);
}

TEST_CASE("living threads have different exclusive slots, and a dead thread's slot is used again") {
    constexpr unsigned threads = 30;
    std::vector<unsigned> slots(threads);
    for (int generation = 0; generation < 5; ++generation) {
        std::barrier together(threads);
        {
            std::vector<std::jthread> workers;
            for (unsigned t = 0; t < threads; ++t)
                workers.emplace_back([&, t] {
                    slots[t] = larder::detail::thread_slot();
                    together.arrive_and_wait();
                });
        }
        std::vector<bool> seen(larder::detail::exclusive_slots);
        for (const auto slot : slots) {
            REQUIRE(slot < larder::detail::exclusive_slots);
            CHECK_FALSE(seen[slot]);
            seen[slot] = true;
        }
    }
}

TEST_CASE("threads that end may count until their very end") {
    constexpr unsigned threads = 40;
    const auto metrics = std::make_shared<Metrics>();
    std::atomic<unsigned> shared = 0;
    {
        std::vector<std::jthread> workers;
        for (unsigned t = 0; t < threads; ++t)
            workers.emplace_back([&] {
                thread_local CountsAtThreadExit last;
                last.metrics = metrics.get();
                last.shared = &shared;
                metrics->on(event::Lookup{Level::scope, LookupOutcome::hit, false});
            });
    }
    CHECK(shared == threads);
    CHECK(metrics->snapshot().lookups[Level::scope][LookupOutcome::hit].records == 2 * threads);
}

TEST_CASE("snapshots taken while threads count never decrease") {
    constexpr unsigned threads = 3;
    constexpr unsigned rounds = 16;
    constexpr int wanted = 50; // snapshots that differ from the one before
    const auto metrics = std::make_shared<Metrics>();
    std::atomic<bool> enough = false;
    std::atomic<std::uint64_t> runs = 0;
    std::size_t decreases = 0;
    {
        std::vector<std::jthread> workers;
        for (unsigned t = 0; t < threads; ++t)
            workers.emplace_back([&] {
                while (!enough.load()) {
                    count_some(*metrics, rounds);
                    runs.fetch_add(1);
                }
            });
        auto before = growing(metrics->snapshot());
        for (int grown = 0; grown < wanted;) {
            const auto snapshot = metrics->snapshot();
            const auto after = growing(snapshot);
            for (std::size_t i = 0; i < after.size(); ++i) decreases += after[i] < before[i];
            grown += after != before;
            // What the histogram's buckets count is in its other figures too.
            const auto& find = snapshot.latencies[Verb::find];
            if (find.count() > 0) CHECK(larder::detail::LatencyScale::lowest(find.buckets.size() - 1) <= find.longest);
            CHECK(find.failed * 8 >= find.count());
            before = after;
        }
        enough = true;
    }
    CHECK(decreases == 0);
    check_sums(metrics->snapshot(), runs * rounds, runs);
}
