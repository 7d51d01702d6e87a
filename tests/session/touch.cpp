// SPDX-License-Identifier: BSL-1.0
#include "world.hpp"

#include <doctest/doctest.h>

#include <chrono>

using namespace session_tests;
using larder::errc;
using larder::Session;

TEST_CASE_TEMPLATE("a touch moves last_seen_at once in an interval, and no version", W, SOME_SESSION_WORLDS) {
    W world;
    const auto login = world.sessions.insert(world.session(world.add_user("ann"), "a"));
    const auto began = world.now();

    world.environment.advance(59s);
    const auto early = world.count([&] {
        const auto touched = world.sessions.touch(login.key());
        CHECK(touched);
        CHECK(!touched.changed());
    });
    CHECK(early.queries[larder::QueryKind::touch].count == 0);
    CHECK(world.sessions.find(login.key(), larder::truth)->last_seen_at == began);

    world.environment.advance(1s);
    const auto touched = world.sessions.touch(login.key());
    CHECK(touched.changed());
    CHECK(touched.version() == 1);
    CHECK(!world.sessions.touch(login.key()).changed());
    for (const auto& how : {larder::Read{}, larder::truth}) {
        const auto found = world.sessions.find(login.key(), how);
        REQUIRE(found);
        CHECK(found->last_seen_at == began + 1min);
        CHECK(found.version() == 1);
    }
    CHECK(world.by_jti("a")->last_seen_at == began + 1min);
}

TEST_CASE_TEMPLATE("touching a session in hand asks nobody unless it is due", W, SOME_SESSION_WORLDS) {
    W world;
    const auto login = world.sessions.insert(world.session(world.add_user("ann"), "a"));
    const auto found = world.by_jti("a");
    REQUIRE(found);
    const auto early = world.count([&] {
        const auto touched = world.sessions.touch(found);
        CHECK(touched);
        CHECK(!touched.changed());
        CHECK(touched.key() == login.key());
        CHECK(touched.effective());
    });
    CHECK(early.database_queries() == 0);
    for (const auto& outcome : early.lookups[larder::Level::memory].values) CHECK(outcome.total() == 0);

    world.environment.advance(1min);
    CHECK(world.sessions.touch(found).changed());
    // Due by what is in hand, but not by what is true now.
    const auto again = world.count([&] { CHECK(!world.sessions.touch(found).changed()); });
    CHECK(again.queries[larder::QueryKind::touch].count == 0);
    CHECK(world.by_jti("a")->last_seen_at == world.now());
}

TEST_CASE_TEMPLATE("what is not a valid session can not be touched", W, SOME_SESSION_WORLDS) {
    W world;
    CHECK(world.sessions.touch(larder::Uuid{}).error() == errc::no_such_row);
    CHECK(world.sessions.touch(world.by_jti("a")).error() == errc::no_such_row);

    const auto login = world.sessions.insert(world.session(world.add_user("ann"), "a"));
    const auto before = world.by_jti("a");
    REQUIRE(world.sessions.revoke(login.key(), because(larder::EndReason::logged_out)));
    world.environment.advance(2min);
    CHECK(world.sessions.touch(login.key()).error() == errc::revoked);
    CHECK(world.sessions.touch(world.by_jti("a")).error() == errc::revoked);
    CHECK(world.sessions.touch(before).error() == errc::revoked);
    CHECK(world.sessions.find(login.key(), larder::truth).row()->last_seen_at == before->last_seen_at);

    world.sessions.shutdown();
    CHECK(world.sessions.touch(before).error() == errc::stopped);
}
