// SPDX-License-Identifier: BSL-1.0
#include "world.hpp"

#include <larder/repository/options.hpp>
#include <larder/repository/result.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace repository_tests;

TEST_CASE("a row is served for its TTL, by the monotonic clock, whatever the wall clock does") {
    World world;
    const Pass row = world.insert(1);
    world.passes->find(row.id);
    const WallTime wall = world.environment.wall_now();
    for (const Duration step : {Duration(1h), Duration(-1h)}) {
        world.environment.set_wall_now(wall + std::chrono::duration_cast<std::chrono::microseconds>(step));
        CHECK(world.queries_of([&] { CHECK(world.passes->find(row.id)); }) == 0);
    }
    const SteadyTime now = world.environment.now();
    world.environment.set_now(now + world.options.ttl - 1ns);
    CHECK(world.queries_of([&] { CHECK(world.passes->find(row.id)); }) == 0);
    world.environment.set_now(now + world.options.ttl);
    CHECK(world.queries_of([&] { CHECK(world.passes->find(row.id)); }) == 1);
}

TEST_CASE("a row that expires before its TTL is not kept past its expiry") {
    World world;
    Pass row = world.row(1);
    row.expires_at = std::chrono::time_point_cast<TimePoint::duration>(world.environment.wall_now() + 1min);
    row = *world.passes->insert(row).or_throw().row();
    world.passes->find(row.id);
    const SteadyTime now = world.environment.now();
    world.environment.set_now(now + 1min - 1ns);
    CHECK(world.passes->peek(row.id).source() == Level::memory);
    CHECK(world.passes->peek(row.id));
    world.environment.set_now(now + 1min);
    CHECK(world.passes->peek(row.id).absence() == Absence::not_cached);
    world.environment.advance(1min);
    CHECK(world.passes->find(row.id).absence() == Absence::expired);
    CHECK(world.passes->find(row.id).row());
    CHECK(world.passes->peek(row.id).absence() == Absence::not_cached);
    world.expect_free(row, "after an expired row was read");
}

TEST_CASE("jitter shortens lifetimes, each by another share, and never lengthens one") {
    World world([](Options& options) {
        options.jitter = 0.5;
        options.ttl = 100s;
    });
    std::vector<std::int64_t> keys;
    for (int i = 0; i < 40; ++i) keys.push_back(world.insert(i).id);
    CHECK(world.passes->warm(keys).loaded == 40);
    std::size_t before = 40;
    std::map<int, std::size_t> held;
    for (int second = 50; second <= 100; second += 10) {
        world.environment.advance(second == 50 ? 50s - 1ns : 10s);
        for (const auto key : keys) held[second] += static_cast<bool>(world.passes->peek(key));
        CHECK(held[second] <= before);
        before = held[second];
    }
    CHECK(held[50] == 40);
    CHECK(held[70] < 40);
    CHECK(held[70] > 0);
    CHECK(held[90] < held[70]);
    world.environment.advance(1ns);
    for (const auto key : keys) CHECK(!world.passes->peek(key));
}

TEST_CASE("expel drops copies, expire keeps them for failures only") {
    World world([](Options& options) { options.stale_if_error = 1h; });
    const Pass row = world.insert(1);
    world.passes->find_by<&Pass::code>(row.code);
    CHECK(world.passes->expire(row.id));
    CHECK(world.passes->peek(row.id).absence() == Absence::not_cached);
    world.database->fail_reads(true);
    for (int i = 0; i < 2; ++i) {
        CHECK(world.passes->find(row.id).stale() == StaleCause::database_failed);
        CHECK(world.passes->find_by<&Pass::code>(row.code).stale() == StaleCause::database_failed);
        CHECK(world.passes->find_warm(row.id).stale() == StaleCause::database_failed);
    }
    CHECK(world.passes->expel(row.id));
    CHECK(world.passes->find(row.id).failed());
    world.database->fail_reads(false);
    CHECK(world.queries_of([&] { CHECK(world.passes->find(row.id)); }) == 1);
    world.expect_free(row, "after copies were dropped");
    CHECK(world.events<event::StaleServed>().size() == 6);
    World strict;
    const Pass other = strict.insert(1);
    strict.passes->find(other.id);
    strict.passes->expire(other.id);
    strict.database->fail_reads(true);
    CHECK(strict.passes->find(other.id).failed());
}

TEST_CASE("expel_all_by drops the copies of a group, and of no other") {
    World world;
    const auto other = world.repository_of<Holder>()->insert({.id = 0, .name = "other", .motto = std::nullopt, .version = 0}).or_throw().key();
    const Pass one = world.insert(1);
    const Pass two = world.insert(2);
    Pass third = world.row(3);
    third.holder_id = other;
    third = *world.passes->insert(third).or_throw().row();
    for (const Pass& row : {one, two, third}) world.passes->find(row.id);
    CHECK(world.passes->expel_all_by<&Pass::holder_id>(one.holder_id));
    CHECK(!world.passes->peek(one.id));
    CHECK(!world.passes->peek(two.id));
    CHECK(world.passes->peek(third.id));
}

TEST_CASE("refresh replaces a copy, also what a load under way is about to keep") {
    World world;
    const Pass row = world.insert(1);
    world.passes->find(row.id);
    Pass changed = row;
    changed.note = "behind";
    changed.version = MemoryDatabase<Pass>(world.tables).update(changed, row.version, {}).value();
    CHECK(world.passes->refresh(row.id)->note == "behind");
    CHECK(world.passes->find(row.id).source() == Level::memory);
    CHECK(world.passes->find(row.id)->note == "behind");
    world.passes->expel(row.id);
    world.database->once(QueryKind::load, Stage::after, [&] {
        changed.note = "later";
        changed.version = MemoryDatabase<Pass>(world.tables).update(changed, changed.version, {}).value();
        CHECK(world.passes->refresh(row.id)->note == "later");
    });
    world.passes->find(row.id);
    CHECK(world.passes->find(row.id)->note == "later");
    world.expect_free(row, "after refreshes");
    SUBCASE("a row that is gone takes its copy with it, even if absences are not kept") {
        World forgetful([](Options& options) { options.negative_ttl = 0s; });
        const Pass other = forgetful.insert(1);
        forgetful.passes->find(other.id);
        CHECK(MemoryDatabase<Pass>(forgetful.tables).erase(other.id, other.version, {}).has_value());
        CHECK(!forgetful.passes->refresh(other.id));
        CHECK(forgetful.passes->peek(other.id).absence() == Absence::not_cached);
        forgetful.expect_free(other, "after a refresh of a row that is gone");
    }
    SUBCASE("a refresh that fails leaves the copy as it is") {
        world.database->fail_once(QueryKind::load, Stage::before, Error{errc::database_busy, "busy"});
        CHECK(world.passes->refresh(row.id).error() == errc::database_busy);
        CHECK(world.passes->find(row.id).source() == Level::memory);
        world.expect_free(row, "after a refresh that failed");
    }
}

TEST_CASE("a hit past the refresh-ahead point is served and replaced in the background, once") {
    const auto check = [](auto& world, auto read) {
        const Pass row = world.insert(1);
        read(world, row);
        read(world, row);
        world.environment.advance(7min);
        const std::size_t loads = world.database->queries(QueryKind::load);
        for (int i = 0; i < 50; ++i) CHECK(read(world, row).source() == Level::memory);
        CHECK(world.database->queries(QueryKind::load) == loads);
        world.settle();
        CHECK(world.database->queries(QueryKind::load) == loads + 1);
        CHECK(read(world, row).age() == 0s);
        world.settle();
        CHECK(world.database->queries(QueryKind::load) == loads + 1);
        world.expect_free(row, "after a refresh ahead");
        world.environment.advance(7min);
        world.database->fail_reads(true);
        CHECK(read(world, row));
        world.settle();
        world.database->fail_reads(false);
        const auto hidden = world.environment.observer().template all<testing::EventLog::HiddenFailure>();
        REQUIRE(hidden.size() == 1);
        CHECK(hidden[0].operation == "refresh_ahead");
        CHECK(hidden[0].error == errc::database_unavailable);
        CHECK(read(world, row).source() == Level::memory);
        world.expect_free(row, "after a refresh ahead that failed");
        world.settle();
        world.environment.advance(7min);
        read(world, row);
        world.passes->shutdown();
        world.settle();
    };
    const auto ahead = [](Options& options) {
        options.ttl = 10min;
        options.refresh_ahead = 0.6;
    };
    SUBCASE("by primary key") {
        World world(ahead);
        check(world, [](auto& from, const Pass& row) { return from.passes->find(row.id); });
    }
    SUBCASE("by an alternate key") {
        World world(ahead);
        check(world, [](auto& from, const Pass& row) { return from.passes->template find_by<&Pass::code>(row.code); });
    }
    SUBCASE("among many") {
        World world(ahead);
        check(world, [](auto& from, const Pass& row) { return from.passes->find_many(std::vector<std::int64_t>{row.id})[0]; });
    }
}

TEST_CASE("a write during a refresh ahead wins") {
    World world([](Options& options) { options.refresh_ahead = 0.5; });
    const Pass row = world.insert(1);
    world.passes->find(row.id);
    world.environment.advance(6min);
    world.passes->find(row.id);
    world.database->once(QueryKind::load, Stage::after, [&] { world.passes->revoke(row.id).or_throw(); });
    world.settle();
    CHECK(world.passes->find(row.id).absence() == Absence::revoked);
    world.expect_free(row, "after a refresh ahead that met a write");
}

TEST_CASE("heat decides what is kept: nothing, the warm fields, or the row") {
    World world([](Options& options) { options.heat = heat_by_frequency(3, 5); });
    // The insert is an access, too.
    const Pass row = world.insert(1);
    CHECK(world.queries_of([&] { world.passes->find(row.id); }) == 1);
    CHECK(world.passes->usage().entries == 0);
    CHECK(world.queries_of([&] { world.passes->find(row.id); }) == 1);
    CHECK(world.passes->usage().entries == 1);
    CHECK(world.queries_of([&] { CHECK(world.passes->find_warm(row.id).get<&Pass::holder_id>() == row.holder_id); }) == 0);
    CHECK(world.queries_of([&] { CHECK(world.passes->find_warm_by<&Pass::code>(row.code).get<&Pass::code>() == row.code); }) <= 1);
    CHECK(world.passes->try_find(row.id).absence() == Absence::not_cached);
    CHECK(world.passes->peek(row.id).absence() == Absence::not_cached);
    while (!world.passes->peek(row.id)) CHECK(world.queries_of([&] { CHECK(world.passes->find(row.id)->note == row.note); }) == 1);
    CHECK(world.queries_of([&] { CHECK(world.passes->find(row.id)->note == row.note); }) == 0);
    world.expect_free(row, "after it became hot");
    SUBCASE("a warm row is a fallback for warm reads") {
        World failing([](Options& options) {
            options.heat = [](std::uint32_t) { return Heat::warm; };
            options.stale_if_error = 1h;
        });
        const Pass other = failing.insert(1);
        failing.passes->find(other.id);
        failing.environment.advance(failing.options.ttl);
        failing.database->fail_reads(true);
        CHECK(failing.passes->find_warm(other.id).stale() == StaleCause::database_failed);
        CHECK(failing.passes->find(other.id).failed());
    }
    SUBCASE("preloaded rows are whole") {
        const Pass other = world.insert(2);
        CHECK(world.passes->warm(std::vector<std::int64_t>{other.id}).cached == 1);
        CHECK(world.passes->peek(other.id));
    }
    SUBCASE("a cold row is not left behind in an older version") {
        World cooling([](Options& options) {
            options.heat = [calls = std::make_shared<int>(0)](std::uint32_t) { return ++*calls == 1 ? Heat::hot : Heat::cold; };
        });
        const Pass other = cooling.insert(1);
        REQUIRE(cooling.passes->peek(cooling.passes->find(other.id)->id).absence() == Absence::not_cached);
    }
}

TEST_CASE("a heat rule that throws costs nothing but the copy, and the observer is told") {
    World world([](Options& options) { options.heat = [](std::uint32_t) -> Heat { throw std::runtime_error("no thermometer"); }; });
    const Pass row = world.insert(1);
    world.expect_found(row, "with a broken rule");
    CHECK(world.passes->update(row.id, [](Pass& pass) { pass.note = "written"; }).effective());
    CHECK(world.passes->find(row.id)->note == "written");
    CHECK(world.passes->usage().entries == 0);
    world.expect_free(row, "with a broken rule");
    const auto hidden = world.environment.observer().all<testing::EventLog::HiddenFailure>();
    REQUIRE(!hidden.empty());
    CHECK(hidden[0].error.text == "the heat rule: no thermometer");
}

TEST_CASE("warm loads what is not cached in batched queries, and tells how far it is") {
    World world([](Options& options) { options.batch_size = 4; });
    std::vector<std::int64_t> keys;
    for (int i = 0; i < 9; ++i) keys.push_back(world.insert(i).id);
    world.passes->find(keys[0]);
    world.passes->revoke(keys[1]).or_throw();
    keys.push_back(999);
    std::vector<std::size_t> asked;
    WarmReport report;
    CHECK(world.queries_of([&] {
        report = world.passes->warm(keys, [&](const WarmReport& progress) {
            CHECK(progress.total == 10);
            asked.push_back(progress.asked);
        });
    }) == 3);
    CHECK(asked == std::vector<std::size_t>{4, 8, 10});
    CHECK(report);
    CHECK(report.cached == 8);
    CHECK(report.loaded == 7);
    CHECK(report.absent == 2);
    CHECK(world.queries_of([&] { CHECK(world.passes->warm(keys).loaded == 0); }) == 0);
    CHECK(world.queries_of([&] { CHECK(world.passes->warm_by<&Pass::holder_id>(world.holder()).cached == 8); }) == 1);
    SUBCASE("a progress function that throws ends it, and nothing is left behind") {
        world.passes->expel_all_by<&Pass::holder_id>(world.holder());
        const auto failed = world.passes->warm(keys, [](const WarmReport&) { throw std::runtime_error("enough"); });
        CHECK(failed.error() == errc::exception_thrown);
        CHECK(failed.error().text.find("enough") != std::string::npos);
        CHECK(failed.asked == 4);
        Pass row = world.row(5);
        row.id = keys[5];
        world.expect_free(row, "after a warm-up that was ended");
    }
    SUBCASE("a batch that fails ends it") {
        world.passes->expel_all_by<&Pass::holder_id>(world.holder());
        world.database->fail_once(QueryKind::load_many, Stage::before, Error{errc::database_busy, "busy"});
        CHECK(world.passes->warm(keys).error() == errc::database_busy);
        world.database->fail_once(QueryKind::list, Stage::before, Error{errc::database_busy, "busy"});
        CHECK(world.passes->warm_by<&Pass::holder_id>(world.holder()).error() == errc::database_busy);
    }
}

TEST_CASE("rows of a group are marked with its epoch together, not one by one") {
    World<Versioned<group_epoch>> world;
    std::vector<std::int64_t> keys;
    for (int i = 0; i < 20; ++i) keys.push_back(world.insert(i).id);
    CHECK(world.queries_of([&] { CHECK(world.passes->warm_by<&Pass::holder_id>(world.holder()).loaded == 20); }) == 4);
    CHECK(world.queries_of([&] { CHECK(!world.passes->find_many(keys).failed()); }) == 0);
    world.environment.advance(1s);
    for (const auto key : keys) world.passes->expel(key);
    CHECK(world.queries_of([&] { CHECK(!world.passes->find_many(keys).failed()); }) == 1);
}

TEST_CASE("a weigher that throws, and a row that is too large, cost nothing but the copy") {
    struct Outcomes {
        std::size_t fills = 0;
        std::size_t entries = 0;
    };
    testing::ManualEnvironment environment;
    MemoryTables tables;
    const auto holder = MemoryDatabase<Holder>(tables).insert({}).value().id;
    for (const bool throws : {true, false}) {
        MemoryCacheConfig<Pass> cache;
        cache.weigher = [throws](const Pass&) -> std::size_t {
            if (throws) throw std::runtime_error("no scales");
            return std::size_t{1} << 40;
        };
        CachedRepository<Pass, Stack<MemoryCache, MemoryDatabase>, WriteThrough, testing::ManualEnvironment> passes({cache, tables}, {.sole_writer = true}, {}, environment);
        Pass row;
        row.holder_id = holder;
        row.code = throws ? "one" : "two";
        row.expires_at = TimePoint(std::chrono::hours(24 * 365 * 100));
        const auto written = passes.insert(row);
        REQUIRE(succeeds(written));
        CHECK(passes.find(written.key()));
        CHECK(passes.update(written.key(), [](Pass& pass) { pass.note = "written"; }).effective());
        for (int i = 0; i < 2; ++i) CHECK(passes.find(written.key())->note == "written");
        CHECK(passes.find_by<&Pass::code>(row.code)->note == "written");
        CHECK(passes.usage().entries == 0);
    }
}

TEST_CASE("a small cache forgets and finds again") {
    testing::ManualEnvironment environment;
    MemoryTables tables;
    const auto holder = MemoryDatabase<Holder>(tables).insert({}).value().id;
    CachedRepository<Pass, Stack<MemoryCache, MemoryDatabase>, WriteThrough, testing::ManualEnvironment> passes({{.max_entries = 8}, tables}, {.sole_writer = true}, {}, environment);
    std::vector<std::int64_t> keys;
    for (int i = 0; i < 64; ++i) {
        Pass row;
        row.holder_id = holder;
        row.code = std::to_string(i);
        row.expires_at = TimePoint(std::chrono::hours(24 * 365 * 100));
        keys.push_back(passes.insert(row).or_throw().key());
    }
    for (int round = 0; round < 3; ++round)
        for (std::size_t i = 0; i < keys.size(); ++i) {
            CHECK(passes.update(keys[i], [&](Pass& pass) { pass.note = std::to_string(round); }));
            CHECK(passes.find_by<&Pass::code>(std::to_string(i))->note == std::to_string(round));
            CHECK(passes.usage().entries <= 8);
        }
    CHECK(passes.find_many(keys).size() == 64);
}
