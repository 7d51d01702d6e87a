// SPDX-License-Identifier: BSL-1.0
#include "../redis/server.hpp"
#include "store_world.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

using namespace session_tests;
using larder::Duration;
using larder::Effect;
using larder::EndReason;
using larder::Granted;
using larder::Level;
using larder::SessionState;

namespace {

std::string access_of(const Granted& granted) { return std::string(granted.secrets().access.reveal()); }
std::string refresh_of(const Granted& granted) { return std::string(granted.secrets().refresh.reveal()); }

/// Has a store keep a session where it finds it the fastest, by both of its keys.
bool keeps(Store& store, const StoreKind& kind, const Granted& granted) {
    for (int i = 0; i < 20000; ++i) {
        const auto by_access = store.authenticate(access_of(granted));
        const auto by_handle = store.authenticate(granted.handle());
        if (!by_access || !by_handle) return false;
        if (kind.bound == Duration::zero() || (by_access.source() == Level::memory && by_handle.source() == Level::memory)) return true;
    }
    return false;
}

/// Asks until the answer is no: at once, or before the bound has passed that the writer was told. \returns the first answer that says no.
template <class Ask>
auto refused_within(Duration bound, Ask ask) {
    const auto acknowledged = std::chrono::steady_clock::now();
    for (;;) {
        const auto asked = std::chrono::steady_clock::now();
        auto answer = ask();
        if (!answer) {
            CHECK_MESSAGE(!answer.failed(), answer.error().text);
            return answer;
        }
        REQUIRE(asked - acknowledged < bound);
    }
}

/// A way to end a session, and why it then says that it has ended.
struct Way {
    std::string name;
    EndReason why;
    std::function<Duration(StoreWorld&, const Granted&, std::int64_t)> end;
};

const std::vector<Way>& ways() {
    const auto pending = [](const auto& answer) {
        REQUIRE_MESSAGE(!answer.failed(), answer.error().text);
        return answer.pending();
    };
    static const std::vector<Way> all{
        {"revoke", EndReason::logged_out, [=](StoreWorld& world, const Granted& session, std::int64_t) { return pending(world.store->revoke(session.handle())); }},
        {"revoke_all", EndReason::logged_out_everywhere, [=](StoreWorld& world, const Granted&, std::int64_t user) { return pending(world.store->revoke_all(user)); }},
        {"revoke_others", EndReason::logged_out_everywhere, [=](StoreWorld& world, const Granted&, std::int64_t user) { return pending(world.store->revoke_others(user, {})); }},
        {"revoke_before, of a user", EndReason::logged_out_everywhere,
         [=](StoreWorld& world, const Granted&, std::int64_t user) { return pending(world.store->revoke_before(user, world.now() + 1s)); }},
        {"revoke_before, of all", EndReason::administrator, [=](StoreWorld& world, const Granted&, std::int64_t) { return pending(world.store->revoke_before(world.now() + 1s)); }},
        {"revoke_family", EndReason::administrator, [=](StoreWorld& world, const Granted& session, std::int64_t) { return pending(world.store->revoke_family(session.handle())); }},
        {"elevate", EndReason::replaced, [=](StoreWorld& world, const Granted& session, std::int64_t) { return pending(world.store->elevate(session.handle()).or_throw()); }},
        {"revoke, effective", EndReason::logged_out,
         [=](StoreWorld& world, const Granted& session, std::int64_t) {
             const auto ended = world.store->revoke(session.handle(), EndReason::logged_out, Effect::required);
             CHECK(ended.effective());
             return pending(ended);
         }},
        {"revoke_all, effective", EndReason::logged_out_everywhere,
         [=](StoreWorld& world, const Granted&, std::int64_t user) {
             const auto ended = world.store->revoke_all(user, EndReason::logged_out_everywhere, Effect::required);
             CHECK(ended.effective());
             return pending(ended);
         }},
    };
    return all;
}

} // namespace

TEST_CASE("what one process ends another does not take for active beyond the bound") {
    in_each_world(store_kinds_over_redis(), {}, [](StoreWorld& world, const StoreKind& kind) {
        const auto elsewhere = world.open({});
        int number = 0;
        for (const auto& way : ways()) {
            CAPTURE(way.name);
            const auto user = world.add_user("user " + std::to_string(++number));
            const auto granted = world.store->login({.user_id = user}).or_throw();
            const auto of_another = world.store->login({.user_id = world.add_user("another " + std::to_string(number))}).or_throw();
            REQUIRE(keeps(*elsewhere, kind, granted));
            REQUIRE(keeps(*world.store, kind, granted));
            const Duration bound = way.end(world, granted, user);
            CHECK(bound <= kind.bound);
            const auto by_handle = refused_within(bound, [&] { return elsewhere->authenticate(granted.handle()); });
            const auto by_access = refused_within(bound, [&] { return elsewhere->authenticate(access_of(granted)); });
            for (const auto& who : {by_handle, by_access, world.store->authenticate(granted.handle()), world.store->authenticate(access_of(granted))}) {
                CHECK(who.state() == SessionState::revoked);
                CHECK(who.why() == way.why);
            }
            CHECK(elsewhere->elevate(granted.handle()).state() == SessionState::revoked);
            CHECK(!elsewhere->rotate(refresh_of(granted)));
            // Refused once is refused for good.
            world.settle();
            CHECK(!elsewhere->authenticate(granted.handle()));
            CHECK(!elsewhere->authenticate(access_of(granted)));
            CHECK(static_cast<bool>(elsewhere->authenticate(of_another.handle())) == (way.name != "revoke_before, of all"));
        }
    });
}

TEST_CASE("a rotation in one process ends the old access token in another, and the old refresh token there is a theft") {
    in_each_world(store_kinds_over_redis(), {}, [](StoreWorld& world, const StoreKind& kind) {
        const auto elsewhere = world.open({});
        const auto first = world.store->login({.user_id = world.add_user("ann")}).or_throw();
        REQUIRE(keeps(*elsewhere, kind, first));
        const auto second = world.store->rotate(refresh_of(first)).or_throw();
        CHECK(elsewhere->authenticate(access_of(second)));
        CHECK(refused_within(second.pending(), [&] { return elsewhere->authenticate(access_of(first)); }).state() == SessionState::unknown);
        REQUIRE(keeps(*world.store, kind, second));
        REQUIRE(keeps(*elsewhere, kind, second));

        const auto theft = elsewhere->rotate(refresh_of(first));
        CHECK(theft.state() == SessionState::reused);
        CHECK(theft.ended() == 1);
        CHECK(theft.pending() <= kind.bound);
        CHECK(elsewhere->authenticate(access_of(second)).why() == EndReason::token_reused);
        CHECK(refused_within(theft.pending(), [&] { return world.store->authenticate(access_of(second)); }).why() == EndReason::token_reused);
        CHECK(world.store->rotate(refresh_of(second)).state() == SessionState::revoked);
    });
}

TEST_CASE("the grace is one for all processes") {
    StoreSettings settings;
    settings.rules.rotation_grace = 30s;
    settings.rules.grace_uses = 2;
    in_each_world(store_kinds_over_redis(), settings, [&](StoreWorld& world, const StoreKind&) {
        const auto elsewhere = world.open(settings);
        const auto first = world.store->login({.user_id = world.add_user("ann")}).or_throw();
        const auto second = world.store->rotate(refresh_of(first)).or_throw();
        for (Store* store : {elsewhere.get(), world.store.get()}) {
            const auto again = store->rotate(refresh_of(first));
            CHECK(again.repeated());
            CHECK(refresh_of(again) == refresh_of(second));
            CHECK(access_of(again) == access_of(second));
        }
        CHECK(elsewhere->rotate(refresh_of(first)).state() == SessionState::reused);
        world.settle();
        CHECK(!world.store->authenticate(access_of(second)));
    });
}

TEST_CASE("a session that was elevated in one process is ended in another by the token of the one before") {
    in_each_world(store_kinds_over_redis(), {}, [](StoreWorld& world, const StoreKind& kind) {
        const auto elsewhere = world.open({});
        const auto first = world.store->login({.user_id = world.add_user("ann"), .data = "cart"}).or_throw();
        REQUIRE(keeps(*elsewhere, kind, first));
        const auto second = world.store->elevate(first.handle()).or_throw();
        CHECK(refused_within(second.pending(), [&] { return elsewhere->authenticate(access_of(first)); }).why() == EndReason::replaced);
        REQUIRE(keeps(*elsewhere, kind, second));
        const auto theft = elsewhere->rotate(refresh_of(first));
        CHECK(theft.state() == SessionState::reused);
        CHECK(theft.ended() == 1);
        refused_within(theft.pending(), [&] { return world.store->authenticate(second.handle()); });
    });
}

TEST_CASE("a Redis that forgets everything brings no session back, and ends none") {
    in_each_world(store_kinds_over_redis(), {}, [](StoreWorld& world, const StoreKind& kind) {
        const auto elsewhere = world.open({});
        const auto ann = world.add_user("ann");
        const auto ended = world.store->login({.user_id = ann}).or_throw();
        const auto active = world.store->login({.user_id = ann}).or_throw();
        const auto renewed = world.store->login({.user_id = ann}).or_throw();
        for (const auto* granted : {&ended, &active, &renewed}) REQUIRE(keeps(*elsewhere, kind, *granted));
        const auto revoked = world.store->revoke(ended.handle());
        const auto after = world.store->rotate(refresh_of(renewed)).or_throw();
        world.redis()->command("flushall");
        const Duration bound = std::max(revoked.pending(), after.pending());
        refused_within(bound, [&] { return elsewhere->authenticate(ended.handle()); });
        refused_within(bound, [&] { return elsewhere->authenticate(access_of(renewed)); });
        for (Store* store : {elsewhere.get(), world.store.get()}) {
            CHECK(store->authenticate(access_of(active)));
            CHECK(store->authenticate(access_of(after)));
            CHECK(!store->authenticate(ended.handle()));
            CHECK(!store->authenticate(access_of(renewed)));
        }
        // Another copy of what was forgotten is kept, and dropped, as ever.
        REQUIRE(keeps(*elsewhere, kind, active));
        const auto last = world.store->revoke(active.handle());
        CHECK(last.count() == 1);
        refused_within(last.pending(), [&] { return elsewhere->authenticate(active.handle()); });
        CHECK(elsewhere->rotate(refresh_of(renewed)).state() == SessionState::reused);
    });
}

TEST_CASE("sessions go on while Redis is away, and what has ended meanwhile does not come back with it") {
    StoreSettings settings;
    settings.redis_timeout = 250ms; // a Redis that is there answers in time also on a busy machine
    in_each_world(store_kinds_over_redis(), settings, [&](StoreWorld& world, const StoreKind& kind) {
        const auto elsewhere = world.open(settings);
        const auto ann = world.add_user("ann");
        const auto ended = world.store->login({.user_id = ann}).or_throw();
        const auto rotated = world.store->login({.user_id = ann}).or_throw();
        const auto elevated = world.store->login({.user_id = ann}).or_throw();
        for (const auto* granted : {&ended, &rotated, &elevated}) REQUIRE(keeps(*elsewhere, kind, *granted));
        world.redis()->stop();
        const auto revoked = world.store->revoke(ended.handle());
        CHECK(revoked.count() == 1);
        // What could be told to nobody may be served for as long as a copy lives; where no copy answers, not at all.
        CHECK(revoked.pending() == (kind.current_reads ? Duration::zero() : Duration(1h)));
        refused_within(revoked.pending(), [&] { return elsewhere->authenticate(ended.handle()); });
        refused_within(revoked.pending(), [&] { return elsewhere->authenticate(access_of(ended)); });
        const auto renewed = world.store->rotate(refresh_of(rotated)).or_throw();
        const auto proved = world.store->elevate(elevated.handle()).or_throw();
        const auto begun = world.store->login({.user_id = ann}).or_throw();
        const auto check = [&] {
            for (Store* store : {elsewhere.get(), world.store.get()}) {
                for (const auto* good : {&renewed, &proved, &begun}) {
                    CHECK(store->authenticate(access_of(*good)));
                    CHECK(store->authenticate(good->handle()));
                }
                for (const auto* bad : {&ended, &rotated, &elevated}) CHECK(!store->authenticate(access_of(*bad)));
                for (const auto* bad : {&ended, &elevated}) CHECK(!store->authenticate(bad->handle()));
                CHECK(store->list(ann).size() == 3);
            }
        };
        world.settle();
        check();
        world.redis()->start();
        check();
        for (const auto* granted : {&renewed, &proved, &begun}) REQUIRE(keeps(*elsewhere, kind, *granted));
        check();
        CHECK(elsewhere->rotate(refresh_of(rotated)).state() == SessionState::reused);
        CHECK(elsewhere->rotate(refresh_of(elevated)).state() == SessionState::reused);
        world.settle();
        CHECK(world.store->list(ann).size() == 1);
        CHECK(!world.store->authenticate(proved.handle()));
    });
}

TEST_CASE("no secret is in Redis, and nothing that tells of a user's devices") {
    const auto world = write_through_in_front_of_redis.make({});
    const auto first = world->store->login({.user_id = world->add_user("ann"), .ip_address = "2001:db8::5e1f", .user_agent = "a device of hers", .data = "what she bought"}).or_throw();
    REQUIRE(world->store->authenticate(access_of(first)));
    const auto second = world->store->rotate(refresh_of(first)).or_throw();
    REQUIRE(world->store->authenticate(access_of(second)));
    auto& redis = *world->redis();
    redis.command("config set rdbcompression no");
    redis.command("save");
    std::ifstream file(redis.folder() + "/dump.rdb", std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(file), {});
    CHECK(bytes.find("ann@example.org") != std::string::npos); // so sessions are there, and read as they are
    std::vector<std::string> secrets{world->store->row(first.handle())->jti, "2001:db8::5e1f", "a device of hers", "what she bought"};
    for (const auto* granted : {&first, &second}) {
        secrets.push_back(access_of(*granted).substr(2));
        secrets.push_back(refresh_of(*granted).substr(2 * (1 + 16), 2 * 32));
    }
    for (const auto& secret : secrets) CHECK(bytes.find(secret) == std::string::npos);
}
