// SPDX-License-Identifier: BSL-1.0
#include "world.hpp"

#include <larder/repository/intent.hpp>
#include <larder/repository/result.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace repository_tests;

TEST_CASE("an answer tells where it comes from, how old it is and which version it is") {
    World world;
    const Pass row = world.insert(1);
    const auto loaded = world.passes->find(row.id);
    REQUIRE(loaded);
    CHECK(loaded.source() == Level::database);
    CHECK(loaded.age() == 0s);
    CHECK(loaded.version() == row.version);
    CHECK(loaded.token().version == row.version);
    CHECK(loaded->holder.name == "holder");
    world.environment.advance(7s);
    const auto hit = world.passes->find(row.id);
    REQUIRE(hit);
    CHECK(hit.source() == Level::memory);
    CHECK(hit.age() == 7s);
    CHECK(hit.version() == row.version);
    CHECK(hit.row() == loaded.row());
    CHECK(*hit == row);
    const auto absent = world.passes->find(17);
    CHECK(!absent);
    CHECK(!absent.failed());
    CHECK(absent.absence() == Absence::never_was);
    CHECK(absent.version() == 0);
    CHECK_THROWS_AS(absent.value(), Failure);
}

TEST_CASE("find_by finds by each alternate key, and by the primary one") {
    World world;
    const Pass row = world.insert(1);
    CHECK(world.passes->find_by<&Pass::code>("code 1")->id == row.id);
    CHECK(world.passes->find_by<&Pass::badge>("badge 1")->id == row.id);
    CHECK(world.passes->find_by<&Pass::id>(row.id)->id == row.id);
    CHECK(!world.passes->find_by<&Pass::code>("badge 1"));
    CHECK(world.queries_of([&] { world.passes->find_by<&Pass::code>("code 1"); }) == 0);
    CHECK(world.queries_of([&] { world.passes->find_by<&Pass::badge>("badge 1"); }) == 0);
}

TEST_CASE("an alternate key costs one query to find, and none from then on") {
    World world;
    const Pass row = world.insert(1);
    world.passes->expel(row.id);
    world.passes->expel_by<&Pass::code>(row.code);
    CHECK(world.queries_of([&] { world.passes->find_by<&Pass::code>(row.code); }) == 1);
    CHECK(world.queries_of([&] { world.passes->find_by<&Pass::code>(row.code); }) == 0);
    CHECK(world.queries_of([&] { world.passes->find(row.id); }) == 0);
}

TEST_CASE("find_warm reads the warm fields, from a whole row or a warm one") {
    World world;
    const Pass row = world.insert(1);
    const auto found = world.passes->find_warm(row.id);
    REQUIRE(found);
    CHECK(found.get<&Pass::holder_id>() == row.holder_id);
    CHECK(found.get<&Pass::id>() == row.id);
    CHECK(found.version() == row.version);
    CHECK(world.passes->find_warm_by<&Pass::code>(row.code).get<&Pass::code>() == row.code);
    CHECK(!world.passes->find_warm(17));
    world.passes->revoke(row.id).or_throw();
    CHECK(world.passes->find_warm(row.id).absence() == Absence::revoked);
    CHECK(world.passes->find_warm_by<&Pass::code>(row.code).absence() == Absence::revoked);
}

TEST_CASE("try_find answers from memory or not at all") {
    World world;
    const Pass row = world.insert(1);
    CHECK(world.passes->try_find(row.id).absence() == Absence::not_cached);
    CHECK(world.passes->try_find_by<&Pass::code>(row.code).absence() == Absence::not_cached);
    world.passes->find_by<&Pass::code>(row.code);
    CHECK(world.queries_of([&] {
        CHECK(world.passes->try_find(row.id)->note == row.note);
        CHECK(world.passes->try_find_by<&Pass::code>(row.code)->note == row.note);
        CHECK(world.passes->try_find(row.id, at_least({row.version + 1})).absence() == Absence::not_cached);
        CHECK(world.passes->try_find(row.id, truth).absence() == Absence::not_cached);
    }) == 0);
    world.passes->revoke(row.id).or_throw();
    CHECK(world.passes->try_find(row.id).absence() == Absence::revoked);
}

TEST_CASE("peek looks into the caches, whatever the policy would make of what is there") {
    World<Versioned<row_probe>> world;
    const Pass row = world.insert(1);
    CHECK(world.passes->peek(row.id).absence() == Absence::not_cached);
    world.passes->find(row.id);
    CHECK(world.queries_of([&] { CHECK(world.passes->peek(row.id)->note == row.note); }) == 0);
    CHECK(world.passes->peek(row.id).source() == Level::memory);
    world.expect_free(row, "after a peek");
}

TEST_CASE("find_many answers in the order of the keys, with one query for what is not cached") {
    World world;
    std::vector<Pass> rows;
    for (int i = 0; i < 6; ++i) rows.push_back(world.insert(i));
    world.passes->find(rows[2].id);
    world.passes->revoke(rows[4].id).or_throw();
    const std::vector<std::int64_t> keys{rows[5].id, rows[2].id, 999, rows[0].id, rows[5].id, rows[4].id};
    for (int round = 0; round < 2; ++round) {
        FoundMany<Pass> found;
        CHECK(world.queries_of([&] { found = world.passes->find_many(keys); }) == (round == 0 ? 1 : 0));
        CHECK(!found.failed());
        REQUIRE(found.size() == 6);
        CHECK(found[0]->id == rows[5].id);
        CHECK(found[1]->id == rows[2].id);
        CHECK(found[2].absence() == Absence::never_was);
        CHECK(found[3]->id == rows[0].id);
        CHECK(found[4]->id == rows[5].id);
        CHECK(found[5].absence() == Absence::revoked);
        CHECK(found[1].source() == Level::memory);
    }
    CHECK(world.passes->find_many({}).empty());
    for (const Pass& row : rows) world.expect_free(row, "after find_many");
}

TEST_CASE("find_many goes in batches of the options' size") {
    World world([](Options& options) { options.batch_size = 3; });
    std::vector<std::int64_t> keys;
    for (int i = 0; i < 7; ++i) keys.push_back(world.insert(i).id);
    CHECK(world.queries_of([&] { CHECK(world.passes->find_many(keys).size() == 7); }) == 3);
}

TEST_CASE("a batch that fails fails for its keys, and the others have their answers") {
    World world([](Options& options) { options.batch_size = 2; });
    std::vector<Pass> rows;
    std::vector<std::int64_t> keys;
    for (int i = 0; i < 6; ++i) {
        rows.push_back(world.insert(i));
        keys.push_back(rows.back().id);
    }
    world.passes->find(keys[2]);
    world.database->once(QueryKind::load_many, Stage::after, [&] { world.database->fail_once(QueryKind::load_many, Stage::before, Error{errc::database_busy, "busy"}); });
    const auto found = world.passes->find_many(keys);
    CHECK(found.failed());
    CHECK(found.error() == errc::database_busy);
    CHECK((found[0] && found[1] && found[2] && found[4] && found[5]));
    CHECK(found[3].error() == errc::database_busy);
    for (const Pass& row : rows) world.expect_free(row, "after a batch that failed");
}

TEST_CASE("find_many falls back on stale copies as single reads do, as far as the read allows it") {
    World world([](Options& options) { options.stale_if_error = 1h; });
    const Pass row = world.insert(1);
    world.passes->find(row.id);
    world.environment.advance(world.options.ttl);
    world.database->fail_reads(true);
    const std::vector<std::int64_t> keys{row.id, 999};
    for (int round = 0; round < 2; ++round) {
        const auto found = world.passes->find_many(keys);
        REQUIRE(found[0]);
        CHECK(found[0].stale() == StaleCause::database_failed);
        CHECK(found[1].failed());
    }
    CHECK(world.passes->find_many(keys, max_age(1min))[0].failed());
    CHECK(world.passes->find_many(keys, at_least({row.version + 1}))[0].failed());
    CHECK(world.passes->find(row.id, max_age(1min)).failed());
    CHECK(world.passes->find(row.id, at_least({row.version + 1})).failed());
    CHECK(world.passes->find(row.id, truth).failed());
}

TEST_CASE("find_all_by lists a group and answers with rows at least as new as the list") {
    World world;
    const Pass one = world.insert(1);
    const Pass two = world.insert(2);
    const Pass three = world.insert(3);
    world.passes->revoke(three.id).or_throw();
    CHECK(world.queries_of([&] { CHECK(world.passes->find_all_by<&Pass::holder_id>(one.holder_id).size() == 2); }) == 2);
    CHECK(world.queries_of([&] { CHECK(world.passes->find_all_by<&Pass::holder_id>(one.holder_id).size() == 2); }) == 1);
    Pass changed = one;
    changed.note = "behind";
    changed.version = MemoryDatabase<Pass>(world.tables).update(changed, one.version, {}).value();
    const auto found = world.passes->find_all_by<&Pass::holder_id>(one.holder_id);
    REQUIRE(found.size() == 2);
    CHECK(found[0]->note == "behind");
    CHECK(found[1]->note == two.note);
    CHECK(world.passes->find_all_by<&Pass::holder_id>(999).empty());
    world.database->fail_once(QueryKind::list, Stage::before, Error{errc::database_busy, "busy"});
    CHECK(world.passes->find_all_by<&Pass::holder_id>(one.holder_id).error() == errc::database_busy);
}

TEST_CASE("a row that leaves its group while the group is read is not among it") {
    World world;
    const Pass row = world.insert(1);
    const auto other = MemoryDatabase<Holder>(world.tables).insert({.id = 0, .name = "other", .motto = std::nullopt, .version = 0}).value().id;
    world.database->once(QueryKind::list, Stage::after, [&] { world.passes->update(row.id, [&](Pass& pass) { pass.holder_id = other; }).or_throw(); });
    CHECK(world.passes->find_all_by<&Pass::holder_id>(row.holder_id).empty());
    CHECK(world.passes->find_all_by<&Pass::holder_id>(other).size() == 1);
}

TEST_CASE("keep_for says how long what a read loads is kept, and writes promise no less") {
    World world([](Options& options) { options.sole_writer = false; });
    const Pass row = world.insert(1);
    world.passes->find(row.id, keep_for(1s));
    CHECK(world.queries_of([&] { world.passes->find(row.id); }) == 0);
    world.environment.advance(1s);
    CHECK(world.queries_of([&] { world.passes->find(row.id, keep_for(100h)); }) == 1);
    world.environment.advance(99h);
    CHECK(world.queries_of([&] { world.passes->find(row.id); }) == 0);
    CHECK(world.passes->update(row.id, [](Pass& pass) { pass.note = "new"; }).pending() == 100h);
    world.passes->expel(row.id);
    world.passes->find(row.id, keep_for(0s));
    CHECK(world.queries_of([&] { world.passes->find(row.id, keep_for(Duration::max())); }) == 1);
    CHECK(world.queries_of([&] { world.passes->find(row.id); }) == 0);
    world.expect_free(row, "after rows that were not kept");
}

TEST_CASE("reads that a shared answer does not satisfy are answered by a load of their own") {
    World world;
    const Pass row = world.insert(1);
    std::vector<Version> seen;
    const auto keep = [&](const Error&, const Found<Pass>& found) { seen.push_back(found.version()); };
    world.database->once(QueryKind::load, Stage::before, [&] {
        world.passes->async_find(row.id, {}, keep);
        world.passes->async_find(row.id, at_least({row.version + 1}), keep);
    });
    world.passes->find(row.id);
    world.settle();
    CHECK(seen == std::vector<Version>{row.version, row.version});
    world.expect_free(row, "after readers with demands of their own");
}

TEST_CASE("who waits for a load is answered by it, ten thousand of them with one query") {
    World world;
    const Pass row = world.insert(1);
    std::size_t answered = 0;
    const auto keep = [&](const Error&, const Found<Pass>& found) { answered += found && found.version() == row.version; };
    world.passes->expel(row.id);
    CHECK(world.queries_of([&] {
        world.database->once(QueryKind::load, Stage::before, [&] {
            for (int i = 0; i < 10'000; ++i) world.passes->async_find(row.id, {}, keep);
            CHECK(world.passes->core()->flights<0>().waiting() == 10'000);
        });
        CHECK(world.passes->find(row.id));
        world.settle();
    }) == 1);
    CHECK(answered == 10'000);
    CHECK(world.passes->core()->flights<0>().size() == 0);
}

TEST_CASE("who begins to wait before a load's query shares it, with one query in all") {
    World world;
    const Pass row = world.insert(1);
    std::size_t answered = 0;
    world.passes->expel(row.id);
    world.passes->expel_by<&Pass::code>(row.code);
    // An alternate key's load looks its row up in the tiers after its own query: those who come in between may share if all went well.
    CHECK(world.queries_of([&] {
        world.database->once(QueryKind::load_by, Stage::after, [&] {
            for (int i = 0; i < 100; ++i) world.passes->async_find_by<&Pass::code>(row.code, {}, [&](const Error&, const Found<Pass>& found) { answered += found && true; });
        });
        CHECK(world.passes->find_by<&Pass::code>(row.code));
        world.settle();
    }) == 1);
    CHECK(answered == 100);
    CHECK(world.events<event::Coalesced>().size() == 100);
}

TEST_CASE("absence is remembered for a while, by every kind of key") {
    World world([](Options& options) { options.negative_ttl = 2s; });
    CHECK(world.queries_of([&] { CHECK(!world.passes->find(5)); }) == 1);
    CHECK(world.queries_of([&] { CHECK(!world.passes->find(5)); }) == 0);
    CHECK(world.queries_of([&] { CHECK(!world.passes->find_by<&Pass::code>("none")); }) == 1);
    CHECK(world.queries_of([&] { CHECK(!world.passes->find_by<&Pass::code>("none")); }) == 0);
    CHECK(world.passes->find(5).source() == Level::memory);
    world.environment.advance(2s);
    CHECK(world.queries_of([&] { CHECK(!world.passes->find(5)); }) == 1);
    CHECK(world.queries_of([&] { CHECK(!world.passes->find_by<&Pass::code>("none")); }) == 1);
    world.passes->expel_by<&Pass::code>("none");
    CHECK(world.queries_of([&] { CHECK(!world.passes->find_by<&Pass::code>("none")); }) == 1);
    SUBCASE("or not at all") {
        World forgetful([](Options& options) { options.negative_ttl = 0s; });
        for (int i = 0; i < 2; ++i) {
            CHECK(forgetful.queries_of([&] { CHECK(!forgetful.passes->find(5)); }) == 1);
            CHECK(forgetful.queries_of([&] { CHECK(!forgetful.passes->find_by<&Pass::code>("none")); }) == 1);
        }
        Pass none;
        none.id = 5;
        none.code = "none";
        forgetful.expect_free(none, "after absences that are not remembered");
    }
}

TEST_CASE("reading from the tiers and filling them can be switched off and on") {
    World world;
    const Pass row = world.insert(1);
    world.passes->find(row.id);
    world.passes->switch_reading(Level::memory, false);
    CHECK(world.queries_of([&] { world.passes->find(row.id); }) == 1);
    CHECK(world.queries_of([&] { world.passes->find_by<&Pass::code>(row.code); }) == 1);
    CHECK(world.passes->try_find(row.id).absence() == Absence::not_cached);
    CHECK(world.passes->update(row.id, [](Pass& pass) { pass.note = "written meanwhile"; }));
    world.passes->switch_reading(Level::memory, true);
    CHECK(world.passes->find(row.id)->note == "written meanwhile");
    world.passes->switch_filling(Level::memory, false);
    world.passes->expel(row.id);
    for (int i = 0; i < 2; ++i) CHECK(world.queries_of([&] { world.passes->find(row.id); }) == 1);
    world.passes->refresh(row.id);
    const std::vector<std::int64_t> keys{row.id};
    CHECK(world.passes->warm(keys));
    CHECK(world.passes->peek(row.id).absence() == Absence::not_cached);
    world.passes->switch_filling(Level::memory, true);
    world.passes->find(row.id);
    CHECK(world.passes->peek(row.id));
    world.expect_free(row, "after switches were turned");
}

TEST_CASE("a row that is not to be filled while it is refreshed or touched stays as it is") {
    World world;
    const Pass row = world.insert(1);
    world.passes->find(row.id);
    world.passes->switch_filling(Level::memory, false);
    world.environment.advance(2min);
    CHECK(world.passes->touch(row.id).changed());
    CHECK(world.passes->refresh(row.id));
    CHECK(world.passes->peek(row.id).age() == 2min);
}

TEST_CASE("after a shutdown every verb is refused") {
    World world;
    const Pass row = world.insert(1);
    world.passes->find(row.id);
    world.passes->shutdown();
    auto& passes = *world.passes;
    const std::vector<std::int64_t> keys{row.id};
    CHECK(passes.find(row.id).error() == errc::stopped);
    CHECK(passes.find_by<&Pass::code>(row.code).error() == errc::stopped);
    CHECK(passes.find_warm(row.id).error() == errc::stopped);
    CHECK(passes.try_find(row.id).error() == errc::stopped);
    CHECK(passes.peek(row.id).error() == errc::stopped);
    CHECK(passes.find_many(keys).error() == errc::stopped);
    CHECK(passes.find_all_by<&Pass::holder_id>(row.holder_id).error() == errc::stopped);
    CHECK(passes.insert(world.row(2)).error() == errc::stopped);
    CHECK(passes.update(row.id, [](Pass&) {}).error() == errc::stopped);
    CHECK(passes.save(row).error() == errc::stopped);
    CHECK(passes.erase(row.id).error() == errc::stopped);
    CHECK(passes.revoke(row.id).error() == errc::stopped);
    CHECK(passes.revoke_all_by<&Pass::holder_id>(row.holder_id).error() == errc::stopped);
    CHECK(passes.touch(row.id).error() == errc::stopped);
    CHECK(passes.wait_effective(Written<Pass>()).error() == errc::stopped);
    CHECK(passes.expel(row.id).error() == errc::stopped);
    CHECK(passes.expel_by<&Pass::code>(row.code).error() == errc::stopped);
    CHECK(passes.expel_all_by<&Pass::holder_id>(row.holder_id).error() == errc::stopped);
    CHECK(passes.expire(row.id).error() == errc::stopped);
    CHECK(passes.refresh(row.id).error() == errc::stopped);
    CHECK(passes.warm(keys).error() == errc::stopped);
    CHECK(passes.warm_by<&Pass::holder_id>(row.holder_id).error() == errc::stopped);
    Error seen;
    passes.async_find(row.id, {}, [&](const Error& failure, const Found<Pass>&) { seen = failure; });
    world.settle();
    CHECK(seen == errc::stopped);
    CHECK(passes.scope().find(row.id).error() == errc::stopped);
}

TEST_CASE("verbs under way when a repository is shut down and destroyed go on to their end") {
    World world;
    const Pass row = world.insert(1);
    world.passes->expel(row.id);
    std::optional<Found<Pass>> late;
    world.database->once(QueryKind::load, Stage::before, [&] {
        world.passes->async_find(row.id, {}, [&](const Error&, const Found<Pass>& found) { late = found; });
    });
    auto deferred = world.passes->async_find(row.id);
    Error refused;
    std::optional<Found<Pass>> first;
    world.passes->async_find(row.id, {}, [&](const Error&, const Found<Pass>& found) { first = found; });
    world.passes.reset();
    std::move(deferred)([&](const Error& failure, const Found<Pass>&) { refused = failure; });
    world.settle();
    REQUIRE((first && late));
    CHECK((*first)->note == row.note);
    CHECK((*late)->note == row.note);
    CHECK(refused == errc::stopped);
}
