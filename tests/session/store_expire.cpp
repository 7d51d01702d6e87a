// SPDX-License-Identifier: BSL-1.0
#include "store_world.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

using namespace session_tests;
using larder::Absence;
using larder::EndReason;
using larder::errc;
using larder::SessionLimit;
using larder::SessionState;

TEST_CASE("the reaper ends what has expired, and says so once") {
    std::vector<larder::SessionEnded> told;
    StoreSettings settings;
    settings.rules.on_ended = [&](const larder::SessionEnded& ended) { told.push_back(ended); };
    in_each_world(settings, [&](StoreWorld& world, const StoreKind&) {
        told.clear();
        auto& store = *world.store;
        const auto elsewhere = world.open(settings);
        const auto ann = world.add_user("ann");
        const auto unused = store.login({.user_id = ann});
        const auto used = store.login({.user_id = ann});
        CHECK(store.expire().expired == 0);
        world.environment.advance(29min);
        CHECK(store.authenticate(used.handle()));
        world.environment.advance(1min - 1ms);
        CHECK(store.expire().expired == 0);
        CHECK(told.empty());

        world.environment.advance(1ms);
        // No cache has let go of it, and none needs to.
        const auto reaped = elsewhere->expire();
        REQUIRE(reaped);
        CHECK(reaped.expired == 1);
        CHECK(reaped.erased == 0);
        CHECK(!reaped.more);
        REQUIRE(told.size() == 1);
        CHECK(told[0].handle == unused.handle());
        CHECK(told[0].user_id == ann);
        CHECK(told[0].why == EndReason::idle_timeout);
        CHECK(told[0].at == world.now());
        CHECK(store.expire().expired == 0);
        CHECK(told.size() == 1);
        CHECK(elsewhere->authenticate(unused.handle()).limit() == SessionLimit::idle);
        CHECK(store.authenticate(used.handle()));

        for (int i = 0; i < 23; ++i) {
            world.environment.advance(29min);
            store.authenticate(used.handle());
        }
        world.environment.advance(30min);
        told.clear();
        CHECK(store.expire().expired == 1);
        REQUIRE(told.size() == 1);
        CHECK(told[0].handle == used.handle());
        CHECK(told[0].why == EndReason::absolute_timeout);
        const auto who = store.authenticate(used.handle());
        CHECK(who.state() == SessionState::expired);
        CHECK(who.limit() == SessionLimit::absolute);
    });
}

TEST_CASE("the reaper works in batches, the earliest first") {
    in_each_world({}, [](StoreWorld& world, const StoreKind&) {
        auto& store = *world.store;
        const auto ann = world.add_user("ann");
        std::vector<larder::Uuid> handles;
        for (int i = 0; i < 5; ++i) {
            handles.push_back(store.login({.user_id = ann}).or_throw().handle());
            world.environment.advance(1s);
        }
        world.environment.advance(30min);
        for (const std::size_t done : {2U, 4U, 5U}) {
            const auto reaped = store.expire(2);
            CHECK(reaped.expired == (done == 5 ? 1 : 2));
            CHECK(reaped.more == (done != 5));
            for (std::size_t i = 0; i < handles.size(); ++i) CHECK(store.row(handles[i]).row()->revoked_at.has_value() == (i < done));
        }
        CHECK(store.expire(2).expired == 0);
        CHECK(store.expire(0).error() == errc::invalid_options);
    });
}

TEST_CASE("what has ended is kept for a while and then removed") {
    StoreSettings settings;
    settings.rules.keep_ended = 1h;
    in_each_world(settings, [](StoreWorld& world, const StoreKind&) {
        auto& store = *world.store;
        const auto ann = world.add_user("ann");
        const auto ended = store.login({.user_id = ann});
        REQUIRE(store.revoke(ended.handle(), EndReason::administrator));
        world.environment.advance(30min);
        const auto active = store.login({.user_id = ann});
        world.environment.advance(29min);
        REQUIRE(store.authenticate(active.handle()));
        CHECK(store.expire().erased == 0);
        CHECK(store.authenticate(ended.handle()).why() == EndReason::administrator);
        world.environment.advance(1min);
        CHECK(store.expire().erased == 1);
        CHECK(store.row(ended.handle()).absence() == Absence::never_was);
        CHECK(store.authenticate(ended.handle()).state() == SessionState::unknown);
        CHECK(store.authenticate(ended.secrets().access.reveal()).state() == SessionState::unknown);
        CHECK(store.rotate(ended.secrets().refresh.reveal()).state() == SessionState::unknown);
        CHECK(store.authenticate(active.handle()));
    });
}

TEST_CASE("a use that the cached row does not know of keeps its session from the reaper") {
    in_each_world({}, [](StoreWorld& world, const StoreKind&) {
        const auto elsewhere = world.open({});
        const auto granted = world.store->login({.user_id = world.add_user("ann")});
        REQUIRE(elsewhere->authenticate(granted.handle()));
        world.environment.advance(29min);
        REQUIRE(world.store->authenticate(granted.handle()));
        world.environment.advance(2min);
        CHECK(elsewhere->expire().expired == 0);
        CHECK(world.store->authenticate(granted.handle()));
    });
}

TEST_CASE("all sessions before a moment are ended, whosever they are") {
    in_each_world({}, [](StoreWorld& world, const StoreKind&) {
        auto& store = *world.store;
        const auto ann = world.add_user("ann");
        const auto bob = world.add_user("bob");
        const auto first = store.login({.user_id = ann});
        const auto second = store.login({.user_id = bob});
        world.environment.advance(1ms);
        const auto third = store.login({.user_id = bob});
        const auto elevated = store.elevate(first.handle());
        const auto ended = store.revoke_before(world.now(), EndReason::administrator, larder::Effect::required);
        REQUIRE(ended);
        CHECK(ended.count() == 2);
        CHECK(ended.effective());
        CHECK(store.authenticate(elevated.handle()).why() == EndReason::administrator);
        CHECK(store.authenticate(second.handle()).why() == EndReason::administrator);
        CHECK(store.authenticate(first.handle()).why() == EndReason::replaced);
        CHECK(store.authenticate(third.handle()));
        CHECK(store.revoke_before(world.now()).count() == 0);
    });
}
