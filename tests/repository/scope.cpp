// SPDX-License-Identifier: BSL-1.0
#include "world.hpp"

#include <larder/repository/scope.hpp>

#include <doctest/doctest.h>

#include <optional>

using namespace repository_tests;

TEST_CASE("within a scope a row is asked for once: one lookup of an alias and at most one query, whatever keys come after") {
    for (const bool cached : {false, true}) {
        World world;
        const Pass row = world.insert(1);
        if (cached)
            world.passes->find_by<&Pass::badge>(*row.badge);
        else
            world.passes->expel_by<&Pass::badge>(*row.badge);
        world.environment.observer().clear();
        auto scope = world.passes->scope();
        CHECK(world.queries_of([&] {
            CHECK(scope.find_by<&Pass::badge>(*row.badge).source() == (cached ? Level::memory : Level::database));
            CHECK(scope.find_by<&Pass::code>(row.code).source() == Level::scope);
            CHECK(scope.find(row.id).source() == Level::scope);
            CHECK(*scope.find_by<&Pass::id>(row.id) == row);
        }) == (cached ? 0 : 1));
        std::size_t aliases = 0;
        for (const auto& lookup : world.events<event::Lookup>()) aliases += lookup.alias && lookup.level == Level::memory;
        CHECK(aliases == 1);
        CHECK(scope.size() == 1);
    }
}

TEST_CASE("within a scope a row stays as it was found, until it is forgotten or more is asked for") {
    World world;
    const Pass row = world.insert(1);
    auto scope = world.passes->scope();
    CHECK(scope.find(row.id));
    world.environment.advance(10s);
    const auto written = world.passes->update(row.id, [](Pass& pass) { pass.note = "newer"; });
    const auto known = scope.find(row.id);
    CHECK(known->note == row.note);
    CHECK(known.age() == 10s);
    CHECK(known.version() == row.version);
    SUBCASE("forgotten") {
        scope.forget(row.id);
        CHECK(scope.size() == 0);
        CHECK(scope.find(row.id)->note == "newer");
    }
    SUBCASE("a version asked for") { CHECK(scope.find(row.id, at_least(written.token()))->note == "newer"); }
    SUBCASE("an age asked for") { CHECK(scope.find_by<&Pass::code>(row.code, max_age(5s))->note == "newer"); }
    SUBCASE("the truth asked for") { CHECK(scope.find(row.id, truth)->note == "newer"); }
    SUBCASE("replaced by what was found otherwise") { scope.remember(world.passes->find(row.id)); }
    CHECK(scope.find(row.id)->note == "newer");
    CHECK(scope.find_by<&Pass::code>(row.code)->note == "newer");
    CHECK(scope.size() == 1);
}

TEST_CASE("absent rows and failures are not remembered") {
    World world;
    auto scope = world.passes->scope();
    CHECK(!scope.find_by<&Pass::code>("code 1"));
    const Pass row = world.insert(1);
    CHECK(scope.find_by<&Pass::code>("code 1"));
    scope.forget(row.id);
    world.passes->expel(row.id);
    world.database->fail_reads(true);
    CHECK(scope.find(row.id).failed());
    world.database->fail_reads(false);
    CHECK(scope.find(row.id));
    world.passes->revoke(row.id).or_throw();
    auto other = world.passes->scope();
    other.remember(other.find(row.id));
    CHECK(other.size() == 0);
}

TEST_CASE("a scope's asynchronous verbs share what they know with the blocking ones, and outlive the scope") {
    World world;
    const Pass row = world.insert(1);
    std::optional<Found<Pass>> first;
    std::optional<Found<Pass>> second;
    {
        auto scope = world.passes->scope();
        CHECK(world.queries_of([&] {
            scope.async_find_by<&Pass::badge>(*row.badge, {}, [&](const Error&, const Found<Pass>& found) { first = found; });
            world.settle();
            scope.async_find(row.id, {}, [&](const Error&, const Found<Pass>& found) { second = found; });
            world.settle();
            CHECK(scope.find_by<&Pass::code>(row.code).source() == Level::scope);
        }) == 1);
        REQUIRE((first && second));
        CHECK(second->source() == Level::scope);
        CHECK((*second)->note == row.note);
        scope.async_find(row.id, truth, [&](const Error&, const Found<Pass>& found) { second = found; });
    }
    world.settle();
    CHECK(second->source() == Level::database);
}
