// SPDX-License-Identifier: BSL-1.0
#include "../database/worlds.hpp"
#include "store_world.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

using namespace session_tests;
using larder::EndReason;
using larder::errc;
using larder::SessionState;

TEST_CASE("a login begins a session and shows its secrets") {
    in_each_world({}, [](StoreWorld& world, const StoreKind& kind) {
        const auto ann = world.add_user("ann");
        const auto granted = world.store->login({.user_id = ann, .ip_address = "192.0.2.1", .user_agent = "browser", .data = "cart"});
        REQUIRE(granted);
        CHECK(granted.pending() == kind.bound);
        CHECK(granted.handle().version() == boost::uuids::uuid::version_random_number_based);
        CHECK(granted.handle().variant() == boost::uuids::uuid::variant_rfc_4122);
        CHECK(granted.ended() == 0);
        CHECK(granted.access_expires_at() == world.now() + 15min);
        CHECK(granted.expires_at() == world.now() + 12h);

        const auto row = world.store->row(granted.handle());
        REQUIRE(row);
        CHECK(row->user_id == ann);
        CHECK(row->user.username == "ann");
        CHECK(row->ip_address == "192.0.2.1");
        CHECK(row->user_agent == "browser");
        CHECK(row->data == "cart");
        CHECK(row->family == granted.handle());
        CHECK(row->created_at == world.now());
        CHECK(row->refresh_expires_at == world.now() + 12h);
        CHECK(world.store->login({.user_id = ann + 1}).error() == errc::missing_relation);
        CHECK(world.store->list(ann).size() == 1);
    });
}

TEST_CASE("secrets have 256 random bits each and are never the same") {
    const auto world = write_through_in_memory.make({});
    const auto ann = world->add_user("ann");
    std::set<std::string> secrets;
    constexpr std::size_t logins = 50;
    for (std::size_t i = 0; i < logins; ++i) {
        const auto granted = world->store->login({.user_id = ann});
        REQUIRE(granted);
        const std::string access(granted.secrets().access.reveal()), refresh(granted.secrets().refresh.reveal());
        // The key's number, the secret and the tag; the number, the handle, the secret and the tag.
        REQUIRE(access.size() == 2 * (1 + 32 + 16));
        REQUIRE(refresh.size() == 2 * (1 + 16 + 32 + 16));
        secrets.insert(access.substr(2, 2 * 32));
        secrets.insert(refresh.substr(2 * (1 + 16), 2 * 32));
    }
    CHECK(secrets.size() == 2 * logins);
}

TEST_CASE("no secret is in the database, in its files or in a row") {
    const larder_tests::TempFolder folder;
    StoreSettings settings;
    settings.file = folder.file("sessions.sqlite");
    const auto world = write_through_in_sqlite.make(settings);
    const auto ann = world->add_user("ann");
    const auto first = world->store->login({.user_id = ann, .user_agent = "to be found"});
    const auto second = world->store->rotate(first.secrets().refresh.reveal());
    REQUIRE(second);
    const auto third = world->store->elevate(second.handle());
    REQUIRE(third);
    std::string bytes;
    for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(settings.file).parent_path())) {
        std::ifstream file(entry.path(), std::ios::binary);
        bytes.append(std::istreambuf_iterator<char>(file), {});
    }
    CHECK(bytes.find("to be found") != std::string::npos);
    const auto raw = [](std::string_view hex) {
        std::string text;
        boost::algorithm::unhex(hex.begin(), hex.end(), std::back_inserter(text));
        return text;
    };
    for (const auto* granted : {&first, &second, &third}) {
        const auto access = granted->secrets().access.reveal().substr(2, 2 * 32);
        const auto refresh = granted->secrets().refresh.reveal().substr(2 * (1 + 16), 2 * 32);
        for (const auto secret : {access, refresh}) {
            CHECK(bytes.find(secret) == std::string::npos);
            CHECK(bytes.find(raw(secret)) == std::string::npos);
        }
    }
}

TEST_CASE("what comes from outside is cut off and made printable") {
    const auto world = write_through_in_sqlite.make({});
    const auto granted = world->store->login({.user_id = world->add_user("ann"), .ip_address = std::string(100, '1'), .user_agent = "a\nb\xff" + std::string(1, '\0') + std::string(1000, 'c')});
    REQUIRE(granted);
    const auto row = world->store->row(granted.handle());
    CHECK(row->ip_address == std::string(64, '1'));
    CHECK(row->user_agent == "a?b??" + std::string(507, 'c'));
}

TEST_CASE("a login loads the user's sessions into the caches") {
    for (const bool preload : {true, false}) {
        StoreSettings settings;
        settings.rules.preload = preload;
        const auto world = write_through_in_memory.make(settings);
        const auto ann = world->add_user("ann");
        const auto elsewhere = world->open(settings);
        const auto earlier = elsewhere->login({.user_id = ann});
        REQUIRE(world->store->login({.user_id = ann}));
        const auto counted = world->count([&] { CHECK(world->store->authenticate(earlier.handle())); });
        CHECK(counted.database_queries() == (preload ? 0 : 1));
    }
}

TEST_CASE("a user has no more sessions than the bound") {
    for (const auto at_limit : {larder::AtSessionLimit::refuse, larder::AtSessionLimit::end_oldest}) {
        StoreSettings settings;
        settings.rules.sessions_per_user = 2;
        settings.rules.at_limit = at_limit;
        in_each_world(settings, [&](StoreWorld& world, const StoreKind&) {
            const auto ann = world.add_user("ann");
            const auto first = world.store->login({.user_id = ann});
            world.environment.advance(1s);
            const auto second = world.store->login({.user_id = ann});
            REQUIRE(first);
            REQUIRE(second);
            REQUIRE(world.store->login({.user_id = world.add_user("bob")}));
            world.environment.advance(1s);
            const auto third = world.store->login({.user_id = ann});
            CHECK(world.store->list(ann).size() == 2);
            CHECK(world.store->authenticate(second.handle()));
            if (at_limit == larder::AtSessionLimit::refuse) {
                CHECK(!third);
                CHECK(!third.failed());
                CHECK(third.state() == SessionState::refused);
                CHECK(third.secrets().access.empty());
                CHECK(third.handle().is_nil());
                CHECK(third.user_id() == ann);
                CHECK(third.refusal() == larder::session_errc::refused);
                CHECK(world.store->authenticate(first.handle()));
                REQUIRE(world.store->revoke(first.handle()));
                CHECK(world.store->login({.user_id = ann}));
            } else {
                CHECK(third);
                CHECK(third.ended() == 1);
                const auto ended = world.store->authenticate(first.secrets().access.reveal());
                CHECK(ended.state() == SessionState::revoked);
                CHECK(ended.why() == EndReason::too_many);
            }
            // What has expired takes nobody's place.
            world.environment.advance(31min);
            CHECK(world.store->login({.user_id = ann}));
        });
    }
}

TEST_CASE("a login that another one overtakes counts it") {
    std::function<void()> interruption;
    StoreSettings settings;
    settings.rules.sessions_per_user = 1;
    settings.hook = [&](const larder::MemoryOperation& operation) {
        if (operation.kind == larder::QueryKind::commit && !operation.done)
            if (const auto act = std::exchange(interruption, {})) act();
        return larder::Error();
    };
    in_each_world(store_kinds_in_memory(), settings, [&](StoreWorld& world, const StoreKind&) {
        const auto elsewhere = world.open(settings);
        const auto ann = world.add_user("ann");
        interruption = [&] { CHECK(elsewhere->login({.user_id = ann})); };
        CHECK(world.store->login({.user_id = ann}).state() == SessionState::refused);
        CHECK(!interruption);
        CHECK(world.store->list(ann).size() == 1);
    });
}

TEST_CASE("without random bytes nothing is begun, renewed or elevated") {
    const auto world = write_through_in_memory.make({});
    const auto ann = world->add_user("ann");
    const auto granted = world->store->login({.user_id = ann});
    REQUIRE(granted);
    world->random.fail(true);
    CHECK(world->store->login({.user_id = ann}).error() == errc::no_random_bytes);
    CHECK(world->store->rotate(granted.secrets().refresh.reveal()).error() == errc::no_random_bytes);
    CHECK(world->store->elevate(granted.handle()).error() == errc::no_random_bytes);
    world->random.fail(false);
    CHECK(world->store->list(ann).size() == 1);
    CHECK(world->store->authenticate(granted.secrets().access.reveal()));
    CHECK(world->store->rotate(granted.secrets().refresh.reveal()));
}

TEST_CASE("rules that make no sense are refused") {
    const auto refused = [](auto change) {
        StoreSettings settings;
        change(settings);
        try {
            write_through_in_memory.make(settings);
        } catch (const larder::Failure& failure) {
            return failure.error() == errc::invalid_options;
        }
        return false;
    };
    CHECK(!refused([](StoreSettings&) {}));
    CHECK(refused([](StoreSettings& settings) { settings.keys.clear(); }));
    CHECK(refused([](StoreSettings& settings) { settings.keys.push_back(settings.keys.front()); }));
    CHECK(refused([](StoreSettings& settings) { settings.keys = {{.id = 1, .secret = {}}}; }));
    CHECK(refused([](StoreSettings& settings) { settings.keys.push_back({.id = 2, .secret = {}}); }));
    CHECK(!refused([](StoreSettings& settings) {
        settings.keys = {{.id = 0, .secret = {}}};
        settings.keys[0].secret.back() = std::byte{1};
    }));
    CHECK(refused([](StoreSettings& settings) { settings.rules.rotation_grace = 5min + 1ns; }));
    CHECK(!refused([](StoreSettings& settings) { settings.rules.rotation_grace = 5min; }));
    CHECK(refused([](StoreSettings& settings) { settings.rules.rotation_grace = -1ns; }));
    CHECK(refused([](StoreSettings& settings) { settings.rules.grace_uses = 0; }));
    CHECK(refused([](StoreSettings& settings) { settings.rules.absolute_timeout = 0s; }));
    CHECK(refused([](StoreSettings& settings) { settings.rules.access_lifetime = -1s; }));
    // A use is noted once in a minute here.
    CHECK(refused([](StoreSettings& settings) { settings.rules.idle_timeout = 119s; }));
    CHECK(!refused([](StoreSettings& settings) { settings.rules.idle_timeout = 2min; }));
    CHECK(!refused([](StoreSettings& settings) { settings.rules.idle_timeout = 0s; }));
    CHECK(refused([](StoreSettings& settings) { settings.rules.on_audit = [](const larder::SessionAudit&) {}; }));
}

TEST_CASE("a store whose repository is gone says so") {
    const auto world = write_through_in_memory.make({});
    const auto granted = world->store->login({.user_id = world->add_user("ann")});
    world->store->shut_down();
    CHECK(world->store->authenticate(granted.handle()).error() == errc::stopped);
    CHECK(world->store->rotate(granted.secrets().refresh.reveal()).state() == SessionState::failed);
    CHECK_THROWS_AS(world->store->authenticate(granted.handle()).or_throw(), larder::Failure);
}
