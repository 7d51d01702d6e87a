// SPDX-License-Identifier: BSL-1.0
#include "worlds.hpp"

#include <larder/database/sqlite.hpp>
#include <larder/testing/detail/database_concurrency.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

using namespace larder_tests;
using larder::testing::Coupon;
using larder::testing::Holder;
using larder::testing::Pass;
using larder::testing::detail::on_threads;

TEST_CASE("many threads read and write one file, with fewer connections than threads") {
    constexpr int threads = 8;
    constexpr int rounds = 60;
    const TempFolder folder;
    SqliteFile file(folder.file("test.db"), {.busy_timeout = std::chrono::seconds(60), .readers = 2});
    REQUIRE(succeeds(create_tables<Pass>(file)));
    SqliteDatabase<Holder> holders(file);
    SqliteDatabase<Pass> passes(file);
    const auto owner = holders.insert({.id = 0, .name = "0", .motto = {}, .version = 0});
    REQUIRE(succeeds(owner));

    std::atomic<int> failures{0};
    const auto good = [&](const auto& outcome) {
        if (!outcome) ++failures;
        return outcome.has_value();
    };
    on_threads(threads, [&](int number) {
        std::int64_t last_name = 0;
        for (int round = 0; round < rounds; ++round) {
            Pass row;
            row.holder_id = owner->id;
            row.code = std::to_string(number) + "-" + std::to_string(round);
            const auto stored = passes.insert(row);
            if (!good(stored)) return;
            const auto found = passes.load_by<space_of_v<Pass, &Pass::code>>(row.code, ReadMode::plain);
            if (!good(found) || !*found || (*found)->id != stored->id) ++failures;
            if (round % 4 == number % 4) {
                for (;;) {
                    auto row_of_owner = holders.load(owner->id, ReadMode::plain);
                    if (!good(row_of_owner)) return;
                    (*row_of_owner)->name = std::to_string((*row_of_owner)->version);
                    const auto version = holders.update(**row_of_owner, (*row_of_owner)->version, {});
                    if (version) break;
                    if (!(version.error() == errc::version_conflict)) ++failures;
                }
            }
            const auto joined = passes.load(stored->id, ReadMode::plain);
            if (!good(joined)) return;
            const auto name = std::stoll((*joined)->holder.name);
            if (name < last_name || static_cast<std::uint64_t>(name) + 1 != (*joined)->holder.version) ++failures;
            last_name = name;
        }
    });
    CHECK(failures == 0);
    const auto listed = passes.list<space_of_v<Pass, &Pass::holder_id>>(owner->id);
    REQUIRE(succeeds(listed));
    CHECK(listed->size() == threads * rounds);
    CHECK((*holders.load(owner->id, ReadMode::plain))->version == 1 + threads * rounds / 4);
}

TEST_CASE("of 100 concurrent conditional updates exactly one wins for each version, over two handles too") {
    constexpr int writers = 100;
    const TempFolder folder;
    SqliteFile first(folder.file("test.db"), {.busy_timeout = std::chrono::seconds(60)});
    SqliteFile second(folder.file("test.db"), {.busy_timeout = std::chrono::seconds(60)});
    REQUIRE(succeeds(create_tables<Coupon>(first)));
    SqliteDatabase<Coupon> databases[]{SqliteDatabase<Coupon>(first), SqliteDatabase<Coupon>(second)};
    REQUIRE(succeeds(databases[0].insert({"c", 0, 0})));
    for (Version version = 1; version <= 3; ++version) {
        std::atomic<int> won{0}, lost{0};
        on_threads(writers, [&](int number) {
            const auto moved = databases[number % 2].update({"c", number, version}, version, {});
            if (moved) ++won;
            if (!moved && moved.error() == errc::version_conflict) ++lost;
        });
        CHECK(won == 1);
        CHECK(lost == writers - 1);
    }
    CHECK((*databases[1].load("c", ReadMode::plain))->version == 4);
}

TEST_CASE("connections are opened by many threads at once, and closed with the last handle") {
    const TempFolder folder;
    SqliteDatabase<Coupon> coupons = [&] {
        SqliteFile file(folder.file("test.db"), {.sole_writer = true, .readers = 8});
        REQUIRE(succeeds(create_tables<Coupon>(file)));
        return SqliteDatabase<Coupon>(file);
    }();
    REQUIRE(succeeds(coupons.insert({"c", 5, 0})));
    std::atomic<int> found{0};
    on_threads(16, [&, coupons](int) mutable {
        auto mine = coupons;
        for (int i = 0; i < 50; ++i) {
            const auto row = mine.load("c", ReadMode::plain);
            if (row && *row && (*row)->percent == 5) ++found;
        }
    });
    CHECK(found == 16 * 50);
}
