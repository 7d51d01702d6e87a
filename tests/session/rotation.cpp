// SPDX-License-Identifier: BSL-1.0
#include "world.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <type_traits>

using namespace session_tests;
using larder::Absence;
using larder::errc;
using larder::QueryKind;
using larder::Session;

TEST_CASE_TEMPLATE("a rotation ends the old refresh token and the old jti", W, SOME_SESSION_WORLDS) {
    W world;
    const auto ann = world.add_user("ann");
    const auto login = world.sessions.login(world.session(ann, "a"));
    REQUIRE(world.by_token("a"));
    REQUIRE(world.by_jti("a"));
    world.environment.advance(10s);

    const auto rotated = world.sessions.rotate(world.hash("refresh a"), world.rotation("b"));
    REQUIRE(rotated);
    CHECK(rotated.absence() == Absence::none);
    CHECK(rotated.key() == login.key());
    CHECK(rotated.version() == 2);
    CHECK(rotated.effective());
    CHECK(!world.by_token("a"));
    CHECK(!world.by_jti("a"));
    for (const auto& found : {world.by_token("b"), world.by_jti("b")}) {
        REQUIRE(found);
        CHECK(found->id == login.key());
        CHECK(found->user.username == "ann");
        CHECK(found->access_expires_at == world.now() + 15min);
        CHECK(found->refresh_expires_at == world.now() + 48h);
        CHECK(found->last_seen_at == world.now());
        CHECK(found->created_at == world.now() - 10s);
    }

    const auto again = world.sessions.rotate(world.hash("refresh a"), world.rotation("c"));
    CHECK(!again);
    CHECK(!again.failed());
    CHECK(again.absence() == Absence::never_was);
    CHECK(world.by_token("b"));
    CHECK(world.by_token("c").absence() == Absence::never_was);
}

TEST_CASE_TEMPLATE("a rotation costs its conditional write, and a query where the policy reads the database anyway", W, SOME_SESSION_WORLDS) {
    W world;
    const auto login = world.sessions.login(world.session(world.add_user("ann"), "a"));
    REQUIRE(world.by_token("a"));
    const auto counted = world.count([&] { REQUIRE(world.sessions.rotate(world.hash("refresh a"), world.rotation("b"))); });
    CHECK(counted.queries[QueryKind::update].count == 1);
    CHECK(counted.database_queries() == (W::Policy::guarantee.current_reads ? 2 : 1));
}

TEST_CASE_TEMPLATE("a refresh token that is no good rotates nothing and says why", W, SOME_SESSION_WORLDS) {
    W world;
    const auto ann = world.add_user("ann");
    CHECK(world.sessions.rotate(world.hash("refresh a"), world.rotation("b")).absence() == Absence::never_was);

    const auto ended = world.sessions.login(world.session(ann, "a"));
    REQUIRE(world.sessions.end(ended.key(), larder::EndReason::logged_out));
    CHECK(world.sessions.rotate(world.hash("refresh a"), world.rotation("b")).absence() == Absence::revoked);

    REQUIRE(world.sessions.login(world.session(ann, "old")));
    world.environment.advance(24h);
    CHECK(world.sessions.rotate(world.hash("refresh old"), world.rotation("b")).absence() == Absence::expired);
    CHECK(world.by_jti("b").absence() == Absence::never_was);
}

TEST_CASE_TEMPLATE("a rotation to keys that are taken changes nothing", W, SOME_SESSION_WORLDS) {
    W world;
    const auto ann = world.add_user("ann");
    REQUIRE(world.sessions.login(world.session(ann, "a")));
    REQUIRE(world.sessions.login(world.session(ann, "b")));
    const auto token = world.hash("refresh a");

    auto same_token = world.rotation("c");
    same_token.refresh_token = token;
    CHECK(world.sessions.rotate(token, same_token).error() == errc::invalid_options);
    auto same_jti = world.rotation("c");
    same_jti.jti = "jti a";
    CHECK(world.sessions.rotate(token, same_jti).error() == errc::invalid_options);
    auto taken_jti = world.rotation("c");
    taken_jti.jti = "jti b";
    const auto refused = world.sessions.rotate(token, taken_jti);
    CHECK(refused.error() == errc::duplicate_key);
    CHECK(refused.absence() == Absence::failed);
    CHECK(refused.error().text.find("sessions.jti") != std::string::npos);
    CHECK(refused.error().text.find("jti b") == std::string::npos);

    CHECK(world.by_token("a")->jti == "jti a");
    CHECK(world.by_token("c").absence() == Absence::never_was);
    CHECK(world.by_jti("b")->refresh_token == world.hash("refresh b"));
    CHECK(world.sessions.rotate(token, world.rotation("c")).version() == 2);
}

TEST_CASE_TEMPLATE("a rotation is judged by the row, not by a copy that another server has made old", W, SOME_SESSION_WORLDS) {
    W world;
    typename W::Sessions elsewhere{{{}, world.place.tables}, world.options, {}, world.environment};
    const auto ann = world.add_user("ann");

    const auto changed = world.sessions.login(world.session(ann, "a"));
    REQUIRE(world.by_token("a"));
    REQUIRE(elsewhere.update(changed.key(), [](Session& session) { session.user_agent = "another"; }));
    const auto rotated = world.sessions.rotate(world.hash("refresh a"), world.rotation("b"));
    REQUIRE(rotated);
    CHECK(rotated.version() == 3);
    CHECK(world.sessions.find(changed.key(), larder::truth)->user_agent == "another");

    REQUIRE(world.sessions.login(world.session(ann, "c")));
    REQUIRE(world.by_token("c"));
    REQUIRE(elsewhere.rotate(world.hash("refresh c"), world.rotation("d")));
    CHECK(world.sessions.rotate(world.hash("refresh c"), world.rotation("e")).absence() == Absence::never_was);
    CHECK(world.sessions.find(changed.key(), larder::truth)->jti == "jti b");
    CHECK(world.sessions.template find_by<&Session::jti>("jti d", larder::truth));

    const auto ended = world.sessions.login(world.session(ann, "f"));
    REQUIRE(world.by_token("f"));
    REQUIRE(elsewhere.end(ended.key(), larder::EndReason::administrator));
    CHECK(world.sessions.rotate(world.hash("refresh f"), world.rotation("g")).absence() == Absence::revoked);
    CHECK(world.sessions.find(ended.key(), larder::truth).absence() == Absence::revoked);
}

TEST_CASE("where a copy answers no read by itself, it does not decide that there is nothing to write either") {
    World<Probing, InMemory> world;
    World<Probing, InMemory>::Sessions elsewhere{{{}, world.place.tables}, world.options, {}, world.environment};
    const auto login = elsewhere.login(world.session(world.add_user("ann"), "a"));
    REQUIRE(world.by_jti("a"));
    REQUIRE(elsewhere.rotate(world.hash("refresh a"), world.rotation("b")));
    const auto written = world.sessions.update(login.key(), [](Session& session) {
        session.user_agent = "another";
        return session.jti == "jti b";
    });
    CHECK(written.changed());
    CHECK(world.by_jti("b")->user_agent == "another");
}
