// SPDX-License-Identifier: BSL-1.0
#include "../repository/shared_cache.hpp"
#include "server.hpp"
#include "wire.hpp"

#include <larder/database/postgres_outbox.hpp>
#include <larder/larder.hpp>
#include <larder/repository/unit_of_work.hpp>

#include <boost/asio/use_future.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <future>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

using namespace larder_tests;
using larder::testing::Holder;
using larder::testing::Pass;
using std::chrono::milliseconds;

namespace {

using Passes = CachedRepository<Pass, Stack<MemoryCache, PostgresDatabase>, WriteThrough>;
using Holders = CachedRepository<Holder, Stack<MemoryCache, PostgresDatabase>, WriteThrough>;

/// Passes and their holders, behind a wire that a test can cut.
struct Both {
    explicit Both(PostgresOptions options = {}) : pool(place.pool(through(std::move(options)))) {
        REQUIRE(succeeds(create_tables<Pass>(place.pool())));
        holder = holders.insert({.id = 0, .name = "0", .motto = {}, .version = 0}).or_throw().key();
        id = passes.insert(row("first")).or_throw().key();
    }
    Pass row(const std::string& code) const {
        Pass made;
        made.holder_id = holder;
        made.code = code;
        made.note = "0";
        made.expires_at = TimePoint(std::chrono::hours(1'000'000));
        return made;
    }
    auto all() { return std::tie(passes, holders); }
    std::string note() const { return place.run("SELECT note FROM passes WHERE code = 'first'"); }
    std::string open_transactions() const { return place.run("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND query NOT LIKE '%pg_stat_activity%'"); }

    PostgresOptions through(PostgresOptions options) const {
        options.conninfo = place.conninfo();
        options.host = "127.0.0.1";
        options.port = wire.port();
        return options;
    }

    PostgresPlace place;
    Wire wire{PostgresServer::instance().socket()};
    PostgresPool pool;
    Passes passes{{{}, pool}, {.sole_writer = true}};
    Holders holders{{{}, pool}, {.sole_writer = true}};
    std::int64_t holder = 0, id = 0;
};

} // namespace

TEST_CASE("a unit over PostgreSQL, in both forms") {
    Both world;
    auto& passes = world.passes;
    REQUIRE(succeeds(create_outboxes<Pass>(world.place.pool())));
    const auto entries = [&] { return world.place.run("SELECT string_agg(larder_version::text, ' ' ORDER BY larder_id) FROM larder_outbox_passes"); };
    CHECK(passes.find(world.id));
    const auto done = in_one_transaction(world.all(), [&](Unit<Passes, Holders>& unit) {
        CHECK(unit.update(passes, world.id, [](Pass& pass) { pass.note = "1"; }).version() == 2);
        CHECK(unit.find(passes, world.id)->note == "1");
        CHECK(world.note() == "0");
        unit.update(world.holders, world.holder, [](Holder& holder) { holder.name = "1"; });
        const auto key = unit.insert(passes, world.row("second")).key();
        CHECK(unit.find_by<&Pass::code>(passes, "second")->holder.name == "1");
        CHECK(unit.find_all_by<&Pass::holder_id>(passes, world.holder).size() == 2);
        return key;
    });
    REQUIRE(done);
    CHECK(done.effective());
    CHECK(passes.find(world.id)->note == "1");
    CHECK(world.holders.find(world.holder)->name == "1");
    CHECK(passes.find(done.value())->code == "second");
    CHECK(entries() == "2 1");

    const auto undone = in_one_transaction(world.all(), [&](auto& unit) {
        unit.update(passes, world.id, [](Pass& pass) { pass.note = "half"; });
        unit.erase(passes, done.value());
        CHECK(unit.insert(passes, world.row("first")).error() == errc::duplicate_key);
    });
    CHECK(undone.error() == errc::duplicate_key);
    CHECK(undone.error().text.find("passes.code") != std::string::npos);
    CHECK(passes.find(world.id)->note == "1");
    CHECK(passes.find(done.value()));
    CHECK(entries() == "2 1");

    auto work = [&](auto& unit) -> UnitTask<> {
        auto revoked = co_await unit.template revoke_all_by<&Pass::holder_id>(passes, world.holder);
        revoked.or_throw();
        Pass row = world.row("third");
        auto stored = co_await unit.insert(passes, std::move(row));
        stored.or_throw();
    };
    CHECK(async_in_one_transaction(world.all(), work, boost::asio::use_future).get().effective());
    CHECK(passes.find(world.id).absence() == Absence::revoked);
    CHECK(passes.find_by<&Pass::code>("third"));
    CHECK(entries() == "2 1 3 2 1");
    CHECK(world.open_transactions() == "0");
}

TEST_CASE("a unit in a deadlock is told so, and succeeds when it is run again") {
    Both world;
    const auto other = world.passes.insert(world.row("second")).or_throw().key();
    const auto count_up = [](Pass& pass) { pass.note = std::to_string(std::stoi(pass.note) + 1); };
    int refused = 0;
    for (const unsigned attempts : {1U, 20U}) {
        std::vector<std::thread> threads;
        std::atomic<int> conflicts{0}, met{0};
        for (const bool forwards : {true, false})
            threads.emplace_back([&, forwards] {
                const auto done = in_one_transaction(
                    std::tie(world.passes),
                    [&](auto& unit) {
                        unit.update(world.passes, forwards ? world.id : other, count_up);
                        // Each has its first row before either goes for its second.
                        for (++met; met < 2;) std::this_thread::yield();
                        unit.update(world.passes, forwards ? other : world.id, count_up);
                    },
                    {.attempts = attempts});
                if (!done) {
                    CHECK(done.error() == errc::transaction_conflict);
                    ++conflicts;
                }
            });
        for (auto& thread : threads) thread.join();
        CHECK(conflicts == (attempts == 1 ? 1 : 0));
        refused += conflicts;
    }
    for (const auto id : {world.id, other}) {
        CHECK(world.passes.find(id, truth)->note == std::to_string(4 - refused));
        CHECK(world.passes.find(id)->note == std::to_string(4 - refused));
    }
}

TEST_CASE("a cap on the rows of a group holds among serializable units") {
    Both world;
    constexpr std::size_t most = 3;
    std::vector<std::thread> threads;
    for (int i = 0; i < 6; ++i)
        threads.emplace_back([&, i] {
            const auto done = in_one_transaction(
                world.all(),
                [&](Unit<Passes, Holders>& unit) {
                    if (unit.find_all_by<&Pass::holder_id>(world.passes, world.holder).size() < most) unit.insert(world.passes, world.row("login " + std::to_string(i)));
                },
                {.isolation = Isolation::serializable, .attempts = 50});
            CHECK(done);
        });
    for (auto& thread : threads) thread.join();
    CHECK(world.place.run("SELECT count(*) FROM passes") == "3");
}

TEST_CASE("a connection that is lost in the midst of a unit: nothing was written, and it is known") {
    Both world;
    CHECK(world.passes.find(world.id));
    int runs = 0;
    const auto done = in_one_transaction(
        world.all(),
        [&](auto& unit) {
            ++runs;
            unit.update(world.passes, world.id, [](Pass& pass) { pass.note = "half"; });
            world.wire.cut();
            CHECK(unit.update(world.holders, world.holder, [](Holder& holder) { holder.name = "half"; }).error() == errc::database_unavailable);
        },
        {.attempts = 5});
    CHECK(done.error() == errc::database_unavailable);
    CHECK(runs == 1);
    CHECK(world.note() == "0");
    CHECK(world.passes.find(world.id)->note == "0");
    CHECK(in_one_transaction(world.all(), [&](auto& unit) { unit.update(world.passes, world.id, [](Pass& pass) { pass.note = "whole"; }); }));
    CHECK(world.passes.find(world.id)->note == "whole");
}

TEST_CASE("a commit whose answer is lost is unknown, and what it may have changed is read from the database") {
    Both world({.answer_timeout = milliseconds(1000)});
    CHECK(world.passes.find(world.id));
    auto done = std::async(std::launch::async, [&] {
        return in_one_transaction(world.all(), [&](auto& unit) {
            unit.update(world.passes, world.id, [](Pass& pass) { pass.note = "unknown"; });
            world.wire.hold(true);
        });
    });
    until(world.place, "SELECT note FROM passes", "unknown");
    CHECK(done.get().error() == errc::outcome_unknown);
    world.wire.hold(false);
    world.wire.cut();
    CHECK(world.passes.find(world.id)->note == "unknown");
    CHECK(world.open_transactions() == "0");
}

TEST_CASE("a unit that pauses for too long is rolled back by the server, one too many waits for a connection") {
    Both world({.units = 1, .unit_pause = milliseconds(50)});
    const auto paused = in_one_transaction(world.all(), [&](auto& unit) {
        unit.update(world.passes, world.id, [](Pass& pass) { pass.note = "half"; });
        until(world.place, "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'", "0");
    });
    CHECK(paused.error() == errc::database_unavailable);
    CHECK_MESSAGE(paused.error().text.find("unit_pause") != std::string::npos, paused.error().text);
    CHECK_MESSAGE(paused.error().text.find("PostgreSQL: PostgreSQL") == std::string::npos, paused.error().text);
    CHECK(world.note() == "0");

    Both narrow({.units = 1});
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([&] {
            for (int round = 0; round < 5; ++round)
                CHECK(in_one_transaction(narrow.all(), [&](auto& unit) { unit.update(narrow.passes, narrow.id, [](Pass& pass) { pass.note = std::to_string(std::stoi(pass.note) + 1); }); }));
        });
    for (auto& thread : threads) thread.join();
    CHECK(narrow.note() == "40");
    CHECK(narrow.wire.connections() <= 1 + 4 + 2);
    CHECK(narrow.open_transactions() == "0");

    PostgresPlace place;
    check_fails(PostgresPool::open(place.executor(), {.units = 0}), errc::invalid_options, "units");
    check_fails(PostgresPool::open(place.executor(), {.unit_pause = milliseconds(0)}), errc::invalid_options, "unit_pause");
}

TEST_CASE("a unit that outlives its fences is refused by the server's own clock") {
    using Shared = CachedRepository<Pass, Stack<repository_tests::SharedCache, PostgresDatabase>, WriteThrough>;
    Both world;
    Shared passes({{}, world.pool}, {.fence_for = milliseconds(300)});
    const auto write = [&](const std::string& code, const std::string& pause) {
        return in_one_transaction(std::tie(passes), [&](auto& unit) {
            unit.insert(passes, world.row(code));
            world.place.run("SELECT pg_sleep(" + pause + ")");
        });
    };
    CHECK(write("late", "0.4").error() == errc::deadline_passed);
    CHECK(passes.find_by<&Pass::code>("late").absence() == Absence::never_was);
    CHECK(world.open_transactions() == "0");
    CHECK(write("in time", "0"));
    CHECK(passes.find_by<&Pass::code>("in time"));
}

TEST_CASE("a pool that is closed in the midst of a unit ends it") {
    Both world;
    CHECK(in_one_transaction(world.all(), [&](auto& unit) {
        unit.update(world.passes, world.id, [](Pass& pass) { pass.note = "half"; });
        world.pool.close();
    }).failed());
    CHECK(world.note() == "0");
    CHECK(in_one_transaction(world.all(), [](auto&) { FAIL("the function must not run"); }).error() == errc::stopped);
}
