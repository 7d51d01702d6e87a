// SPDX-License-Identifier: BSL-1.0
#include "store_world.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <string_view>

using namespace session_tests;
using larder::EndReason;
using larder::Granted;
using larder::SessionLimit;
using larder::SessionState;

namespace {

std::string_view refresh_of(const Granted& granted) { return granted.secrets().refresh.reveal(); }
std::string_view access_of(const Granted& granted) { return granted.secrets().access.reveal(); }

/// Sets the wall clock back.
void set_back(StoreWorld& world, std::chrono::milliseconds by) { world.environment.set_wall_now(world.environment.wall_now() - by); }

} // namespace

TEST_CASE("a clock that is set back ends no session, and brings none back") {
    in_each_world({}, [](StoreWorld& world, const StoreKind&) {
        auto& store = *world.store;
        const auto ann = world.add_user("ann");
        const auto unused = store.login({.user_id = ann}).or_throw();
        world.environment.advance(31min);
        const auto active = store.login({.user_id = ann}).or_throw();
        const auto revoked = store.login({.user_id = ann}).or_throw();
        const auto replaced = store.login({.user_id = ann}).or_throw();
        REQUIRE(store.revoke(revoked.handle(), EndReason::administrator));
        const auto elevated = store.elevate(replaced.handle()).or_throw();
        REQUIRE(store.expire().expired == 1);

        for (const auto by : {std::chrono::milliseconds(1h), std::chrono::milliseconds(48h)}) {
            set_back(world, by);
            CHECK(store.authenticate(revoked.handle()).why() == EndReason::administrator);
            CHECK(store.authenticate(replaced.handle()).why() == EndReason::replaced);
            const auto expired = store.authenticate(unused.handle());
            CHECK(expired.state() == SessionState::expired);
            CHECK(expired.limit() == SessionLimit::idle);
            CHECK(!store.rotate(refresh_of(revoked)));
            CHECK(!store.rotate(refresh_of(unused)));
            CHECK(store.authenticate(active.handle()));
            CHECK(store.authenticate(access_of(active)));
            CHECK(store.authenticate(elevated.handle()));
            const auto reaped = store.expire();
            CHECK(reaped.expired == 0);
            CHECK(reaped.erased == 0);
            CHECK(store.list(ann).size() == 2);
        }
        // What is renewed by a clock that is behind is judged by the same clock.
        const auto renewed = store.rotate(refresh_of(active));
        REQUIRE(renewed);
        CHECK(renewed.access_expires_at() == world.now() + 15min);
        CHECK(renewed.expires_at() == active.expires_at());
        CHECK(store.revoke_all(ann).count() == 2);
        set_back(world, 1h);
        CHECK(!store.authenticate(access_of(renewed)));
        CHECK(!store.authenticate(elevated.handle()));
    });
}

TEST_CASE("a clock that is set back makes no grace longer") {
    StoreSettings settings;
    settings.rules.rotation_grace = 1min;
    in_each_world(settings, [](StoreWorld& world, const StoreKind&) {
        const auto ann = world.add_user("ann");
        const auto first = world.store->login({.user_id = ann}).or_throw();
        const auto second = world.store->rotate(refresh_of(first)).or_throw();
        set_back(world, 59s);
        CHECK(world.store->rotate(refresh_of(first)).repeated());
        set_back(world, 2s);
        CHECK(world.store->rotate(refresh_of(first)).state() == SessionState::reused);
        CHECK(world.store->authenticate(access_of(second)).why() == EndReason::token_reused);
    });
}

TEST_CASE("a shorter limit holds for what is in the caches") {
    for (const auto heat : {larder::Heat::hot, larder::Heat::warm}) {
        StoreSettings settings;
        settings.heat = [heat](std::uint32_t) { return heat; };
        in_each_world(settings, [&](StoreWorld& world, const StoreKind&) {
            auto shorter = settings;
            shorter.rules.idle_timeout = 5min;
            const auto strict = world.open(shorter);
            const auto session = world.store->login({.user_id = world.add_user("ann")}).or_throw();
            REQUIRE(strict->authenticate(access_of(session)));
            REQUIRE(strict->authenticate(access_of(session)));
            world.environment.advance(5min - 1ms);
            CHECK(world.store->rotate(refresh_of(session)));
            world.environment.advance(5min);
            CHECK(world.store->authenticate(session.handle()));
            world.environment.advance(5min);
            const auto who = strict->authenticate(session.handle());
            CHECK(who.state() == SessionState::expired);
            CHECK(who.limit() == SessionLimit::idle);
            CHECK(!strict->elevate(session.handle()));
            CHECK(world.store->authenticate(session.handle()));
            CHECK(strict->authenticate(session.handle()));
        });
    }
}
