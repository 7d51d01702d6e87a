// SPDX-License-Identifier: BSL-1.0
#include "world.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>

using namespace session_tests;
using larder::Absence;
using larder::errc;
using larder::QueryKind;
using larder::Session;

TEST_CASE_TEMPLATE("a change of both alternate keys leaves the old ones leading nowhere", W, SOME_SESSION_WORLDS) {
    W world;
    const auto login = world.sessions.insert(world.session(world.add_user("ann"), "a"));
    REQUIRE(world.by_token("a"));
    REQUIRE(world.by_jti("a"));
    const auto counted = world.count([&] {
        const auto rotated = world.rotate(login.key(), "a", "b");
        CHECK(rotated.changed());
        CHECK(rotated.version() == 2);
        CHECK(rotated.effective());
    });
    CHECK(counted.queries[QueryKind::update].count == 1);
    CHECK(counted.database_queries() == (W::Policy::caches_rows ? 1 : 2));
    CHECK(!world.by_token("a"));
    CHECK(!world.by_jti("a"));
    for (const auto& found : {world.by_token("b"), world.by_jti("b")}) {
        REQUIRE(found);
        CHECK(found->id == login.key());
        CHECK(found->user.username == "ann");
    }
    CHECK(!world.rotate(login.key(), "a", "c").changed());
    CHECK(world.by_token("c").absence() == Absence::never_was);
}

TEST_CASE_TEMPLATE("a change to keys that are taken changes nothing, and shows no secret", W, SOME_SESSION_WORLDS) {
    W world;
    const auto ann = world.add_user("ann");
    const auto login = world.sessions.insert(world.session(ann, "a"));
    REQUIRE(world.sessions.insert(world.session(ann, "b")));
    const auto refused = world.sessions.update(login.key(), [](Session& session) { session.jti = "jti b"; });
    CHECK(refused.error() == errc::duplicate_key);
    CHECK(refused.error().text.find("sessions.jti") != std::string::npos);
    CHECK(refused.error().text.find("jti b") == std::string::npos);
    CHECK(world.by_token("a")->jti == "jti a");
    CHECK(world.by_jti("b")->refresh_token == world.hash("refresh b"));
    CHECK(world.rotate(login.key(), "a", "c").version() == 2);
}

TEST_CASE_TEMPLATE("a change is judged by the row, not by a copy that another server has made old", W, SOME_SESSION_WORLDS) {
    W world;
    typename W::Sessions elsewhere{{{}, world.place.tables}, world.options, {}, world.environment};
    const auto ann = world.add_user("ann");
    const auto login = world.sessions.insert(world.session(ann, "a"));
    REQUIRE(world.by_token("a"));
    REQUIRE(elsewhere.update(login.key(), [](Session& session) { session.user_agent = "another"; }));
    CHECK(world.rotate(login.key(), "a", "b").version() == 3);
    CHECK(world.sessions.find(login.key(), larder::truth)->user_agent == "another");

    REQUIRE(world.by_token("b"));
    elsewhere.expel(login.key()).or_throw();
    CHECK(world.rotate(login.key(), "b", "c", elsewhere).changed());
    world.rotate(login.key(), "b", "d");
    CHECK(world.sessions.find(login.key(), larder::truth)->jti == "jti c");
}

TEST_CASE("where a copy answers no read by itself, it does not decide that there is nothing to write either") {
    World<Probing, InMemory> world;
    World<Probing, InMemory>::Sessions elsewhere{{{}, world.place.tables}, world.options, {}, world.environment};
    const auto login = elsewhere.insert(world.session(world.add_user("ann"), "a"));
    REQUIRE(world.by_jti("a"));
    REQUIRE(world.rotate(login.key(), "a", "b", elsewhere));
    const auto written = world.sessions.update(login.key(), [](Session& session) {
        session.user_agent = "another";
        return session.jti == "jti b";
    });
    CHECK(written.changed());
    CHECK(world.by_jti("b")->user_agent == "another");
}
