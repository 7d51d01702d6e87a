// SPDX-License-Identifier: BSL-1.0
#include "world.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <utility>

using namespace session_tests;
using larder::Absence;
using larder::EndReason;
using larder::errc;
using larder::Session;

TEST_CASE_TEMPLATE("an ended session is found by no key any more, and says why", W, ALL_SESSION_WORLDS) {
    W world;
    const auto login = world.sessions.insert(world.session(world.add_user("ann"), "a"));
    REQUIRE(world.by_jti("a"));
    REQUIRE(world.by_token("a"));

    const auto ended = world.sessions.revoke(login.key(), because(EndReason::administrator), larder::Effect::required);
    REQUIRE(ended);
    CHECK(ended.effective());
    for (int round = 0; round < 2; ++round)
        for (const auto& found : {world.sessions.find(login.key()), world.by_jti("a"), world.by_token("a")}) {
            CHECK(!found);
            CHECK(found.absence() == Absence::revoked);
            REQUIRE(found.row());
            CHECK(found.row()->revoked_at == world.now());
            CHECK(found.row()->revoked_why == EndReason::administrator);
        }

    world.environment.advance(1s);
    const auto again = world.sessions.revoke(login.key(), because(EndReason::logged_out));
    CHECK(again);
    CHECK(!again.changed());
    CHECK(world.sessions.find(login.key()).row()->revoked_why == EndReason::administrator);
    CHECK(world.sessions.revoke(larder::Uuid{}, because(EndReason::logged_out)).error() == errc::no_such_row);
    CHECK(world.sessions.update(login.key(), [](Session& session) { session.user_agent = "another"; }).error() == errc::revoked);
}

TEST_CASE_TEMPLATE("logging out everywhere ends all sessions of the user and no other", W, ALL_SESSION_WORLDS) {
    W world;
    const auto ann = world.add_user("ann");
    const auto bob = world.add_user("bob");
    const auto names = {"a1", "a2", "a3"};
    for (const std::string name : names) {
        REQUIRE(world.sessions.insert(world.session(ann, name)));
        REQUIRE(world.by_jti(name));
        REQUIRE(world.by_token(name));
    }
    REQUIRE(world.sessions.insert(world.session(bob, "b")));
    const auto ended_before = world.sessions.insert(world.session(ann, "a4"));
    REQUIRE(world.sessions.revoke(ended_before.key(), because(EndReason::logged_out)));

    const auto ended = world.sessions.template revoke_all_by<&Session::user_id>(ann, because(EndReason::logged_out_everywhere));
    REQUIRE(ended);
    CHECK(ended.rows() == 3);
    CHECK(ended.effective());
    for (const std::string name : names)
        for (const auto& found : {world.by_jti(name), world.by_token(name), world.sessions.template find_by<&Session::jti>("jti " + name, larder::truth)}) {
            CHECK(found.absence() == Absence::revoked);
            REQUIRE(found.row());
            CHECK(found.row()->revoked_why == EndReason::logged_out_everywhere);
        }
    CHECK(world.sessions.find(ended_before.key()).row()->revoked_why == EndReason::logged_out);
    CHECK(world.by_jti("b"));
    CHECK(world.sessions.template find_all_by<&Session::user_id>(ann).empty());
    CHECK(world.sessions.template find_all_by<&Session::user_id>(bob).size() == 1);

    CHECK(world.sessions.template revoke_all_by<&Session::user_id>(ann, because(EndReason::logged_out_everywhere)).rows() == 0);
    REQUIRE(world.sessions.insert(world.session(ann, "a5")));
    CHECK(world.by_jti("a5"));
    CHECK(world.sessions.template revoke_all_by<&Session::user_id>(ann, because(EndReason::administrator)).rows() == 1);
    CHECK(world.by_jti("a5").row()->revoked_why == EndReason::administrator);
}

namespace {

/// What happens in the midst of the next update of a session: after its row was read, before it is written.
struct Interruption {
    std::function<void()> action;

    larder::MemoryTables tables() {
        larder::MemoryOptions options;
        options.hook = [this](const larder::MemoryOperation& operation) {
            if (operation.kind == larder::QueryKind::update && !operation.done)
                if (const auto act = std::exchange(action, {})) act();
            return larder::Error();
        };
        return larder::MemoryTables(options);
    }
};

} // namespace

#define POLICY_WORLDS World<larder::Hybrid, InMemory>, World<larder::WriteThrough, InMemory>, World<Probing, InMemory>, World<ByEpoch, InMemory>

TEST_CASE_TEMPLATE("what an end overtakes sees the end", W, POLICY_WORLDS) {
    Interruption interruption;
    W world{InMemory{interruption.tables()}};
    typename W::Sessions elsewhere{{{}, world.place.tables}, world.options, {}, world.environment};
    const auto login = world.sessions.insert(world.session(world.add_user("ann"), "a"));
    const auto end_elsewhere = [&](const larder::Uuid& id) {
        interruption.action = [&elsewhere, id] { CHECK(elsewhere.revoke(id, because(EndReason::administrator))); };
    };

    SUBCASE("another end") {
        end_elsewhere(login.key());
        const auto ended = world.sessions.revoke(login.key(), because(EndReason::logged_out));
        CHECK(ended);
        CHECK(!ended.changed());
    }
    SUBCASE("a rotation") {
        end_elsewhere(login.key());
        CHECK(world.rotate(login.key(), "a", "b").error() == errc::revoked);
        CHECK(world.by_token("b").absence() == Absence::never_was);
    }
    SUBCASE("a change") {
        end_elsewhere(login.key());
        CHECK(world.sessions.update(login.key(), [](Session& session) { session.user_agent = "another"; }).error() == errc::revoked);
    }
    CHECK(!interruption.action);
    const auto found = world.sessions.find(login.key(), larder::truth);
    CHECK(found.absence() == Absence::revoked);
    CHECK(found.row()->revoked_why == EndReason::administrator);
    CHECK(found.row()->user_agent == "test");
}
