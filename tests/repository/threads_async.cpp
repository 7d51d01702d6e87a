// SPDX-License-Identifier: BSL-1.0
#include "fixture.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <latch>
#include <string>
#include <thread>
#include <vector>

using namespace larder_tests;
namespace asio = boost::asio;

namespace {

/// Stops loads at the database until it is opened: before they read, or after.
class Gate {
public:
    explicit Gate(const Tables& tables, bool after_reading = false) : tables_(tables) {
        tables.gate([this, after_reading](const MemoryOperation& operation) {
            if (operation.kind != QueryKind::load || operation.done != after_reading) return;
            reached_.count_down();
            opened_.wait();
        });
    }
    void wait_until_reached() { reached_.wait(); }
    void open() {
        tables_.gate({});
        opened_.count_down();
    }

private:
    const Tables& tables_;
    std::latch reached_{1};
    std::latch opened_{1};
};

asio::awaitable<std::string> code_of(Passes& passes, std::int64_t id) {
    const auto by_default = co_await passes.async_find(id);
    const auto found = co_await passes.async_find_by<&Pass::code>(by_default->code, Read{}, asio::use_awaitable);
    const auto [failure, again] = co_await passes.async_find(id, Read{}, asio::as_tuple(asio::use_awaitable));
    co_return failure ? failure.text : again->code + found->code;
}

} // namespace

TEST_CASE("completion tokens: coroutine, future, callback, deferred") {
    Fixture world;
    const auto id = world.add("a");
    asio::io_context context;
    auto text = asio::co_spawn(context, code_of(world.passes, id), asio::use_future);
    bool called = false;
    world.passes.async_find(id, Read{}, asio::bind_executor(context, [&](const Error& failure, const Found<Pass>& found) {
                                called = !failure && found;
                            }));
    CHECK_FALSE(called);
    auto operation = world.passes.async_update(id, [](Pass& row) { row.note = "x"; }, asio::deferred);
    auto written = std::move(operation)(asio::bind_executor(context, asio::use_future));
    context.run();
    CHECK(text.get() == "aa");
    CHECK(called);
    CHECK(written.get().version() == 2);
    CHECK(world.truth_of(id)->note == "x");
}

TEST_CASE("an error reaches a future as an exception with its text, and a callback as a value") {
    Fixture world;
    world.tables.fail(Error{errc::database_unavailable, "the database is down"});
    asio::io_context context;
    auto failed = world.passes.async_find(5, Read{}, asio::bind_executor(context, asio::use_future));
    context.run();
    try {
        failed.get();
        FAIL("nothing was thrown");
    } catch (const Failure& failure) {
        CHECK(failure.error() == errc::database_unavailable);
        CHECK(std::string(failure.what()).find("down") != std::string::npos);
    }
}

TEST_CASE("single-flight: callers that miss one key together make one query") {
    Fixture world;
    const auto id = world.add("a");
    world.passes.expel(id);
    world.tables.forget();
    constexpr int callers = 16;
    Gate gate(world.tables);
    std::atomic<int> found = 0;
    std::vector<std::jthread> threads;
    threads.emplace_back([&] { found += world.passes.find(id) ? 1 : 0; });
    gate.wait_until_reached();
    std::latch started(callers);
    for (int i = 0; i < callers; ++i)
        threads.emplace_back([&] {
            started.count_down();
            found += world.passes.find(id) ? 1 : 0;
        });
    started.wait();
    gate.open();
    threads.clear();
    CHECK(found == callers + 1);
    // One load, or a hit for who came after it.
    CHECK(world.tables.queries(QueryKind::load) == 1);
}

TEST_CASE("a stale set: a load that a write overtakes fills nothing") {
    Fixture world;
    bool guarded = true;
    SUBCASE("as shipped") {}
    SUBCASE("without the guards of a fill, to see that they are needed") {
        guarded = false;
        world.env.disable(Guard::lease_on_fill);
        world.env.disable(Guard::floor_on_fill);
    }
    const auto id = world.add("a");
    world.passes.expel(id);
    Gate gate(world.tables, true);
    std::jthread reader([&] { CHECK(world.passes.find(id)->note.empty()); });
    gate.wait_until_reached();
    world.tables.gate({});
    REQUIRE(world.passes.update(id, [](Pass& row) { row.note = "new"; }));
    gate.open();
    reader.join();
    CHECK((world.passes.find(id)->note == "new") == guarded);
}

TEST_CASE("cancelling one waiter answers it at once and leaves the load alone") {
    Fixture world;
    const auto id = world.add("a");
    world.passes.expel(id);
    world.tables.forget();
    Gate gate(world.tables);
    std::jthread leader([&] { CHECK(world.passes.find(id)); });
    gate.wait_until_reached();
    asio::io_context context;
    asio::cancellation_signal signal;
    Error cancelled;
    Found<Pass> patient;
    world.passes.async_find(id, Read{}, asio::bind_cancellation_slot(signal.slot(), asio::bind_executor(context, [&](const Error& failure, const Found<Pass>&) { cancelled = failure; })));
    world.passes.async_find(id, Read{}, asio::bind_executor(context, [&](const Error&, const Found<Pass>& found) { patient = found; }));
    signal.emit(asio::cancellation_type::terminal);
    context.poll();
    CHECK(cancelled.code == asio::error::operation_aborted);
    CHECK_FALSE(patient);
    gate.open();
    leader.join();
    context.run();
    CHECK(patient);
    CHECK(world.tables.queries(QueryKind::load) == 1);
    CHECK(world.passes.find(id).source() == Level::memory);
}

TEST_CASE("concurrent read-modify-writes lose nothing") {
    Fixture world(Options{.conflict_retries = 1000});
    const auto id = world.add("");
    constexpr int writers = 4;
    constexpr int rounds = 25;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < writers; ++i)
            threads.emplace_back([&] {
                for (int round = 0; round < rounds; ++round) CHECK(world.passes.update(id, [](Pass& row) { row.note += 'x'; }));
            });
    }
    CHECK(world.truth_of(id)->note.size() == writers * rounds);
    CHECK(world.passes.find(id).version() == writers * rounds + 1);
}

TEST_CASE("a read that begins after a write was acknowledged is never older") {
    Fixture world(Options{.conflict_retries = 1000});
    const auto id = world.add("a");
    std::atomic<Version> acknowledged = 1;
    std::atomic<bool> done = false;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 2; ++i)
            threads.emplace_back([&] {
                while (!done) {
                    const Version before = acknowledged;
                    const auto found = world.passes.find_by<&Pass::code>("a");
                    CHECK(found.version() >= before);
                }
            });
        threads.emplace_back([&] {
            for (int round = 0; round < 300; ++round) {
                const auto written = world.passes.update(id, [&](Pass& row) { row.note = std::to_string(round); });
                REQUIRE(written.effective());
                acknowledged = written.version();
                if (round % 16 == 0) world.passes.expel(id);
            }
            done = true;
        });
    }
    CHECK(world.truth_of(id).version() == 301);
}
