// SPDX-License-Identifier: BSL-1.0
#include "server.hpp"

#include <larder/cache/memory.hpp>
#include <larder/cache/redis.hpp>
#include <larder/database/memory.hpp>
#include <larder/larder.hpp>
#include <larder/testing/sample.hpp>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_future.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <signal.h>

using namespace redis_tests;
using namespace larder;
using namespace std::chrono_literals;
using testing::Holder;
using testing::Pass;

namespace {

using Passes = CachedRepository<Pass, Stack<MemoryCache, RedisCache, MemoryDatabase>, WriteThrough>;

/// One process as far as Redis and the database can tell.
struct Process {
    Process(RedisOptions options, MemoryTables tables) : redis(io.executor(), std::move(options)), passes({{.max_entries = 1000}, redis, tables}, {.ttl = 1h, .jitter = 0}) {}

    /// Reads until the answer comes from the tier in front.
    bool keeps(std::int64_t id) {
        for (int i = 0; i < 2000; ++i) {
            if (passes.find(id).source() == Level::memory) return true;
            boost::asio::steady_timer(io.executor(), 2ms).wait();
        }
        return false;
    }

    Io io;
    RedisConnection redis;
    Passes passes;
};

struct Fleet {
    explicit Fleet(RedisServer& server) {
        options = server.options();
        static std::atomic<int> number{0};
        options.prefix = "fleet" + std::to_string(++number);
        options.timeout = 2s;
        options.heartbeat = 20ms;
        options.near_delta = 300ms;
        holder = MemoryDatabase<Holder>(tables).insert({}).value().id;
    }
    Pass row(int number) const {
        Pass row;
        row.holder_id = holder;
        row.code = "code " + std::to_string(number);
        row.badge = "badge " + std::to_string(number);
        row.note = "first";
        row.expires_at = TimePoint(std::chrono::hours(24 * 365 * 100));
        return row;
    }

    MemoryTables tables;
    RedisOptions options;
    std::int64_t holder = 0;
};

RedisServer& server() {
    static RedisServer started;
    return started;
}

} // namespace

TEST_CASE("what one process revokes, another does not serve beyond the bound") {
    Fleet fleet(server());
    Process here(fleet.options, fleet.tables), there(fleet.options, fleet.tables);
    for (int number = 1; number <= 20; ++number) {
        const auto inserted = here.passes.insert(fleet.row(number));
        REQUIRE(inserted);
        const std::int64_t id = inserted.row()->id;
        REQUIRE(there.keeps(id));
        REQUIRE(here.keeps(id));
        const auto revoked = here.passes.revoke(id);
        REQUIRE(revoked);
        CHECK(!revoked.effective());
        CHECK(revoked.pending() == fleet.options.near_delta);
        const auto acknowledged = std::chrono::steady_clock::now();
        CHECK(!here.passes.find(id));
        while (there.passes.find(id)) {
            REQUIRE(std::chrono::steady_clock::now() - acknowledged < fleet.options.near_delta);
        }
        CHECK(there.passes.find(id).absence() == Absence::revoked);
        CHECK(there.passes.find_by<&Pass::code>(inserted.row()->code).absence() == Absence::revoked);
    }
}

TEST_CASE("a process whose connection hangs serves what it has no longer than the bound") {
    RedisServer own;
    Fleet fleet(own);
    fleet.options.timeout = 200ms;
    Process here(fleet.options, fleet.tables), there(fleet.options, fleet.tables);
    const auto inserted = here.passes.insert(fleet.row(1));
    REQUIRE(inserted);
    const std::int64_t id = inserted.row()->id;
    REQUIRE(there.keeps(id));
    own.send(SIGSTOP);
    const auto written = here.passes.update(id, [](Pass& pass) { pass.note = "second"; });
    const auto acknowledged = std::chrono::steady_clock::now();
    REQUIRE(written);
    CHECK(written.pending() > fleet.options.near_delta);
    while (there.passes.find(id)->note != "second") {
        REQUIRE(std::chrono::steady_clock::now() - acknowledged < fleet.options.near_delta);
    }
    own.send(SIGCONT);
    CHECK(here.passes.find(id)->note == "second");
}

TEST_CASE("what a process could not tell Redis is delivered before anything is read there again") {
    RedisServer own;
    Fleet fleet(own);
    fleet.options.timeout = 100ms;
    Process here(fleet.options, fleet.tables), there(fleet.options, fleet.tables);
    const auto cut_off = [&](Process& process) {
        while (process.redis.status().connected) boost::asio::steady_timer(process.io.executor(), 2ms).wait();
    };
    const auto changed = here.passes.insert(fleet.row(1));
    const auto revoked = here.passes.insert(fleet.row(2));
    REQUIRE(there.keeps(changed.row()->id));
    REQUIRE(there.keeps(revoked.row()->id));
    own.send(SIGSTOP);
    cut_off(here);
    cut_off(there);
    // Neither fence nor publication reaches the old connection.
    REQUIRE(here.passes.update(changed.row()->id, [](Pass& pass) { pass.note = "second"; }));
    REQUIRE(here.passes.revoke(revoked.row()->id));
    CHECK(here.redis.status().owed >= 2);
    own.send(SIGCONT);
    while (!here.redis.status().connected) boost::asio::steady_timer(here.io.executor(), 2ms).wait();
    CHECK(here.passes.find(changed.row()->id)->note == "second");
    CHECK(here.passes.find(revoked.row()->id).absence() == Absence::revoked);
    while (!there.redis.status().connected) boost::asio::steady_timer(there.io.executor(), 2ms).wait();
    CHECK(there.passes.find(changed.row()->id)->note == "second");
    CHECK(there.passes.find(revoked.row()->id).absence() == Absence::revoked);
    CHECK(here.redis.status().owed == 0);
    CHECK(here.redis.status().forgotten == 0);
}

TEST_CASE("what is owed to Redis is bounded, and of no use for another identity") {
    RedisServer own;
    Fleet fleet(own);
    fleet.options.timeout = 20ms;
    fleet.options.owed_bytes = 4096;
    Process here(fleet.options, fleet.tables);
    const auto inserted = here.passes.insert(fleet.row(1));
    REQUIRE(inserted);
    own.stop();
    for (int i = 0; i < 20; ++i) REQUIRE(here.passes.update(inserted.row()->id, [&](Pass& pass) { pass.note = std::to_string(i); }));
    const auto away = here.redis.status();
    CHECK(away.owed > 0);
    CHECK(away.forgotten > 0);
    const std::uint64_t all = away.owed + away.forgotten;
    CHECK(all >= 20);
    own.start();
    while (!here.redis.status().connected) boost::asio::steady_timer(here.io.executor(), 2ms).wait();
    CHECK(here.redis.status().owed == 0);
    CHECK(here.redis.status().forgotten == all);
    CHECK(here.passes.find(inserted.row()->id)->note == "19");
}

TEST_CASE("two processes that write and read the same rows see nothing older than the bound") {
    Fleet fleet(server());
    Process here(fleet.options, fleet.tables), there(fleet.options, fleet.tables);
    const auto inserted = here.passes.insert(fleet.row(1));
    REQUIRE(inserted);
    const std::int64_t id = inserted.row()->id;
    const std::string code = inserted.row()->code;
    std::atomic<Version> settled{inserted.row()->version};
    std::atomic<bool> stop{false};
    std::atomic<int> older{0}, failed{0};
    std::vector<std::thread> readers;
    for (Process* process : {&here, &there})
        for (const bool by_code : {false, true})
            readers.emplace_back([&, process, by_code] {
                while (!stop) {
                    const Version least = settled;
                    const auto found = by_code ? process->passes.find_by<&Pass::code>(code) : process->passes.find(id);
                    if (!found)
                        ++failed;
                    else if (found->version < least)
                        ++older;
                }
            });
    Version last = 0;
    for (int i = 0; i < 10; ++i) {
        for (Process* process : {&here, &there}) {
            const auto written = process->passes.update(id, [](Pass& pass) { pass.note += "+"; });
            REQUIRE(written);
            CHECK(written.version() > last);
            last = written.version();
        }
        // What was acknowledged before is seen by all once the bound has passed.
        boost::asio::steady_timer(here.io.executor(), fleet.options.near_delta).wait();
        settled = last;
    }
    stop = true;
    for (auto& reader : readers) reader.join();
    CHECK(older == 0);
    CHECK(failed == 0);
}

TEST_CASE("an alternate key that a process gives to another row leads nobody to the first") {
    Fleet fleet(server());
    Process here(fleet.options, fleet.tables), there(fleet.options, fleet.tables);
    const std::int64_t first = here.passes.insert(fleet.row(1)).row()->id;
    const std::int64_t second = here.passes.insert(fleet.row(2)).row()->id;
    CHECK(there.passes.find_by<&Pass::code>("code 1")->id == first);
    REQUIRE(here.passes.update(first, [](Pass& pass) { pass.code = "code 3"; }));
    REQUIRE(here.passes.update(second, [](Pass& pass) { pass.code = "code 1"; }));
    const auto acknowledged = std::chrono::steady_clock::now();
    for (;;) {
        const auto found = there.passes.find_by<&Pass::code>("code 1");
        REQUIRE(found);
        CHECK(found->code == "code 1");
        if (found->id == second) break;
        REQUIRE(std::chrono::steady_clock::now() - acknowledged < fleet.options.near_delta);
    }
}

TEST_CASE("without a tier in front a row is found by an alternate key in one round trip") {
    Fleet fleet(server());
    Io io;
    const RedisConnection redis(io.executor(), fleet.options);
    CachedRepository<Pass, Stack<RedisCache, MemoryDatabase>, WriteThrough> passes{{redis, fleet.tables}, {.ttl = 1h, .jitter = 0}};
    const auto inserted = passes.insert(fleet.row(1));
    REQUIRE(inserted);
    CHECK(inserted.effective());
    CHECK(passes.find(inserted.row()->id));
    const auto before = redis.status().requests;
    const auto found = passes.find_by<&Pass::code>("code 1");
    REQUIRE(found);
    CHECK(found->id == inserted.row()->id);
    CHECK(found.source() == Level::shared);
    CHECK(redis.status().requests == before + 1);
    REQUIRE(passes.update(found->id, [](Pass& pass) { pass.code = "code 2"; }));
    CHECK(passes.find_by<&Pass::code>("code 1").absence() == Absence::never_was);
    CHECK(passes.find_by<&Pass::code>("code 2")->note == "first");
    REQUIRE(passes.revoke(found->id));
    CHECK(passes.find_by<&Pass::code>("code 2").absence() == Absence::revoked);
    CHECK(passes.find_by<&Pass::badge>("badge 1").absence() == Absence::revoked);
}

TEST_CASE("a scope holds what its caller was answered while Redis was yet to be filled, and once it was forgotten not again") {
    RedisServer server;
    Fleet fleet(server);
    Process process(fleet.options, fleet.tables);
    MemoryDatabase<Pass> rows(fleet.tables);
    for (int number = 0; number < 20; ++number) {
        const auto id = rows.insert(fleet.row(number)).value().id;
        RequestScope scope(process.passes);
        REQUIRE(scope.async_find(id, Read{}, boost::asio::use_future).get());
        CHECK(scope.size() == 1);
        scope.forget(id);
        REQUIRE(process.keeps(id));
        // What filled the tiers has ended once another round trip is over.
        REQUIRE(process.passes.async_update(id, [](Pass& pass) { pass.note = "changed"; }, boost::asio::use_future).get());
        CHECK(scope.size() == 0);
    }
}

TEST_CASE("reads go on while Redis is away, and writes say how long they may be pending") {
    RedisServer own;
    Fleet fleet(own);
    fleet.options.timeout = 200ms;
    Process process(fleet.options, fleet.tables);
    const std::int64_t id = process.passes.insert(fleet.row(1)).row()->id;
    CHECK(process.passes.find(id));
    own.stop();
    CHECK(process.passes.find(id)->note == "first");
    const auto written = process.passes.update(id, [](Pass& pass) { pass.note = "second"; });
    REQUIRE(written);
    CHECK(written.pending() == 1h);
    CHECK(process.passes.find(id)->note == "second");
    CHECK(process.passes.find_by<&Pass::code>("code 1")->note == "second");
    own.start();
    REQUIRE(process.keeps(id));
    CHECK(process.passes.find(id)->note == "second");
}
