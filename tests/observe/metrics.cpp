// SPDX-License-Identifier: BSL-1.0
#include "allocations.hpp"

#include <larder/environment.hpp>
#include <larder/observe/metrics.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

using namespace larder;

static_assert(observer<Metrics>);
static_assert(environment<SystemEnvironment<>>);
static_assert(!std::is_copy_constructible_v<Metrics>);

namespace {

/// All the counters of a snapshot.
std::vector<std::uint64_t> counters(const MetricsSnapshot& snapshot) {
    std::vector<std::uint64_t> numbers;
    const auto keep = [&](std::uint64_t number) { numbers.push_back(number); };
    larder::detail::for_each_leaf(static_cast<const HitCounters<std::uint64_t>&>(snapshot), keep);
    larder::detail::for_each_leaf(static_cast<const EventCounters<std::uint64_t>&>(snapshot), keep);
    for (const auto& latency : snapshot.latencies.values)
        for (const auto number : {latency.count(), latency.failed, latency.nanoseconds}) numbers.push_back(number);
    return numbers;
}

/// Sends one event and requires that the counters moved by these amounts, in any order, and no other did.
template <class Event> void check_moves(Metrics& metrics, const Event& happened, std::vector<std::uint64_t> amounts) {
    const auto before = counters(metrics.snapshot());
    metrics.on(happened);
    const auto after = counters(metrics.snapshot());
    std::vector<std::uint64_t> moved;
    for (std::size_t i = 0; i < after.size(); ++i)
        if (after[i] != before[i]) moved.push_back(after[i] - before[i]);
    std::sort(moved.begin(), moved.end());
    std::sort(amounts.begin(), amounts.end());
    CHECK(moved == amounts);
}

} // namespace

TEST_CASE("a new Metrics has counted nothing") {
    const auto metrics = std::make_shared<Metrics>();
    const auto numbers = counters(metrics->snapshot());
    CHECK(std::count(numbers.begin(), numbers.end(), 0) == static_cast<std::ptrdiff_t>(numbers.size()));
    for (const auto& text : metrics->snapshot().last_failure.values) CHECK(text.empty());
}

TEST_CASE("each event moves its own counters and no other") {
    const auto owned = std::make_unique<Metrics>();
    auto& metrics = *owned;
    const Error failure(errc::cache_unavailable, "refused");
    for (std::size_t l = 0; l < level_count; ++l) {
        const auto level = static_cast<Level>(l);
        for (const bool alias : {false, true}) {
            for (std::size_t i = 0; i < lookup_outcome_count; ++i) {
                const auto outcome = static_cast<LookupOutcome>(i);
                check_moves(metrics, event::Lookup{level, outcome, alias}, {1});
                const auto& count = metrics.snapshot().lookups[level][outcome];
                CHECK(count.records == 1);
                CHECK(count.aliases == (alias ? 1 : 0));
            }
            for (std::size_t i = 0; i < fill_outcome_count; ++i) {
                const auto outcome = static_cast<FillOutcome>(i);
                check_moves(metrics, event::Fill{level, outcome, alias}, {1});
                const auto& count = metrics.snapshot().fills[level][outcome];
                CHECK(count.records == 1);
                CHECK(count.aliases == (alias ? 1 : 0));
            }
        }
        for (std::size_t i = 0; i < eviction_cause_count; ++i) {
            const auto cause = static_cast<EvictionCause>(i);
            check_moves(metrics, event::Evicted{level, cause, 3, 700}, {3, 700});
            CHECK(metrics.snapshot().evictions[level][cause].entries == 3);
            CHECK(metrics.snapshot().evictions[level][cause].bytes == 700);
        }
        for (std::size_t i = 0; i < invalidation_count; ++i) {
            const auto kind = static_cast<Invalidation>(i);
            check_moves(metrics, event::Invalidated{level, kind, 4}, {4});
            CHECK(metrics.snapshot().invalidations[level][kind] == 4);
        }
        check_moves(metrics, event::HiddenFailure{level, "lookup", failure}, {1});
        CHECK(metrics.snapshot().hidden_failures[level] == 1);
    }
    for (std::size_t i = 0; i < query_kind_count; ++i) {
        const auto kind = static_cast<QueryKind>(i);
        check_moves(metrics, event::Query{kind, Duration(70), 5, false}, {1, 5, 70});
        check_moves(metrics, event::Query{kind, Duration(80), 0, true}, {1, 1, 80});
        const auto& queries = metrics.snapshot().queries[kind];
        CHECK(queries.count == 2);
        CHECK(queries.failed == 1);
        CHECK(queries.rows == 5);
        CHECK(queries.nanoseconds == 150);
    }
    check_moves(metrics, event::Query{QueryKind::load, Duration(-9), 0, false}, {1});
    check_moves(metrics, event::Coalesced{}, {1});
    CHECK(metrics.snapshot().coalesced == 1);
    check_moves(metrics, event::Rebuilt{6}, {6});
    CHECK(metrics.snapshot().rebuilt == 6);
    for (std::size_t i = 0; i < stale_cause_count; ++i) {
        check_moves(metrics, event::StaleServed{static_cast<StaleCause>(i)}, {1});
        CHECK(metrics.snapshot().stale[static_cast<StaleCause>(i)] == 1);
    }
    for (std::size_t i = 0; i < verb_count; ++i) {
        const auto verb = static_cast<Verb>(i);
        check_moves(metrics, event::Finished{verb, Duration(50), false, 256}, {1, 256, 50 * 256});
        check_moves(metrics, event::Finished{verb, Duration(90), true, 1}, {1, 1, 1, 90});
        check_moves(metrics, event::Finished{verb, Duration(), false, 0}, {1});
        check_moves(metrics, event::Finished{verb, Duration(), true, 0}, {1, 1});
        CHECK(metrics.snapshot().calls[verb] == 4);
        CHECK(metrics.snapshot().latencies[verb].count() == 257);
        CHECK(metrics.snapshot().latencies[verb].failed == 2);
        CHECK(metrics.snapshot().latencies[verb].max() == Duration(90));
    }
    CHECK(metrics.snapshot().requests() == 4 * verb_count);
}

TEST_CASE("a hit moves what the events that it stands for move") {
    for (std::size_t l = 0; l < level_count; ++l)
        for (std::size_t v = 0; v < verb_count; ++v)
            for (const bool alias : {false, true})
                for (const std::uint32_t weight : {0U, 256U}) {
                    const auto whole = std::make_unique<Metrics>();
                    const auto parts = std::make_unique<Metrics>();
                    const event::Hit hit{static_cast<Verb>(v), static_cast<Level>(l), alias, Duration(50), weight};
                    whole->on(hit);
                    hit.for_each_part([&](const auto& part) { parts->on(part); });
                    CHECK(counters(whole->snapshot()) == counters(parts->snapshot()));
                    CHECK(whole->snapshot().calls[hit.verb] == 1);
                    CHECK(whole->snapshot().lookups[hit.level][LookupOutcome::hit].records == 1);
                    CHECK(whole->snapshot().lookups[hit.level][LookupOutcome::hit].aliases == (alias ? 1 : 0));
                    CHECK(whole->snapshot().latencies[hit.verb].count() == weight);
                }
}

TEST_CASE("the text of the newest hidden failure of each level is kept after its event is gone") {
    Metrics metrics;
    {
        const Error first(errc::cache_unavailable,
                          "session cache: the connection was refused, a text that needs memory");
        metrics.on(event::HiddenFailure{Level::shared, "lookup", first});
        const std::string operation = "fill, in a text of its own that needs memory";
        const Error second(errc::value_too_large, "session cache: 5 MB");
        metrics.on(event::HiddenFailure{Level::shared, operation, second});
        const Error mute(errc::timed_out, "");
        metrics.on(event::HiddenFailure{Level::memory, "fence", mute});
    }
    const auto snapshot = metrics.snapshot();
    CHECK(snapshot.last_failure[Level::shared] == "fill, in a text of its own that needs memory: session cache: 5 MB");
    CHECK(snapshot.last_failure[Level::memory] == "fence: the time limit passed");
    CHECK(snapshot.last_failure[Level::database].empty());
    CHECK(snapshot.hidden_failures[Level::shared] == 2);
}

TEST_CASE("counting allocates nothing") {
    const auto owned = std::make_unique<Metrics>();
    auto& metrics = *owned;
    const auto before = allocations();
    for (int i = 0; i < 100; ++i) {
        metrics.on(event::Lookup{Level::memory, LookupOutcome::hit, false});
        metrics.on(event::Query{QueryKind::load, Duration(i), 1, false});
        metrics.on(event::Coalesced{});
        metrics.on(event::Rebuilt{1});
        metrics.on(event::StaleServed{StaleCause::refresh_due});
        metrics.on(event::Fill{Level::memory, FillOutcome::stored, false});
        metrics.on(event::Evicted{Level::memory, EvictionCause::capacity, 1, 1});
        metrics.on(event::Invalidated{Level::memory, Invalidation::publish, 1});
        metrics.on(event::Finished{Verb::find, Duration(i), false, 1});
        metrics.on(event::Hit{Verb::find, Level::memory, true, Duration(i), i % 2 == 0 ? 256U : 0U});
    }
    CHECK(allocations() == before);
    const auto snapshot = metrics.snapshot();
    CHECK(allocations() > before);
    CHECK(snapshot.requests() == 200);
}

TEST_CASE("an environment hands its events to the Metrics that it is given") {
    const auto metrics = std::make_shared<Metrics>();
    const SystemEnvironment<> environment(metrics);
    environment.observe(event::Lookup{Level::memory, LookupOutcome::hit, false});
    CHECK(&environment.observer() == metrics.get());
    CHECK(metrics->snapshot().hit_ratio() == 1);
}
