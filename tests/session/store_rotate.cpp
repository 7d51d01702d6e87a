// SPDX-License-Identifier: BSL-1.0
#include "store_world.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace session_tests;
using larder::EndReason;
using larder::errc;
using larder::Granted;
using larder::QueryKind;
using larder::SessionState;

namespace {

std::string_view refresh_of(const Granted& granted) { return granted.secrets().refresh.reveal(); }
std::string_view access_of(const Granted& granted) { return granted.secrets().access.reveal(); }

StoreSettings with_grace(larder::Duration grace, std::uint32_t uses = 2) {
    StoreSettings settings;
    settings.rules.rotation_grace = grace;
    settings.rules.grace_uses = uses;
    return settings;
}

void check_reused(const Granted& answer, std::size_t ended, const Granted& of) {
    CHECK(answer.handle() == of.handle());
    CHECK(answer.user_id() == of.user_id());
    CHECK_THROWS_AS(answer.or_throw(), larder::Failure);
    CHECK(answer.refusal() == larder::session_errc::reused);
    CHECK(!answer);
    CHECK(!answer.failed());
    CHECK(answer.state() == SessionState::reused);
    CHECK(answer.why() == EndReason::token_reused);
    CHECK(answer.ended() == ended);
    CHECK(answer.secrets().refresh.empty());
    CHECK(answer.secrets().access.empty());
}

} // namespace

TEST_CASE("a rotation renews both secrets and ends the old ones") {
    in_each_world({}, [](StoreWorld& world, const StoreKind& kind) {
        const auto first = world.store->login({.user_id = world.add_user("ann"), .data = "cart"});
        CHECK(world.store->authenticate(access_of(first)));
        world.environment.advance(10min);
        const auto counted = world.count([&] {
            const auto second = world.store->rotate(refresh_of(first));
            REQUIRE(second);
            CHECK(!second.repeated());
            CHECK(second.pending() == kind.bound);
            CHECK(second.handle() == first.handle());
            CHECK(second.user_id() == first.user_id());
            CHECK(first.user_id() == world.store->authenticate(first.handle()).user_id());
            CHECK(second.access_expires_at() == world.now() + 15min);
            CHECK(second.expires_at() == first.expires_at());
            CHECK(refresh_of(second) != refresh_of(first));
            CHECK(access_of(second) != access_of(first));
            CHECK(world.store->authenticate(access_of(first)).state() == SessionState::unknown);
            CHECK(world.store->authenticate(access_of(second)));
            const auto row = world.store->row(first.handle());
            CHECK(row->data == "cart");
            CHECK(row->last_seen_at == world.now());
            CHECK(row->rotated_at == world.now());
            CHECK(!row->rotation_salt);
        });
        CHECK(counted.queries[QueryKind::update].count == 1);
    });
}

TEST_CASE("a refresh token that was replaced ends the family, however old it is") {
    for (const std::size_t which : {0U, 1U, 2U})
        in_each_world({}, [&](StoreWorld& world, const StoreKind&) {
            const auto ann = world.add_user("ann");
            const auto other = world.store->login({.user_id = ann});
            std::vector<Granted> chain{world.store->login({.user_id = ann})};
            for (int i = 0; i < 3; ++i) chain.push_back(world.store->rotate(refresh_of(chain.back())).or_throw());
            check_reused(world.store->rotate(refresh_of(chain[which])), 1, chain[which]);
            const auto who = world.store->authenticate(access_of(chain.back()));
            CHECK(who.state() == SessionState::revoked);
            CHECK(who.why() == EndReason::token_reused);
            const auto last = world.store->rotate(refresh_of(chain.back()));
            CHECK(last.state() == SessionState::revoked);
            CHECK(last.why() == EndReason::token_reused);
            CHECK(last.handle() == chain.back().handle());
            CHECK(last.user_id() == ann);
            CHECK(last.refusal() == larder::session_errc::revoked);
            check_reused(world.store->rotate(refresh_of(chain[which])), 0, chain[which]);
            CHECK(world.store->authenticate(other.handle()));
        });
}

TEST_CASE("the token of a session that was elevated ends what it was elevated to") {
    in_each_world({}, [](StoreWorld& world, const StoreKind&) {
        const auto first = world.store->login({.user_id = world.add_user("ann")});
        const auto second = world.store->rotate(refresh_of(first));
        const auto third = world.store->elevate(second.handle());
        REQUIRE(third);
        const auto fourth = world.store->rotate(refresh_of(third));
        REQUIRE(fourth);
        SUBCASE("the last") { check_reused(world.store->rotate(refresh_of(second)), 1, second); }
        SUBCASE("the one before") { check_reused(world.store->rotate(refresh_of(first)), 1, first); }
        CHECK(world.store->authenticate(fourth.handle()).why() == EndReason::token_reused);
    });
}

TEST_CASE("a token that was not made here ends nothing") {
    in_each_world({}, [](StoreWorld& world, const StoreKind&) {
        const auto granted = world.store->login({.user_id = world.add_user("ann")});
        // Somebody who knows the handle, which is public, and makes up the rest.
        for (const std::size_t at : {std::size_t{40}, std::size_t{97}, std::size_t{98}, std::size_t{129}}) {
            std::string forged(refresh_of(granted));
            forged[at] = forged[at] == '0' ? '1' : '0';
            const auto counted = world.count([&] { CHECK(world.store->rotate(forged).state() == SessionState::unknown); });
            CHECK(counted.database_queries() == 0);
        }
        for (const auto& text : {std::string(), std::string("x"), std::string(access_of(granted)), std::string(refresh_of(granted)) + "00"})
            CHECK(world.store->rotate(text).state() == SessionState::unknown);
        CHECK(world.store->authenticate(granted.handle()));
        CHECK(world.store->rotate(refresh_of(granted)));
    });
}

TEST_CASE("a reuse in the copy of another process is judged by what the database has") {
    in_each_world({}, [](StoreWorld& world, const StoreKind&) {
        const auto elsewhere = world.open({});
        const auto first = world.store->login({.user_id = world.add_user("ann")});
        CHECK(elsewhere->authenticate(first.handle()));
        const auto second = world.store->rotate(refresh_of(first));
        const auto third = elsewhere->rotate(refresh_of(second));
        CHECK(third);
        check_reused(world.store->rotate(refresh_of(first)), 1, first);
    });
}

TEST_CASE("without a grace a token that is presented twice is reused at once") {
    const auto world = write_through_in_sqlite.make({});
    const auto first = world->store->login({.user_id = world->add_user("ann")});
    REQUIRE(world->store->rotate(refresh_of(first)));
    check_reused(world->store->rotate(refresh_of(first)), 1, first);
}

TEST_CASE("within the grace the last token gets the same answer again, so often") {
    in_each_world(with_grace(30s), [](StoreWorld& world, const StoreKind&) {
        const auto first = world.store->login({.user_id = world.add_user("ann")});
        const auto second = world.store->rotate(refresh_of(first));
        REQUIRE(second);
        world.environment.advance(10s);
        for (int i = 0; i < 2; ++i) {
            const auto again = world.store->rotate(refresh_of(first));
            REQUIRE(again);
            CHECK(again.repeated());
            CHECK(refresh_of(again) == refresh_of(second));
            CHECK(access_of(again) == access_of(second));
            CHECK(again.access_expires_at() == second.access_expires_at());
            CHECK(world.store->authenticate(access_of(again)));
        }
        SUBCASE("and no oftener") {
            check_reused(world.store->rotate(refresh_of(first)), 1, first);
            CHECK(!world.store->authenticate(access_of(second)));
        }
        SUBCASE("and what it got goes on") {
            const auto third = world.store->rotate(refresh_of(second));
            REQUIRE(third);
            CHECK(!third.repeated());
            SUBCASE("with a grace of its own") { CHECK(world.store->rotate(refresh_of(second)).repeated()); }
            SUBCASE("but the token before it has none any more") { check_reused(world.store->rotate(refresh_of(first)), 1, first); }
        }
    });
}

TEST_CASE("what follows a token has random bytes of its own") {
    const auto world = write_through_in_memory.make(with_grace(30s));
    const auto first = world->store->login({.user_id = world->add_user("ann")});
    const auto second = world->store->rotate(refresh_of(first));
    const auto salt = world->store->row(first.handle())->rotation_salt;
    REQUIRE(world->store->rotate(refresh_of(second)));
    const auto next = world->store->row(first.handle())->rotation_salt;
    REQUIRE(salt);
    REQUIRE(next);
    CHECK(salt->size() == 1 + 32);
    CHECK(*salt != *next);
}

TEST_CASE("the grace ends in time") {
    in_each_world(with_grace(30s), [](StoreWorld& world, const StoreKind&) {
        const auto first = world.store->login({.user_id = world.add_user("ann")});
        const auto second = world.store->rotate(refresh_of(first));
        world.environment.advance(30s - 1ms);
        CHECK(world.store->rotate(refresh_of(first)).repeated());
        world.environment.advance(1ms);
        check_reused(world.store->rotate(refresh_of(first)), 1, first);
        CHECK(world.store->authenticate(second.handle()).why() == EndReason::token_reused);
    });
}

TEST_CASE("a grace that is taken away by the rules is gone") {
    const auto world = write_through_in_memory.make(with_grace(5min));
    const auto first = world->store->login({.user_id = world->add_user("ann")});
    REQUIRE(world->store->rotate(refresh_of(first)));
    const auto strict = world->open({});
    check_reused(strict->rotate(refresh_of(first)), 1, first);
}

TEST_CASE("the token of a session that was ended gets no new one") {
    in_each_world(with_grace(30s), [](StoreWorld& world, const StoreKind&) {
        const auto ann = world.add_user("ann");
        const auto first = world.store->login({.user_id = ann});
        const auto second = world.store->rotate(refresh_of(first));
        const auto other = world.store->login({.user_id = ann});
        REQUIRE(world.store->revoke(first.handle(), EndReason::administrator));
        const auto refused = world.store->rotate(refresh_of(second));
        CHECK(refused.state() == SessionState::revoked);
        CHECK(refused.why() == EndReason::administrator);
        CHECK(!world.store->rotate(refresh_of(first)));
        CHECK(world.store->row(first.handle()).row()->revoked_why == EndReason::administrator);
        CHECK(world.store->authenticate(other.handle()));
    });
}

TEST_CASE("a session that is ended in the midst of a rotation stays ended") {
    std::function<void()> interruption;
    StoreSettings settings;
    settings.hook = [&](const larder::MemoryOperation& operation) {
        if (operation.kind == QueryKind::update && !operation.done)
            if (const auto act = std::exchange(interruption, {})) act();
        return larder::Error();
    };
    in_each_world(store_kinds_in_memory(), settings, [&](StoreWorld& world, const StoreKind&) {
        const auto elsewhere = world.open({});
        const auto granted = world.store->login({.user_id = world.add_user("ann")});
        interruption = [&] { CHECK(elsewhere->revoke(granted.handle(), EndReason::administrator).count() == 1); };
        const auto rotated = world.store->rotate(refresh_of(granted));
        CHECK(!interruption);
        CHECK(rotated.state() == SessionState::revoked);
        CHECK(rotated.why() == EndReason::administrator);
        CHECK(world.store->authenticate(granted.handle()).state() == SessionState::revoked);
    });
}

TEST_CASE("the key of the hashes changes with an overlap") {
    in_each_world(with_grace(5min), [](StoreWorld& world, const StoreKind&) {
        auto both = with_grace(5min), only_new = with_grace(5min);
        both.keys = {session_key(2), session_key(1)};
        only_new.keys = {session_key(2)};
        const auto overlap = world.open(both);
        const auto after = world.open(only_new);
        const auto ann = world.add_user("ann");
        const auto kept = world.store->login({.user_id = ann});
        const auto left = world.store->login({.user_id = ann});
        const auto old = world.store->rotate(refresh_of(kept));

        CHECK(overlap->authenticate(access_of(old)));
        // The grace of what was exchanged under the old key.
        const auto repeated = overlap->rotate(refresh_of(kept));
        CHECK(repeated.repeated());
        CHECK(refresh_of(repeated) == refresh_of(old));
        const auto renewed = overlap->rotate(refresh_of(old));
        REQUIRE(renewed);
        CHECK(world.store->authenticate(access_of(renewed)).state() == SessionState::unknown);
        CHECK(world.store->rotate(refresh_of(renewed)).state() == SessionState::unknown);

        CHECK(after->authenticate(access_of(renewed)));
        CHECK(after->rotate(refresh_of(renewed)));
        CHECK(after->authenticate(access_of(left)).state() == SessionState::unknown);
        CHECK(after->rotate(refresh_of(left)).state() == SessionState::unknown);
        // A token of a key that is gone is no theft.
        CHECK(after->rotate(refresh_of(old)).state() == SessionState::unknown);
        CHECK(after->authenticate(kept.handle()));
        // While the old key is there, it is.
        check_reused(overlap->rotate(refresh_of(kept)), 1, kept);
    });
}
