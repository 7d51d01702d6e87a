// SPDX-License-Identifier: BSL-1.0
#include "store_world.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace session_tests;
using larder::Effect;
using larder::EndReason;
using larder::errc;
using larder::QueryKind;
using larder::SessionState;

TEST_CASE("an elevation puts another session in the place of the old one") {
    in_each_world({}, [](StoreWorld& world, const StoreKind& kind) {
        const auto ann = world.add_user("ann");
        const auto before = world.store->login({.user_id = ann, .ip_address = "192.0.2.1", .user_agent = "browser", .data = "cart"});
        CHECK(world.store->authenticate(before.secrets().access.reveal()));
        world.environment.advance(10min);
        const auto after = world.store->elevate(before.handle());
        REQUIRE(after);
        CHECK(after.pending() == kind.bound);
        CHECK(after.ended() == 1);
        CHECK(after.handle() != before.handle());
        CHECK(after.expires_at() == before.expires_at());
        CHECK(after.access_expires_at() == world.now() + 15min);
        const auto row = world.store->row(after.handle());
        REQUIRE(row);
        CHECK(row->data == "cart");
        CHECK(row->ip_address == "192.0.2.1");
        CHECK(row->user_agent == "browser");
        CHECK(row->created_at == world.now() - 10min);
        CHECK(row->last_seen_at == world.now());
        CHECK(row->family == before.handle());
        CHECK(world.store->authenticate(after.secrets().access.reveal()));
        for (const auto& who : {world.store->authenticate(before.handle()), world.store->authenticate(before.secrets().access.reveal())}) {
            CHECK(who.state() == SessionState::revoked);
            CHECK(who.why() == EndReason::replaced);
        }
        const auto again = world.store->elevate(before.handle());
        CHECK(again.why() == EndReason::replaced);
        CHECK(again.handle() == before.handle());
        CHECK(again.user_id() == ann);
        CHECK(after.user_id() == ann);
        const auto nobody = world.store->elevate(larder::Uuid{});
        CHECK(nobody.state() == SessionState::unknown);
        CHECK(nobody.user_id() == 0);
        CHECK(nobody.refusal() == larder::session_errc::unknown);
        CHECK(world.store->row(world.store->elevate(after.handle(), "more").or_throw().handle())->data == "more");
        CHECK(world.store->list(ann).size() == 1);
    });
}

TEST_CASE("a list names sessions and shows no secrets") {
    in_each_world({}, [](StoreWorld& world, const StoreKind&) {
        const auto ann = world.add_user("ann");
        const auto login = world.store->login({.user_id = ann, .ip_address = "192.0.2.1", .user_agent = "browser"});
        REQUIRE(world.store->login({.user_id = world.add_user("bob")}));
        REQUIRE(world.store->revoke(world.store->login({.user_id = ann}).handle()));
        const auto all = world.store->list(ann);
        REQUIRE(all.size() == 1);
        CHECK(all[0].handle == login.handle());
        CHECK(all[0].user_id == ann);
        CHECK(all[0].ip_address == "192.0.2.1");
        CHECK(all[0].user_agent == "browser");
        CHECK(all[0].created_at == world.now());
        CHECK(all[0].last_seen_at == world.now());
        CHECK(all[0].expires_at == login.expires_at());
        CHECK(world.store->list(ann + 100).empty());
        // The last used comes first, whenever it was begun.
        world.environment.advance(2min);
        const auto second = world.store->login({.user_id = ann});
        world.environment.advance(2min);
        const auto third = world.store->login({.user_id = ann});
        world.environment.advance(2min);
        CHECK(world.store->authenticate(second.handle()));
        const auto sorted = world.store->list(ann);
        REQUIRE(sorted.size() == 3);
        CHECK(sorted[0].handle == second.handle());
        CHECK(sorted[1].handle == third.handle());
        CHECK(sorted[2].handle == login.handle());
    });
}

TEST_CASE("each way of ending ends what it names and nothing else") {
    in_each_world({}, [](StoreWorld& world, const StoreKind& kind) {
        const auto ann = world.add_user("ann");
        const auto bob = world.add_user("bob");
        auto& store = *world.store;
        const auto of_bob = store.login({.user_id = bob});
        const auto first = store.login({.user_id = ann});
        world.environment.advance(1s);
        const auto second = store.login({.user_id = ann});
        const auto third = store.login({.user_id = ann});
        const auto is_active = [&](const larder::Granted& granted) {
            const bool by_handle(store.authenticate(granted.handle()));
            CHECK(by_handle == static_cast<bool>(store.authenticate(granted.secrets().access.reveal())));
            return by_handle;
        };
        CHECK((is_active(first) && is_active(second) && is_active(third)));

        const auto check = [&](const larder::SessionsEnded& ended, std::size_t count) {
            REQUIRE(ended);
            CHECK(ended.count() == count);
            CHECK(ended.pending() <= kind.bound);
            if (count > 0) CHECK(ended.pending() == kind.bound);
        };
        SUBCASE("one") {
            check(store.revoke(second.handle()), 1);
            CHECK((is_active(first) && !is_active(second) && is_active(third)));
            check(store.revoke(second.handle(), EndReason::administrator), 0);
            CHECK(store.authenticate(second.handle()).why() == EndReason::logged_out);
            check(store.revoke(larder::Uuid{}), 0);
        }
        SUBCASE("one, if it is the user's") {
            check(store.revoke(bob, second.handle()), 0);
            CHECK((is_active(first) && is_active(second) && is_active(third)));
            check(store.revoke(ann, larder::Uuid{}), 0);
            check(store.revoke(ann, second.handle(), EndReason::password_changed), 1);
            CHECK((is_active(first) && !is_active(second) && is_active(third)));
            CHECK(store.authenticate(second.handle()).why() == EndReason::password_changed);
            check(store.revoke(ann, second.handle()), 0);
        }
        SUBCASE("all others") {
            check(store.revoke_others(ann, second.handle()), 2);
            CHECK((!is_active(first) && is_active(second) && !is_active(third)));
            CHECK(store.authenticate(first.handle()).why() == EndReason::logged_out_everywhere);
            check(store.revoke_others(ann, second.handle()), 0);
        }
        SUBCASE("all") {
            check(store.revoke_all(ann, EndReason::administrator), 3);
            CHECK((!is_active(first) && !is_active(second) && !is_active(third)));
            CHECK(store.authenticate(third.handle()).why() == EndReason::administrator);
            check(store.revoke_all(ann), 0);
            CHECK(store.authenticate(third.handle()).why() == EndReason::administrator);
            CHECK(is_active(store.login({.user_id = ann})));
        }
        SUBCASE("all before a moment") {
            check(store.revoke_before(ann, world.now()), 1);
            CHECK((!is_active(first) && is_active(second) && is_active(third)));
            const auto elevated = store.elevate(second.handle());
            world.environment.advance(1s);
            check(store.revoke_before(ann, world.now()), 2);
            CHECK((!is_active(elevated) && !is_active(third)));
        }
        SUBCASE("a family") {
            const auto elevated = store.elevate(second.handle());
            REQUIRE(elevated);
            check(store.revoke_family(second.handle()), 1);
            CHECK((is_active(first) && !is_active(elevated) && is_active(third)));
            CHECK(store.authenticate(elevated.handle()).why() == EndReason::administrator);
            CHECK(store.authenticate(second.handle()).why() == EndReason::replaced);
            check(store.revoke_family(larder::Uuid{}), 0);
        }
        CHECK(is_active(of_bob));
    });
}

TEST_CASE("an end says for how long it is pending, or is effective where that is demanded") {
    StoreSettings settings;
    settings.sole_writer = false;
    in_each_world(settings, [](StoreWorld& world, const StoreKind& kind) {
        const auto ann = world.add_user("ann");
        const auto first = world.store->login({.user_id = ann});
        REQUIRE(world.store->login({.user_id = ann}));
        if (kind.current_reads || kind.shared) {
            CHECK(world.store->revoke(first.handle()).pending() == kind.bound);
            CHECK(world.store->revoke_all(ann, EndReason::administrator, Effect::required).effective());
            CHECK(world.store->list(ann).empty());
            return;
        }
        // A cache in this process alone cannot know of others.
        for (const auto& refused : {world.store->revoke(first.handle(), EndReason::logged_out, Effect::required), world.store->revoke_all(ann, EndReason::logged_out, Effect::required),
                                    world.store->revoke_others(ann, {}, EndReason::logged_out, Effect::required),
                                    world.store->revoke_before(ann, world.now() + 1s, EndReason::logged_out, Effect::required),
                                    world.store->revoke_family(first.handle(), EndReason::logged_out, Effect::required)})
            CHECK(refused.error() == errc::invalid_options);
        CHECK(world.store->list(ann).size() == 2);
        const auto one = world.store->revoke(first.handle());
        CHECK(one.count() == 1);
        CHECK(!one.effective());
        CHECK(one.pending() == 1h);
        CHECK(world.store->revoke_all(ann).pending() == 1h);
    });
    in_each_world({}, [](StoreWorld& world, const StoreKind&) {
        const auto ann = world.add_user("ann");
        const auto first = world.store->login({.user_id = ann});
        REQUIRE(world.store->login({.user_id = ann}));
        CHECK(world.store->revoke(first.handle(), EndReason::logged_out, Effect::required).effective());
        CHECK(world.store->revoke_all(ann, EndReason::logged_out, Effect::required).effective());
    });
}

TEST_CASE("no late write brings a session back") {
    Interruption interruption;
    in_each_world(store_kinds_in_memory(), interruption.settings(), [&](StoreWorld& world, const StoreKind&) {
        auto& store = *world.store;
        const auto elsewhere = world.open({});
        const auto ann = world.add_user("ann");
        const auto granted = store.login({.user_id = ann});
        SUBCASE("an elevation, when the session is ended before it is replaced") {
            interruption.action = [&] { CHECK(elsewhere->revoke_all(ann).count() == 1); };
            CHECK(store.elevate(granted.handle()).state() == SessionState::revoked);
        }
        SUBCASE("an elevation, when all are ended before it is committed") {
            interruption.kind = QueryKind::commit;
            interruption.action = [&] { CHECK(elsewhere->revoke_all(ann).count() == 1); };
            CHECK(store.elevate(granted.handle()).state() == SessionState::revoked);
        }
        SUBCASE("the end of all, when an elevation comes before its commit") {
            interruption.kind = QueryKind::commit;
            larder::Granted elevated;
            interruption.action = [&] { elevated = elsewhere->elevate(granted.handle()); };
            CHECK(store.revoke_all(ann).count() == 1);
            CHECK(elevated);
            CHECK(!store.authenticate(elevated.handle()));
        }
        SUBCASE("the end of all others, when one of them is elevated before its commit") {
            interruption.kind = QueryKind::commit;
            larder::Granted elevated;
            interruption.action = [&] { elevated = elsewhere->elevate(granted.handle()); };
            CHECK(store.revoke_others(ann, {}).count() == 1);
            CHECK(elevated);
            CHECK(!store.authenticate(elevated.handle()));
        }
        SUBCASE("a use that is noted") {
            world.environment.advance(2min);
            interruption.kind = QueryKind::touch;
            interruption.action = [&] { CHECK(elsewhere->revoke(granted.handle()).count() == 1); };
            store.authenticate(granted.handle());
        }
        CHECK(!interruption.action);
        CHECK(store.list(ann).empty());
        // Whose caches know of it: there is no tier that both share.
        CHECK(!elsewhere->authenticate(granted.handle()));
        CHECK(!elsewhere->authenticate(granted.secrets().access.reveal()));
        CHECK(store.row(granted.handle()).absence() == larder::Absence::revoked);
    });
}

TEST_CASE("each end is told of once, whatever the caches hold") {
    std::vector<larder::SessionEnded> told;
    StoreSettings settings;
    settings.rules.on_ended = [&](const larder::SessionEnded& ended) {
        told.push_back(ended);
        throw std::runtime_error("the listener is broken");
    };
    settings.rules.sessions_per_user = 3;
    settings.rules.at_limit = larder::AtSessionLimit::end_oldest;
    in_each_world(settings, [&](StoreWorld& world, const StoreKind&) {
        told.clear();
        const auto check = [&](const larder::Uuid& handle, EndReason why) {
            REQUIRE(told.size() == 1);
            CHECK(told[0].handle == handle);
            CHECK(told[0].why == why);
            CHECK(told[0].at == world.now());
            told.clear();
        };
        auto& store = *world.store;
        const auto ann = world.add_user("ann");
        const auto one = store.login({.user_id = ann});
        world.environment.advance(1s);
        const auto two = store.login({.user_id = ann});
        const auto three = store.login({.user_id = ann});
        CHECK(told.empty());
        CHECK(store.login({.user_id = ann}));
        check(one.handle(), EndReason::too_many);
        store.expel(two.handle());
        CHECK(store.revoke(two.handle()));
        check(two.handle(), EndReason::logged_out);
        CHECK(store.revoke(two.handle()));
        CHECK(told.empty());
        const auto elevated = store.elevate(three.handle());
        check(three.handle(), EndReason::replaced);
        CHECK(store.rotate(three.secrets().refresh.reveal()).state() == SessionState::reused);
        check(elevated.handle(), EndReason::token_reused);
        CHECK(store.revoke_others(ann, {}).count() == 1);
        CHECK(told.size() == 1);
    });
}

TEST_CASE("a session whose time is up, but which nobody has ended, is ended with the others, and told of") {
    std::vector<larder::SessionEnded> told;
    StoreSettings settings;
    settings.rules.on_ended = [&](const larder::SessionEnded& ended) { told.push_back(ended); };
    settings.rules.absolute_timeout = 1h;
    settings.rules.idle_timeout = 0s;
    in_each_world(settings, [&](StoreWorld& world, const StoreKind&) {
        auto& store = *world.store;
        const auto ann = world.add_user("ann");
        const auto by = [&](auto end) {
            const auto old = store.login({.user_id = ann});
            world.environment.advance(2h);
            told.clear();
            const larder::SessionsEnded ended = end(old.handle());
            CHECK(ended.count() == 1);
            REQUIRE(told.size() == 1);
            CHECK(told[0].handle == old.handle());
            CHECK(told[0].why == store.authenticate(old.handle()).why());
            CHECK(store.expire().expired == 0);
        };
        by([&](const larder::Uuid&) { return store.revoke_all(ann); });
        by([&](const larder::Uuid&) { return store.revoke_others(ann, {}); });
        by([&](const larder::Uuid&) { return store.revoke_before(ann, world.now()); });
        by([&](const larder::Uuid& handle) { return store.revoke_family(handle); });
        by([&](const larder::Uuid& handle) { return store.revoke(handle); });
    });
}

TEST_CASE("an audit trail is told of what happens, in salted hashes") {
    const larder::HashKey salt("the salt of the trail");
    std::vector<larder::SessionAudit> trail;
    StoreSettings settings;
    settings.rules.on_audit = [&](const larder::SessionAudit& line) { trail.push_back(line); };
    settings.rules.audit_salt = salt;
    settings.rules.rotation_grace = 1min;
    settings.rules.sessions_per_user = 2;
    const auto world = write_through_in_memory.make(settings);
    auto& store = *world->store;
    const auto ann = world->add_user("ann");
    const auto hashed = [&](const larder::Uuid& handle) { return salt(std::string_view(reinterpret_cast<const char*>(handle.begin()), handle.size())); };
    using larder::AuditKind;
    const auto check = [&](std::vector<AuditKind> kinds, const larder::Uuid& session) {
        REQUIRE(trail.size() == kinds.size());
        for (std::size_t i = 0; i < kinds.size(); ++i) {
            CAPTURE(name_of(kinds[i]));
            CHECK(trail[i].kind == kinds[i]);
            CHECK(trail[i].at == world->now());
        }
        CHECK(trail[0].session == hashed(session));
        CHECK(trail[0].user == salt(std::to_string(ann)));
        CHECK(trail[0].address == salt("192.0.2.1"));
        CHECK(trail[0].why.has_value() == (kinds[0] == AuditKind::ended));
        trail.clear();
    };
    const auto first = store.login({.user_id = ann, .ip_address = "192.0.2.1"});
    check({AuditKind::begun}, first.handle());
    REQUIRE(store.rotate(first.secrets().refresh.reveal()));
    check({AuditKind::rotated}, first.handle());
    REQUIRE(store.rotate(first.secrets().refresh.reveal()).repeated());
    check({AuditKind::repeated}, first.handle());
    const auto second = store.elevate(first.handle());
    CHECK(trail.at(1).family == hashed(first.handle()));
    CHECK(trail.at(1).session == hashed(second.handle()));
    check({AuditKind::ended, AuditKind::elevated}, first.handle());
    CHECK(store.rotate(first.secrets().refresh.reveal()).state() == SessionState::reused);
    check({AuditKind::reused, AuditKind::ended}, first.handle());
    CHECK(store.rotate("nonsense").state() == SessionState::unknown);
    REQUIRE(trail.size() == 1);
    CHECK(trail[0].kind == AuditKind::unknown_token);
    CHECK(trail[0].session == larder::Hashed<std::string>());
    trail.clear();
    const auto third = store.login({.user_id = ann, .ip_address = "192.0.2.1"});
    REQUIRE(store.login({.user_id = ann, .ip_address = "192.0.2.1"}));
    trail.clear();
    CHECK(store.login({.user_id = ann, .ip_address = "192.0.2.1"}).state() == SessionState::refused);
    REQUIRE(trail.size() == 1);
    CHECK(trail[0].kind == AuditKind::refused);
    trail.clear();
    REQUIRE(store.revoke(third.handle()));
    check({AuditKind::ended}, third.handle());
}
