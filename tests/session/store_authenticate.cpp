// SPDX-License-Identifier: BSL-1.0
#include "store_world.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>

using namespace session_tests;
using larder::EndReason;
using larder::errc;
using larder::Level;
using larder::QueryKind;
using larder::SessionLimit;
using larder::SessionState;

TEST_CASE("an active session is known by its access token and by its handle") {
    in_each_world({}, [](StoreWorld& world, const StoreKind& kind) {
        const auto ann = world.add_user("ann");
        const auto granted = world.store->login({.user_id = ann});
        const auto access = granted.secrets().access.reveal();
        REQUIRE(world.store->authenticate(access));
        const auto counted = world.count([&] {
            for (const auto& who : {world.store->authenticate(access), world.store->authenticate(granted.handle())}) {
                REQUIRE(who);
                CHECK(who.state() == SessionState::active);
                CHECK(who.limit() == SessionLimit::none);
                CHECK(!who.why());
                CHECK(who.handle() == granted.handle());
                CHECK(who.user_id() == ann);
                CHECK(who.created_at() == world.now());
                CHECK(who.last_seen_at() == world.now());
                CHECK(who.access_expires_at() == granted.access_expires_at());
                CHECK(who.expires_at() == granted.expires_at());
                if (!kind.current_reads) CHECK(who.source() != Level::database);
            }
        });
        CHECK(counted.database_queries() == (kind.current_reads ? 2 : 0));
    });
}

TEST_CASE("what is no access token is unknown, and costs no look-up") {
    const auto world = write_through_in_memory.make({});
    const auto granted = world->store->login({.user_id = world->add_user("ann")});
    const std::string access(granted.secrets().access.reveal());
    const std::string refresh(granted.secrets().refresh.reveal());
    std::string of_another_key = access;
    of_another_key[1] = '7';
    std::string in_capitals = access;
    for (auto& letter : in_capitals) letter = letter >= 'a' ? static_cast<char>(letter - 'a' + 'A') : letter;
    const auto counted = world->count([&] {
        for (const auto& text : {std::string(), std::string("x"), access.substr(1), access + "0", refresh, std::string(66, 'g'), of_another_key, in_capitals})
            CHECK(world->store->authenticate(text).state() == SessionState::unknown);
    });
    CHECK(counted.database_queries() == 0);
    for (const auto& outcome : counted.lookups[Level::memory].values) CHECK(outcome.total() == 0);

    std::string another = access;
    another[10] = another[10] == '0' ? '1' : '0';
    CHECK(world->store->authenticate(another).state() == SessionState::unknown);
    CHECK(world->store->authenticate(larder::Uuid{}).state() == SessionState::unknown);
}

TEST_CASE("an access token ends before its session") {
    in_each_world({}, [](StoreWorld& world, const StoreKind&) {
        const auto granted = world.store->login({.user_id = world.add_user("ann")});
        const auto access = granted.secrets().access.reveal();
        world.environment.advance(15min - 1ms);
        CHECK(world.store->authenticate(access));
        world.environment.advance(1ms);
        const auto ended = world.store->authenticate(access);
        CHECK(!ended);
        CHECK(ended.state() == SessionState::expired);
        CHECK(ended.limit() == SessionLimit::access);
        CHECK(ended.handle() == granted.handle());
        CHECK(world.store->authenticate(granted.handle()));
    });
    StoreSettings settings;
    settings.rules.access_lifetime = 0s;
    const auto world = write_through_in_memory.make(settings);
    const auto granted = world->store->login({.user_id = world->add_user("ann")});
    CHECK(granted.access_expires_at() == granted.expires_at());
}

TEST_CASE("a session that nobody uses expires, one that is used does not") {
    in_each_world({}, [](StoreWorld& world, const StoreKind&) {
        const auto ann = world.add_user("ann");
        const auto used = world.store->login({.user_id = ann});
        const auto unused = world.store->login({.user_id = ann});
        for (int i = 0; i < 4; ++i) {
            world.environment.advance(29min);
            CHECK(world.store->authenticate(used.handle()));
            CHECK(world.store->row(used.handle())->last_seen_at == world.now());
        }
        const auto expired = world.store->authenticate(unused.handle());
        CHECK(expired.state() == SessionState::expired);
        CHECK(expired.limit() == SessionLimit::idle);
        CHECK(world.store->rotate(unused.secrets().refresh.reveal()).limit() == SessionLimit::idle);
        CHECK(world.store->elevate(unused.handle()).limit() == SessionLimit::idle);
        CHECK(world.store->list(ann).size() == 1);
        world.environment.advance(30min - 1ms);
        CHECK(world.store->authenticate(used.handle()));
        world.environment.advance(30min);
        CHECK(world.store->authenticate(used.handle()).limit() == SessionLimit::idle);
    });
}

TEST_CASE("a session in use ends with its absolute limit, rotated or not") {
    in_each_world({}, [](StoreWorld& world, const StoreKind&) {
        const auto granted = world.store->login({.user_id = world.add_user("ann")});
        std::string refresh(granted.secrets().refresh.reveal());
        for (int i = 0; i < 2 * 12 + 11; ++i) {
            world.environment.advance(20min);
            const auto renewed = world.store->rotate(refresh);
            REQUIRE(renewed);
            CHECK(renewed.expires_at() == granted.expires_at());
            refresh = renewed.secrets().refresh.reveal();
        }
        CHECK(world.store->authenticate(granted.handle()).access_expires_at() == granted.expires_at() - 5min);
        world.environment.advance(10min);
        const auto last = world.store->rotate(refresh);
        CHECK(last.access_expires_at() == granted.expires_at());
        world.environment.advance(10min - 1ms);
        CHECK(world.store->authenticate(granted.handle()));
        world.environment.advance(1ms);
        const auto expired = world.store->authenticate(granted.handle());
        CHECK(expired.state() == SessionState::expired);
        CHECK(expired.limit() == SessionLimit::absolute);
        CHECK(world.store->authenticate(last.secrets().access.reveal()).limit() == SessionLimit::absolute);
        CHECK(world.store->rotate(last.secrets().refresh.reveal()).limit() == SessionLimit::absolute);
    });
}

TEST_CASE("a use is noted at most once in an interval, and moves no version") {
    in_each_world({}, [](StoreWorld& world, const StoreKind&) {
        const auto granted = world.store->login({.user_id = world.add_user("ann")});
        const auto counted = world.count([&] {
            for (int i = 0; i < 10; ++i) {
                world.environment.advance(6s);
                CHECK(world.store->authenticate(granted.secrets().access.reveal()));
                CHECK(world.store->authenticate(granted.handle()));
            }
        });
        CHECK(counted.queries[QueryKind::touch].count == 1);
        const auto row = world.store->row(granted.handle());
        CHECK(row->last_seen_at == world.now());
        CHECK(row.version() == 1);
    });
}

TEST_CASE("a use that another process noted counts") {
    in_each_world({}, [](StoreWorld& world, const StoreKind&) {
        const auto elsewhere = world.open({});
        const auto granted = world.store->login({.user_id = world.add_user("ann")});
        CHECK(elsewhere->authenticate(granted.handle()));
        world.environment.advance(20min);
        CHECK(world.store->authenticate(granted.handle()));
        world.environment.advance(20min);
        const auto who = elsewhere->authenticate(granted.handle());
        CHECK(who);
        CHECK(who.last_seen_at() == world.now());
        CHECK(world.store->row(granted.handle())->last_seen_at == world.now());
    });
}

TEST_CASE("the warm fields are enough for a yes or no") {
    StoreSettings settings;
    settings.heat = [](std::uint32_t) { return larder::Heat::warm; };
    const auto world = write_through_in_sqlite.make(settings);
    const auto granted = world->store->login({.user_id = world->add_user("ann")});
    world->store->expel(granted.handle());
    REQUIRE(world->store->authenticate(granted.secrets().access.reveal()));
    const auto counted = world->count([&] {
        CHECK(world->store->authenticate(granted.secrets().access.reveal()).source() == Level::memory);
        CHECK(world->store->authenticate(granted.handle()).user_id() == world->store->row(granted.handle())->user_id);
    });
    CHECK(counted.database_queries() == 1); // The test's own.
}

TEST_CASE("a session is good even if its use cannot be noted") {
    bool broken = false;
    StoreSettings settings;
    settings.hook = [&](const larder::MemoryOperation& operation) {
        return broken && operation.kind == QueryKind::touch ? larder::Error{errc::database_unavailable, "gone"} : larder::Error();
    };
    in_each_world(store_kinds_in_memory(), settings, [&](StoreWorld& world, const StoreKind&) {
        const auto granted = world.store->login({.user_id = world.add_user("ann")});
        world.environment.advance(2min);
        broken = true;
        CHECK(world.store->authenticate(granted.handle()));
        broken = false;
        CHECK(world.store->row(granted.handle())->last_seen_at == world.now() - 2min);
    });
}

TEST_CASE("a session that was ended says why") {
    in_each_world({}, [](StoreWorld& world, const StoreKind&) {
        const auto granted = world.store->login({.user_id = world.add_user("ann")});
        CHECK(world.store->authenticate(granted.secrets().access.reveal()));
        REQUIRE(world.store->revoke(granted.handle(), EndReason::administrator));
        for (const auto& who : {world.store->authenticate(granted.handle()), world.store->authenticate(granted.secrets().access.reveal())}) {
            CHECK(who.state() == SessionState::revoked);
            CHECK(who.why() == EndReason::administrator);
            CHECK(who.handle() == granted.handle());
            CHECK(who.user_id() == granted.user_id());
        }
        try {
            world.store->authenticate(granted.handle()).or_throw();
            FAIL("it should have thrown");
        } catch (const larder::Failure& failure) {
            CHECK(failure.error() == larder::session_errc::revoked);
            CHECK(failure.error().text.find("administrator") != std::string::npos);
        }
    });
}
