// SPDX-License-Identifier: BSL-1.0
#include "../database/worlds.hpp"
#include "store_kind.hpp"
#include "together.hpp"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

using namespace session_tests;
using larder::Granted;
using larder::SessionState;

namespace {

constexpr StoreKind kinds[] = {store_kind<larder::WriteThrough, InMemory>("WriteThrough in memory"), store_kind<larder::WriteThrough, InSqlite>("WriteThrough in SQLite")};

template <class Test>
void in_each(StoreSettings settings, Test test) {
    for (const auto& kind : kinds) {
        const std::string name = kind.name;
        CAPTURE(name);
        const larder_tests::TempFolder folder;
        settings.file = folder.file("sessions.sqlite");
        const auto world = kind.make(settings);
        test(*world);
    }
}

} // namespace

TEST_CASE("of a hundred concurrent exchanges of one refresh token exactly one wins, and the theft is seen") {
    in_each({}, [](StoreWorld& world) {
        const auto login = world.store->login({.user_id = world.add_user("ann")});
        std::array<Granted, 100> answers;
        together(answers.size(), [&](std::size_t number) { answers[number] = world.store->rotate(login.secrets().refresh.reveal()); });
        std::size_t won = 0, reused = 0, ended = 0;
        for (const auto& answer : answers) {
            won += answer ? 1 : 0;
            reused += answer.state() == SessionState::reused ? 1 : 0;
            ended += answer.ended();
            CHECK_MESSAGE(!answer.failed(), answer.error().text);
        }
        CHECK(won == 1);
        CHECK(reused == 99);
        CHECK(ended == 1);
        for (const auto& answer : answers)
            if (answer) CHECK(world.store->authenticate(answer.secrets().access.reveal()).why() == larder::EndReason::token_reused);
    });
}

TEST_CASE("within the grace all that may have an answer have the same") {
    StoreSettings settings;
    settings.rules.rotation_grace = 1min;
    settings.rules.grace_uses = 49;
    in_each(settings, [](StoreWorld& world) {
        const auto login = world.store->login({.user_id = world.add_user("ann")});
        std::array<Granted, 50> answers;
        together(answers.size(), [&](std::size_t number) {
            // Each use of the grace is a write of its own; somebody is always faster, but not for ever.
            do answers[number] = world.store->rotate(login.secrets().refresh.reveal());
            while (answers[number].error() == larder::errc::version_conflict);
        });
        std::size_t first = 0;
        std::set<std::string> secrets;
        for (const auto& answer : answers) {
            REQUIRE_MESSAGE(answer, answer.error().text << name_of(answer.state()));
            first += answer.repeated() ? 0 : 1;
            secrets.emplace(answer.secrets().refresh.reveal());
        }
        CHECK(first == 1);
        CHECK(secrets.size() == 1);
        CHECK(world.store->rotate(login.secrets().refresh.reveal()).state() == SessionState::reused);
    });
}

TEST_CASE("logins that come together do not exceed the bound") {
    for (const auto at_limit : {larder::AtSessionLimit::refuse, larder::AtSessionLimit::end_oldest}) {
        StoreSettings settings;
        settings.rules.sessions_per_user = 3;
        settings.rules.at_limit = at_limit;
        in_each(settings, [&](StoreWorld& world) {
            const auto elsewhere = world.open(settings);
            const auto ann = world.add_user("ann");
            std::array<Granted, 20> answers;
            together(answers.size(), [&](std::size_t number) { answers[number] = (number % 2 == 0 ? world.store : elsewhere)->login({.user_id = ann}); });
            std::size_t begun = 0;
            for (const auto& answer : answers) {
                CHECK_MESSAGE(!answer.failed(), answer.error().text);
                begun += answer ? 1 : 0;
            }
            CHECK(begun == (at_limit == larder::AtSessionLimit::refuse ? 3 : answers.size()));
            CHECK(world.store->list(ann).size() == 3);
        });
    }
}

TEST_CASE("a session that is elevated while all are ended does not survive") {
    in_each({}, [](StoreWorld& world) {
        const auto ann = world.add_user("ann");
        for (int round = 0; round < 30; ++round) {
            std::vector<larder::Uuid> handles;
            for (int i = 0; i < 3; ++i) handles.push_back(world.store->login({.user_id = ann}).or_throw().handle());
            std::array<Granted, 3> elevated;
            larder::SessionsEnded ended;
            together(4, [&](std::size_t number) {
                if (number == 3)
                    ended = round % 2 == 0 ? world.store->revoke_all(ann) : world.store->revoke_others(ann, {});
                else
                    elevated[number] = world.store->elevate(handles[number]);
            });
            REQUIRE_MESSAGE(ended, ended.error().text);
            for (const auto& answer : elevated) CHECK_MESSAGE(!answer.failed(), answer.error().text);
            CHECK(world.store->list(ann).empty());
            for (const auto& answer : elevated)
                if (answer) CHECK(!world.store->authenticate(answer.secrets().access.reveal()));
        }
    });
}

TEST_CASE("each end is told of once, however many end the session at a time in two processes") {
    std::mutex mutex;
    std::map<larder::Uuid, int> told;
    StoreSettings settings;
    settings.rules.on_ended = [&](const larder::SessionEnded& ended) {
        const std::lock_guard lock(mutex);
        ++told[ended.handle];
    };
    in_each(settings, [&](StoreWorld& world) {
        const auto elsewhere = world.open(settings);
        const auto ann = world.add_user("ann");
        for (int round = 0; round < 10; ++round) {
            told.clear();
            std::vector<larder::Uuid> handles;
            std::vector<std::string> tokens;
            for (int i = 0; i < 4; ++i) {
                const auto granted = world.store->login({.user_id = ann}).or_throw();
                tokens.emplace_back(granted.secrets().refresh.reveal());
                handles.push_back(world.store->rotate(tokens.back()).or_throw().handle());
            }
            const bool expired = round % 2 == 0;
            if (expired) world.environment.advance(31min);
            std::atomic<std::size_t> ended{0};
            together(8, [&](std::size_t number) {
                Store& store = number % 2 == 0 ? *world.store : *elsewhere;
                const auto count = [&](const auto& answer, std::size_t sessions) {
                    CHECK_MESSAGE(!answer.failed(), answer.error().text);
                    ended += sessions;
                };
                switch (number / 2) {
                    case 0: {
                        const auto reaped = store.expire();
                        count(reaped, reaped.expired);
                        break;
                    }
                    case 1: {
                        const auto all = store.revoke_all(ann);
                        count(all, all.count());
                        break;
                    }
                    case 2:
                        for (const auto& handle : handles) {
                            const auto one = store.revoke(handle);
                            count(one, one.count());
                        }
                        break;
                    default:
                        for (const auto& token : tokens) {
                            const auto theft = store.rotate(token);
                            count(theft, theft.ended());
                        }
                }
            });
            CHECK(ended == handles.size());
            REQUIRE(told.size() == handles.size());
            for (const auto& [handle, times] : told) CHECK(times == 1);
            CHECK(world.store->list(ann).empty());
        }
    });
}
