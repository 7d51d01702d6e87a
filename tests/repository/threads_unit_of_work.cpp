// SPDX-License-Identifier: BSL-1.0
#include "world.hpp"

#include <larder/database/sqlite.hpp>
#include <larder/database/sqlite_schema.hpp>
#include <larder/repository/unit_of_work.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <latch>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

using namespace repository_tests;

namespace {

/// Passes and their holders in SQLite.
struct Place {
    using Passes = CachedRepository<Pass, Stack<MemoryCache, SqliteDatabase>, WriteThrough, ManualEnvironment>;
    using Holders = CachedRepository<Holder, Stack<MemoryCache, SqliteDatabase>, WriteThrough, ManualEnvironment>;

    explicit Place(std::size_t threads) : pool(threads), file(":memory:", {.busy_timeout = std::chrono::minutes(1), .executor = pool.get_executor()}) {
        REQUIRE(create_tables<Holder, Pass>(file).has_value());
        const Options options{.jitter = 0, .sole_writer = true};
        passes = std::make_unique<Passes>(Passes::Config{{}, file}, options, WriteThrough(), environment);
        holders = std::make_unique<Holders>(Holders::Config{{}, file}, options, WriteThrough(), environment);
        holder = holders->insert({.id = 0, .name = "0", .motto = {}, .version = 0}).or_throw().key();
        for (int number = 1; number <= 2; ++number) rows.push_back(passes->insert(row(number)).or_throw().key());
    }
    ~Place() { pool.join(); }

    Pass row(int number) const {
        Pass made;
        made.holder_id = holder;
        made.code = "code " + std::to_string(number);
        made.note = "0";
        made.expires_at = std::chrono::time_point_cast<TimePoint::duration>(environment.wall_now() + std::chrono::hours(1000));
        return made;
    }
    auto all() { return std::tie(*passes, *holders); }

    static void count_up(Pass& pass) { pass.note = std::to_string(std::stoi(pass.note) + 1); }

    boost::asio::thread_pool pool;
    SqliteFile file;
    ManualEnvironment environment;
    std::unique_ptr<Passes> passes;
    std::unique_ptr<Holders> holders;
    std::int64_t holder = 0;
    std::vector<std::int64_t> rows;
};

} // namespace

TEST_CASE("a unit over SQLite, in both forms") {
    Place place(1);
    auto& passes = *place.passes;
    const auto id = place.rows[0];
    CHECK(passes.find(id));
    const auto done = in_one_transaction(place.all(), [&](Unit<Place::Passes, Place::Holders>& unit) {
        unit.update(passes, id, [](Pass& pass) { pass.code = "moved"; });
        CHECK(unit.find_by<&Pass::code>(passes, "moved")->id == id);
        unit.revoke(passes, place.rows[1]);
        CHECK(unit.find_all_by<&Pass::holder_id>(passes, place.holder).size() == 1);
        return unit.insert(passes, place.row(3)).key();
    });
    REQUIRE(succeeds(done));
    CHECK(done.effective());
    CHECK(passes.find_by<&Pass::code>("moved")->id == id);
    CHECK(passes.find(done.value())->code == "code 3");
    CHECK(passes.find(place.rows[1]).absence() == Absence::revoked);
    CHECK(in_one_transaction(place.all(), [&](auto& unit) {
        unit.update(passes, id, [](Pass& pass) { pass.note = "half"; });
        unit.insert(passes, place.row(3));
    }).error() == errc::duplicate_key);
    CHECK(passes.find(id)->note == "0");

    auto work = [&](AsyncUnit<Place::Passes, Place::Holders>& unit) -> UnitTask<Outcome<std::int64_t>> {
        auto found = co_await unit.find_by<&Pass::code>(passes, "moved");
        const auto change = [](Pass& pass) { pass.note = "changed"; };
        const auto changed = co_await unit.update(passes, found->id, change);
        if (changed.version() != 3) co_return Error{errc::version_conflict, "the version is another"};
        Pass row = place.row(4);
        const auto stored = co_await unit.insert(passes, std::move(row));
        const auto rows = co_await unit.find_all_by<&Pass::holder_id>(passes, place.holder);
        co_return rows.size() == 3 ? Outcome<std::int64_t>(stored.key()) : Outcome<std::int64_t>(Error{errc::no_such_row, "a row is missing"});
    };
    const auto later = async_in_one_transaction(place.all(), work, boost::asio::use_future).get();
    REQUIRE(succeeds(later));
    CHECK(passes.find(later.value())->code == "code 4");
    CHECK(passes.find(id)->note == "changed");

    // A task that gives nothing, and throws, on the caller's own executor.
    boost::asio::io_context context;
    auto refuses = [&](auto& unit) -> UnitTask<> {
        auto erased = co_await unit.erase(passes, id);
        erased.or_throw();
        auto none = co_await unit.erase(passes, id);
        none.or_throw();
    };
    std::optional<Error> failure;
    auto caller = [&]() -> boost::asio::awaitable<void> {
        auto operation = async_in_one_transaction(place.all(), refuses, UnitOptions{.attempts = 2});
        try {
            co_await operation(boost::asio::use_awaitable);
        } catch (const Failure& thrown) {
            failure = thrown.error();
        }
    };
    boost::asio::co_spawn(context, caller(), boost::asio::detached);
    context.run();
    REQUIRE(failure);
    CHECK(*failure == errc::no_such_row);
    CHECK(passes.find(id)->note == "changed");
}

TEST_CASE("units and writes that wait for each other need no thread for it") {
    // One thread for all: whoever waited on it for the transaction of another would wait for ever.
    Place place(1);
    auto& passes = *place.passes;
    constexpr int count = 50;
    auto work = [&](auto& unit) -> UnitTask<> {
        for (const auto id : place.rows) {
            auto found = co_await unit.find(passes, id);
            found.or_throw();
            auto changed = co_await unit.update(passes, id, &Place::count_up);
            changed.or_throw();
        }
    };
    std::vector<std::future<UnitResult<>>> units;
    std::vector<std::future<std::tuple<Error, Written<Pass>>>> writes;
    std::vector<std::future<Found<Pass>>> reads;
    for (int i = 0; i < count; ++i) {
        units.push_back(async_in_one_transaction(place.all(), work, boost::asio::use_future));
        writes.push_back(passes.async_update(place.rows[0], &Place::count_up, boost::asio::as_tuple(boost::asio::use_future)));
        reads.push_back(passes.async_find(place.rows[1], truth, boost::asio::use_future));
    }
    int written = 0;
    for (auto& unit : units) CHECK(unit.get().effective());
    for (auto& write : writes) {
        const auto [failure, answer] = write.get();
        if (failure)
            CHECK(failure == errc::version_conflict);
        else
            ++written;
    }
    for (auto& read : reads) CHECK(read.get());
    CHECK(passes.find(place.rows[0])->note == std::to_string(count + written));
    CHECK(passes.find(place.rows[1])->note == std::to_string(count));
}

TEST_CASE("units of many threads are seen whole") {
    Place place(2);
    auto& passes = *place.passes;
    auto& holders = *place.holders;
    constexpr int writers = 3, rounds = 30;
    std::atomic<int> at_work{writers};
    std::vector<std::thread> threads;
    for (int i = 0; i < writers; ++i)
        threads.emplace_back([&, i] {
            for (int round = 0; round < rounds; ++round) {
                const auto rename = [](Holder& holder) { holder.name = std::to_string(std::stoi(holder.name) + 1); };
                if (i == 0) {
                    auto work = [&](auto& unit) -> UnitTask<> {
                        auto pass = co_await unit.update(passes, place.rows[0], &Place::count_up);
                        pass.or_throw();
                        auto holder = co_await unit.update(holders, place.holder, rename);
                        holder.or_throw();
                    };
                    async_in_one_transaction(place.all(), work, boost::asio::use_future).get();
                } else {
                    in_one_transaction(place.all(), [&](auto& unit) {
                        unit.update(passes, place.rows[0], &Place::count_up);
                        unit.update(holders, place.holder, rename);
                    }).or_throw();
                }
            }
            --at_work;
        });
    std::atomic<bool> torn{false};
    threads.emplace_back([&] {
        while (at_work > 0) {
            // What is published of a unit begins with its first repository; nobody sees the second part of one and then not the first.
            const int holder = std::stoi(holders.find(place.holder).or_throw()->name);
            const int pass = std::stoi(passes.find(place.rows[0]).or_throw()->note);
            if (pass < holder) torn = true;
        }
    });
    for (auto& thread : threads) thread.join();
    CHECK(!torn);
    CHECK(passes.find(place.rows[0])->note == std::to_string(writers * rounds));
    CHECK(holders.find(place.holder)->name == std::to_string(writers * rounds));
}
