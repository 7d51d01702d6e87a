// SPDX-License-Identifier: BSL-1.0
#include "store_world.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace session_tests;
using larder::EndReason;
using larder::Granted;
using larder::QueryKind;
using larder::SessionLimit;
using larder::SessionState;

namespace {

std::string_view refresh_of(const Granted& granted) { return granted.secrets().refresh.reveal(); }
std::string_view access_of(const Granted& granted) { return granted.secrets().access.reveal(); }

/// How often the end of each session was told of, by all stores together.
struct Told {
    std::map<larder::Uuid, std::vector<std::optional<EndReason>>> ends;

    /// Has stores with these settings tell of it.
    StoreSettings listening(StoreSettings settings = {}) {
        settings.rules.on_ended = [this](const larder::SessionEnded& ended) { ends[ended.handle].push_back(ended.why); };
        return settings;
    }
    void check(const larder::Uuid& handle, EndReason why) {
        REQUIRE(ends[handle].size() == 1);
        CHECK(ends[handle][0] == why);
    }
};

} // namespace

TEST_CASE("what overtakes a rotation decides") {
    struct Overtaking {
        std::string name;
        std::function<void(StoreWorld&, Store& elsewhere, const Granted&, std::int64_t user)> happens;
        SessionState state;
        EndReason why;
    };
    const std::vector<Overtaking> all{
        {"revoke", [](StoreWorld&, Store& elsewhere, const Granted& session, std::int64_t) { CHECK(elsewhere.revoke(session.handle(), EndReason::administrator).count() == 1); },
         SessionState::revoked, EndReason::administrator},
        {"revoke_all", [](StoreWorld&, Store& elsewhere, const Granted&, std::int64_t user) { CHECK(elsewhere.revoke_all(user).count() == 1); }, SessionState::revoked,
         EndReason::logged_out_everywhere},
        {"revoke_others", [](StoreWorld&, Store& elsewhere, const Granted&, std::int64_t user) { CHECK(elsewhere.revoke_others(user, {}).count() == 1); }, SessionState::revoked,
         EndReason::logged_out_everywhere},
        {"revoke_family", [](StoreWorld&, Store& elsewhere, const Granted& session, std::int64_t) { CHECK(elsewhere.revoke_family(session.handle()).count() == 1); },
         SessionState::revoked, EndReason::administrator},
        {"revoke_before", [](StoreWorld& world, Store& elsewhere, const Granted&, std::int64_t) { CHECK(elsewhere.revoke_before(world.now() + 1s).count() == 1); },
         SessionState::revoked, EndReason::administrator},
        {"the same token", [](StoreWorld&, Store& elsewhere, const Granted& session, std::int64_t) { CHECK(elsewhere.rotate(refresh_of(session))); }, SessionState::reused,
         EndReason::token_reused},
        {"elevate", [](StoreWorld&, Store& elsewhere, const Granted& session, std::int64_t) { CHECK(elsewhere.elevate(session.handle())); }, SessionState::reused,
         EndReason::token_reused},
    };
    for (const auto& overtaking : all) {
        CAPTURE(overtaking.name);
        Told told;
        const StoreSettings settings = told.listening();
        in_each_world(settings, [&](StoreWorld& world, const StoreKind&) {
            told.ends.clear();
            const auto elsewhere = world.open(settings);
            const auto ann = world.add_user("ann");
            const auto session = world.store->login({.user_id = ann}).or_throw();
            REQUIRE(world.store->authenticate(access_of(session)));
            world.random.interrupt([&] { overtaking.happens(world, *elsewhere, session, ann); });
            const auto rotated = world.store->rotate(refresh_of(session));
            CHECK(!world.random.will_interrupt());
            CHECK(rotated.state() == overtaking.state);
            CHECK(rotated.why() == overtaking.why);
            CHECK(rotated.secrets().refresh.empty());
            CHECK(rotated.secrets().access.empty());
            CHECK(world.store->list(ann).empty());
            CHECK(!world.store->authenticate(session.handle()));
            CHECK(!world.store->authenticate(access_of(session)));
            for (const auto& [handle, ends] : told.ends) CHECK(ends.size() == 1);
        });
    }
}

TEST_CASE("a session that is removed in the midst of a rotation is unknown") {
    StoreSettings settings;
    settings.rules.keep_ended = 0s;
    in_each_world(settings, [&](StoreWorld& world, const StoreKind&) {
        const auto elsewhere = world.open(settings);
        const auto session = world.store->login({.user_id = world.add_user("ann")}).or_throw();
        world.random.interrupt([&] {
            CHECK(elsewhere->revoke(session.handle()).count() == 1);
            CHECK(elsewhere->expire().erased == 1);
        });
        CHECK(world.store->rotate(refresh_of(session)).state() == SessionState::unknown);
        CHECK(!world.random.will_interrupt());
        CHECK(world.store->rotate(refresh_of(session)).state() == SessionState::unknown);
    });
}

TEST_CASE("a use that is noted in the midst of a rotation is in nobody's way") {
    in_each_world({}, [](StoreWorld& world, const StoreKind&) {
        const auto elsewhere = world.open({});
        const auto session = world.store->login({.user_id = world.add_user("ann")}).or_throw();
        world.environment.advance(2min);
        world.random.interrupt([&] { CHECK(elsewhere->authenticate(session.handle())); });
        CHECK(world.store->rotate(refresh_of(session)));
        CHECK(!world.random.will_interrupt());
    });
}

TEST_CASE("a rotation that comes in the midst of the end of its session gets nothing that lasts") {
    Interruption interruption;
    in_each_world(store_kinds_in_memory(), interruption.settings(), [&](StoreWorld& world, const StoreKind& kind) {
        Told told;
        const auto listening = told.listening(interruption.settings());
        const auto store = world.open(listening);
        const auto elsewhere = world.open(listening);
        const auto ann = world.add_user("ann");
        const auto session = world.store->login({.user_id = ann}).or_throw();
        Granted rotated;
        interruption.action = [&] { rotated = elsewhere->rotate(refresh_of(session)); };
        EndReason why = EndReason::logged_out_everywhere;
        SUBCASE("one") {
            why = EndReason::logged_out;
            CHECK(store->revoke(session.handle()).count() == 1);
        }
        SUBCASE("all") {
            interruption.kind = QueryKind::commit;
            CHECK(store->revoke_all(ann).count() == 1);
        }
        SUBCASE("all, after they are listed") {
            interruption.kind = QueryKind::revoke_group;
            CHECK(store->revoke_all(ann).count() == 1);
        }
        SUBCASE("all others") {
            interruption.kind = QueryKind::commit;
            CHECK(store->revoke_others(ann, {}).count() == 1);
        }
        SUBCASE("all of a user before a moment") { CHECK(store->revoke_before(ann, world.now() + 1s).count() == 1); }
        SUBCASE("all before a moment") {
            why = EndReason::administrator;
            CHECK(store->revoke_before(world.now() + 1s).count() == 1);
        }
        SUBCASE("a family") {
            why = EndReason::administrator;
            interruption.kind = QueryKind::commit;
            CHECK(store->revoke_family(session.handle()).count() == 1);
        }
        SUBCASE("an elevation") {
            why = EndReason::replaced;
            const auto elevated = store->elevate(session.handle());
            CHECK(elevated);
            CHECK(store->authenticate(access_of(elevated)));
        }
        CHECK(!interruption.action);
        CHECK(rotated);
        told.check(session.handle(), why);
        const auto check_ended = [&](Store& asked) {
            const auto who = asked.authenticate(session.handle());
            CHECK(who.state() == SessionState::revoked);
            CHECK(who.why() == why);
            CHECK(!asked.authenticate(access_of(rotated)));
        };
        check_ended(*store);
        // Caches that share no tier know nothing of each other.
        if (kind.shared || kind.current_reads) {
            world.settle();
            check_ended(*elsewhere);
        }
        const auto next = elsewhere->rotate(refresh_of(rotated));
        CHECK(next.state() == (why == EndReason::replaced ? SessionState::reused : SessionState::revoked));
        CHECK(store->list(ann).empty());
    });
}

TEST_CASE("of two that use the grace for the last time one does") {
    Interruption interruption;
    auto settings = interruption.settings();
    settings.rules.rotation_grace = 1min;
    settings.rules.grace_uses = 1;
    in_each_world(store_kinds_in_memory(), settings, [&](StoreWorld& world, const StoreKind&) {
        const auto elsewhere = world.open(settings);
        const auto first = world.store->login({.user_id = world.add_user("ann")}).or_throw();
        REQUIRE(world.store->rotate(refresh_of(first)));
        interruption.action = [&] { CHECK(elsewhere->rotate(refresh_of(first)).repeated()); };
        CHECK(world.store->rotate(refresh_of(first)).state() == SessionState::reused);
        CHECK(!interruption.action);
        CHECK(!world.store->authenticate(first.handle()));
    });
}

TEST_CASE("the grace is over for a token whose successor is exchanged first") {
    Interruption interruption;
    auto settings = interruption.settings();
    settings.rules.rotation_grace = 1min;
    in_each_world(store_kinds_in_memory(), settings, [&](StoreWorld& world, const StoreKind&) {
        const auto elsewhere = world.open(settings);
        const auto first = world.store->login({.user_id = world.add_user("ann")}).or_throw();
        const auto second = world.store->rotate(refresh_of(first)).or_throw();
        interruption.action = [&] { CHECK(elsewhere->rotate(refresh_of(second))); };
        CHECK(world.store->rotate(refresh_of(first)).state() == SessionState::reused);
        CHECK(!interruption.action);
        CHECK(!world.store->authenticate(first.handle()));
    });
}

TEST_CASE("no grace outlives its session") {
    StoreSettings settings;
    settings.rules.rotation_grace = 5min;
    in_each_world(settings, [&](StoreWorld& world, const StoreKind&) {
        const auto ann = world.add_user("ann");
        const auto elevated = world.store->login({.user_id = ann}).or_throw();
        REQUIRE(world.store->rotate(refresh_of(elevated)));
        const auto proved = world.store->elevate(elevated.handle()).or_throw();
        CHECK(world.store->rotate(refresh_of(elevated)).state() == SessionState::reused);
        CHECK(!world.store->authenticate(proved.handle()));

        const auto expired = world.store->login({.user_id = ann}).or_throw();
        world.environment.advance(29min);
        REQUIRE(world.store->rotate(refresh_of(expired)));
        world.environment.advance(30min);
        CHECK(world.store->rotate(refresh_of(expired)).limit() == SessionLimit::idle);
    });
}

TEST_CASE("a session that is used in the midst of the reaper's work goes on") {
    struct Use {
        std::string name;
        std::function<bool(Store&, const Granted&)> happens;
    };
    const std::vector<Use> uses{
        {"a rotation", [](Store& elsewhere, const Granted& session) { return static_cast<bool>(elsewhere.rotate(refresh_of(session))); }},
        {"a use that is noted", [](Store& elsewhere, const Granted& session) { return static_cast<bool>(elsewhere.authenticate(session.handle())); }},
    };
    for (const auto& use : uses) {
        CAPTURE(use.name);
        for (const auto kind : {QueryKind::update, QueryKind::commit}) {
            Interruption interruption;
            interruption.kind = kind;
            in_each_world(store_kinds_in_memory(), interruption.settings(), [&](StoreWorld& world, const StoreKind&) {
                // Whose clock is a little behind the reaper's, so that the session has not expired there.
                StoreSettings patient;
                patient.rules.idle_timeout = 2h;
                const auto elsewhere = world.open(patient);
                const auto session = world.store->login({.user_id = world.add_user("ann")}).or_throw();
                world.environment.advance(31min);
                interruption.action = [&] { CHECK(use.happens(*elsewhere, session)); };
                CHECK(world.store->expire().expired == 0);
                CHECK(!interruption.action);
                CHECK(!world.store->row(session.handle())->revoked_at);
                CHECK(world.store->authenticate(session.handle()));
            });
        }
    }
}

TEST_CASE("a session that its user ends in the midst of the reaper's work is told of once") {
    Interruption interruption;
    Told told;
    in_each_world(store_kinds_in_memory(), told.listening(interruption.settings()), [&](StoreWorld& world, const StoreKind&) {
        told.ends.clear();
        const auto elsewhere = world.open(told.listening());
        const auto ann = world.add_user("ann");
        const auto session = world.store->login({.user_id = ann}).or_throw();
        world.environment.advance(31min);
        EndReason why = EndReason::logged_out;
        SUBCASE("by it alone") {
            interruption.action = [&] { CHECK(elsewhere->revoke(session.handle()).count() == 1); };
        }
        SUBCASE("with all others") {
            why = EndReason::logged_out_everywhere;
            interruption.action = [&] { CHECK(elsewhere->revoke_all(ann).count() == 1); };
        }
        SUBCASE("by another reaper") {
            why = EndReason::idle_timeout;
            interruption.action = [&] { CHECK(elsewhere->expire().expired == 1); };
        }
        CHECK(world.store->expire().expired == 0);
        CHECK(!interruption.action);
        told.check(session.handle(), why);
    });
}

TEST_CASE("what has lasted as long as it may and is ended with others is told of once") {
    Told told;
    in_each_world(told.listening(), [&](StoreWorld& world, const StoreKind&) {
        told.ends.clear();
        const auto ann = world.add_user("ann");
        const auto expired = world.store->login({.user_id = ann}).or_throw();
        world.environment.advance(12h);
        const auto active = world.store->login({.user_id = ann}).or_throw();
        std::size_t ended = 0;
        SUBCASE("all") { ended = world.store->revoke_all(ann).count(); }
        SUBCASE("all others") { ended = world.store->revoke_others(ann, {}).count(); }
        SUBCASE("all before a moment") { ended = world.store->revoke_before(world.now() + 1s).count(); }
        SUBCASE("the oldest") {
            auto settings = told.listening();
            settings.rules.sessions_per_user = 1;
            settings.rules.at_limit = larder::AtSessionLimit::end_oldest;
            ended = world.open(settings)->login({.user_id = ann}).ended();
        }
        ended += world.store->expire().expired;
        CHECK(ended == 2);
        for (const auto* session : {&expired, &active}) CHECK(told.ends[session->handle()].size() == 1);
    });
}
