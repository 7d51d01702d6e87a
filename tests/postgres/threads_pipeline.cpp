// SPDX-License-Identifier: BSL-1.0
#include "server.hpp"

#include <larder/testing/database_sample.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <barrier>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

using namespace larder_tests;
using larder::testing::Coupon;
using larder::testing::Holder;
using larder::testing::Setting;

TEST_CASE("many callers share a few connections, and one whose statement fails disturbs no other") {
    PostgresPlace place(4);
    const auto pool = place.pool({.readers = 2, .writers = 3});
    REQUIRE(succeeds(create_tables<Holder, Coupon>(pool)));
    constexpr int callers = 24, rounds = 50;
    std::barrier start(callers);
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int caller = 0; caller < callers; ++caller)
        threads.emplace_back([&, caller] {
            WaitingPostgres<Holder> holders{PostgresDatabase<Holder>(pool)};
            WaitingPostgres<Coupon> coupons{PostgresDatabase<Coupon>(pool)};
            WaitingPostgres<Setting> missing{PostgresDatabase<Setting>(pool)};
            start.arrive_and_wait();
            const auto stored = holders.insert({.id = 0, .name = "holder " + std::to_string(caller), .motto = {}, .version = 0});
            auto coupon = coupons.insert({"coupon " + std::to_string(caller), 0, 0});
            if (!stored || !coupon) {
                ++wrong;
                return;
            }
            for (int round = 1; round <= rounds; ++round) {
                const auto loaded = holders.load(stored->id, ReadMode::plain);
                if (!loaded || *loaded != *stored) ++wrong;
                const auto refused = missing.load("x", ReadMode::plain);
                if (refused || !(refused.error() == errc::schema_mismatch)) ++wrong;
                coupon->percent = round;
                const auto version = coupons.update(*coupon, coupon->version, {});
                if (!version || *version != coupon->version + 1) {
                    ++wrong;
                    return;
                }
                coupon->version = *version;
                const auto read = coupons.load(coupon->name, round % 8 == 0 ? ReadMode::settled : ReadMode::plain);
                if (!read || *read != *coupon) ++wrong;
            }
        });
    for (auto& thread : threads) thread.join();
    CHECK(wrong == 0);
    CHECK(std::stoi(place.run("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")) <= 5);
}

TEST_CASE("requests that are started together are under way together") {
    PostgresPlace place(1);
    const auto pool = place.pool({.readers = 1});
    REQUIRE(succeeds(create_tables<Holder>(pool)));
    WaitingPostgres<Holder> holders{PostgresDatabase<Holder>(pool)};
    std::vector<Holder> rows;
    for (int i = 0; i < 10; ++i) {
        const auto stored = holders.insert({.id = 0, .name = std::string(100'000, static_cast<char>('a' + i)), .motto = {}, .version = 0});
        REQUIRE(succeeds(stored));
        rows.push_back(*stored);
    }
    // More than the sockets' buffers hold, both ways.
    std::vector<std::future<Outcome<std::vector<std::optional<Holder>>>>> answers;
    std::vector<std::int64_t> keys;
    for (int i = 0; i < 20'000; ++i) keys.push_back(i % 10 == 0 ? rows[static_cast<std::size_t>(i) / 10 % 10].id : -i);
    keys.resize(30'000, -1);
    for (int i = 0; i < 4; ++i)
        answers.push_back(pending<std::vector<std::optional<Holder>>>([&](auto done) { holders.asynchronous().async_load_many(keys, ReadMode::plain, std::move(done)); }));
    for (auto& answer : answers) {
        const auto found = answer.get();
        REQUIRE(succeeds(found));
        bool sound = found->size() == keys.size();
        for (std::size_t i = 0; sound && i < 20'000; ++i) sound = i % 10 == 0 ? (*found)[i] == rows[i / 10 % 10] : !(*found)[i];
        CHECK(sound);
    }
}
