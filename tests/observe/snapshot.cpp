// SPDX-License-Identifier: BSL-1.0
#include <larder/observe/snapshot.hpp>

#include <doctest/doctest.h>

#include <concepts>
#include <type_traits>

using namespace larder;

static_assert(std::is_aggregate_v<MetricsSnapshot>);
static_assert(std::copyable<MetricsSnapshot>);

TEST_CASE("ratios of nothing are 0") {
    const MetricsSnapshot snapshot;
    CHECK(snapshot.hit_ratio() == 0);
    CHECK(snapshot.hit_ratio(Level::memory) == 0);
    CHECK(snapshot.alias_hit_ratio(Level::memory) == 0);
    CHECK(snapshot.queries_per_request() == 0);
    CHECK_FALSE(snapshot.used(Level::memory));
}

TEST_CASE("a tier's hit ratio counts every outcome that ended there") {
    MetricsSnapshot snapshot;
    auto& memory = snapshot.lookups[Level::memory];
    memory[LookupOutcome::hit].records = 50;
    memory[LookupOutcome::negative_hit].records = 10;
    memory[LookupOutcome::miss].records = 20;
    memory[LookupOutcome::bypass].records = 5;
    memory[LookupOutcome::rejected].records = 5;
    memory[LookupOutcome::undecodable].records = 4;
    memory[LookupOutcome::failed].records = 6;
    memory[LookupOutcome::waited].records = 1000;
    memory[LookupOutcome::hit].aliases = 1;
    memory[LookupOutcome::miss].aliases = 3;
    CHECK(snapshot.hit_ratio(Level::memory) == doctest::Approx(0.6));
    CHECK(snapshot.alias_hit_ratio(Level::memory) == doctest::Approx(0.25));
    CHECK(snapshot.hit_ratio() == doctest::Approx(0.6));
    CHECK(memory[LookupOutcome::hit].total() == 51);
}

TEST_CASE("what one tier misses and the next answers is a hit of the whole") {
    MetricsSnapshot snapshot;
    snapshot.lookups[Level::memory][LookupOutcome::hit].records = 60;
    snapshot.lookups[Level::memory][LookupOutcome::miss].records = 40;
    snapshot.lookups[Level::shared][LookupOutcome::hit].records = 30;
    snapshot.lookups[Level::shared][LookupOutcome::miss].records = 10;
    CHECK(snapshot.hit_ratio(Level::memory) == doctest::Approx(0.6));
    CHECK(snapshot.hit_ratio(Level::shared) == doctest::Approx(0.75));
    CHECK(snapshot.hit_ratio() == doctest::Approx(0.9));
}

TEST_CASE("database queries per request") {
    MetricsSnapshot snapshot;
    snapshot.queries[QueryKind::load].count = 3;
    snapshot.queries[QueryKind::clock].count = 2;
    snapshot.calls[Verb::find] = 19;
    snapshot.calls[Verb::insert] = 1;
    snapshot.latencies[Verb::find].buckets = {256};
    CHECK(snapshot.database_queries() == 5);
    CHECK(snapshot.requests() == 20);
    CHECK(snapshot.queries_per_request() == doctest::Approx(0.25));
}

TEST_CASE("a level is used once anything was counted there") {
    MetricsSnapshot lookup;
    lookup.lookups[Level::scope][LookupOutcome::failed].aliases = 1;
    CHECK(lookup.used(Level::scope));
    CHECK_FALSE(lookup.used(Level::memory));
    MetricsSnapshot fill;
    fill.fills[Level::memory][FillOutcome::lost].aliases = 1;
    CHECK(fill.used(Level::memory));
    MetricsSnapshot evicted;
    evicted.evictions[Level::memory][EvictionCause::expired].entries = 1;
    CHECK(evicted.used(Level::memory));
    MetricsSnapshot invalidated;
    invalidated.invalidations[Level::shared][Invalidation::expel] = 1;
    CHECK(invalidated.used(Level::shared));
    MetricsSnapshot failed;
    failed.hidden_failures[Level::database] = 1;
    CHECK(failed.used(Level::database));
}

TEST_CASE("a difference subtracts counters and keeps gauges") {
    MetricsSnapshot earlier;
    earlier.lookups[Level::memory][LookupOutcome::hit].records = 5;
    earlier.queries[QueryKind::load] = {.count = 2, .failed = 1, .rows = 2, .nanoseconds = 100};
    earlier.coalesced = 1;
    earlier.rebuilt = 1;
    earlier.stale[StaleCause::refresh_due] = 1;
    earlier.evictions[Level::memory][EvictionCause::bytes] = {.entries = 1, .bytes = 10};
    earlier.hidden_failures[Level::shared] = 1;
    earlier.last_failure[Level::shared] = "old";
    earlier.hidden_failures[Level::memory] = 1;
    earlier.last_failure[Level::memory] = "old too";
    earlier.calls[Verb::find] = 3;
    earlier.latencies[Verb::find].buckets = {0, 2};
    earlier.entries = 100;
    earlier.bytes = 1000;

    auto later = earlier;
    later.lookups[Level::memory][LookupOutcome::hit].records = 12;
    later.queries[QueryKind::load] = {.count = 5, .failed = 1, .rows = 9, .nanoseconds = 400};
    later.coalesced = 4;
    later.rebuilt = 8;
    later.stale[StaleCause::refresh_due] = 3;
    later.evictions[Level::memory][EvictionCause::bytes] = {.entries = 4, .bytes = 70};
    later.invalidations[Level::memory][Invalidation::fence] = 6;
    later.fills[Level::memory][FillOutcome::stored].aliases = 9;
    later.hidden_failures[Level::memory] = 3;
    later.last_failure[Level::memory] = "new";
    later.calls[Verb::find] = 14;
    later.latencies[Verb::find].buckets = {0, 2, 7};
    later.latencies[Verb::find].longest = 2;
    later.entries = 90;

    const auto between = later - earlier;
    CHECK(between.lookups[Level::memory][LookupOutcome::hit].records == 7);
    CHECK(between.queries[QueryKind::load].count == 3);
    CHECK(between.queries[QueryKind::load].failed == 0);
    CHECK(between.queries[QueryKind::load].rows == 7);
    CHECK(between.queries[QueryKind::load].nanoseconds == 300);
    CHECK(between.coalesced == 3);
    CHECK(between.rebuilt == 7);
    CHECK(between.stale_answers() == 2);
    CHECK(between.evictions[Level::memory][EvictionCause::bytes].entries == 3);
    CHECK(between.evictions[Level::memory][EvictionCause::bytes].bytes == 60);
    CHECK(between.invalidations[Level::memory][Invalidation::fence] == 6);
    CHECK(between.fills[Level::memory][FillOutcome::stored].aliases == 9);
    CHECK(between.hidden_failures[Level::memory] == 2);
    CHECK(between.last_failure[Level::memory] == "new");
    CHECK(between.hidden_failures[Level::shared] == 0);
    CHECK(between.last_failure[Level::shared].empty());
    CHECK(between.calls[Verb::find] == 11);
    CHECK(between.requests() == 11);
    CHECK(between.latencies[Verb::find].count() == 7);
    CHECK(between.entries == 90);
    CHECK(between.bytes == 1000);

    const auto backwards = earlier - later;
    CHECK(backwards.coalesced == 0);
    CHECK(backwards.requests() == 0);
}
