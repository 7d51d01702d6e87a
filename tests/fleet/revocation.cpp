// SPDX-License-Identifier: BSL-1.0
#include "../postgres/server.hpp"
#include "../redis/server.hpp"

#include <larder/cache/redis.hpp>
#include <larder/database/postgres.hpp>
#include <larder/database/postgres_schema.hpp>
#include <larder/larder.hpp>
#include <larder/testing/sample.hpp>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

using namespace larder;
using namespace std::chrono_literals;
using larder::testing::Holder;
using larder::testing::Pass;

namespace {

using Passes = CachedRepository<Pass, Stack<MemoryCache, RedisCache, PostgresDatabase>, WriteThrough>;

redis_tests::RedisServer& redis_server() {
    static redis_tests::RedisServer started;
    return started;
}

/// \param prefix of a fleet's own, as it has a database of its own.
RedisOptions redis_options(const std::string& prefix) {
    RedisOptions options = redis_server().options();
    options.prefix = prefix;
    options.timeout = 2s;
    options.heartbeat = 20ms;
    options.near_delta = 300ms;
    return options;
}

/// One process of the fleet, as far as the servers can tell: threads, connections and a cache of its own.
struct Process {
    Process(const std::string& prefix, const std::string& conninfo)
        : redis(io.get_executor(), redis_options(prefix)), postgres(io.get_executor(), {.conninfo = conninfo}), passes({{.max_entries = 1000}, redis, postgres}, {.ttl = 1h, .jitter = 0}) {}

    /// Reads until the answer comes from the tier in front.
    bool keeps(std::int64_t id) {
        for (int i = 0; i < 2000; ++i) {
            if (passes.find(id).source() == Level::memory) return true;
            pause(2ms);
        }
        return false;
    }
    void pause(std::chrono::milliseconds span) { boost::asio::steady_timer(io.get_executor(), span).wait(); }

    boost::asio::thread_pool io{2};
    RedisConnection redis;
    PostgresPool postgres;
    Passes passes;
};

struct Fleet {
    Fleet() {
        create_tables<Pass>(place.pool()).value();
        holder = larder_tests::WaitingPostgres<Holder>{PostgresDatabase<Holder>(place.pool())}.insert({.id = 0, .name = "holder", .motto = {}, .version = 0}).value().id;
    }
    Pass row(int number) const {
        Pass row;
        row.holder_id = holder;
        row.code = "code " + std::to_string(number);
        row.expires_at = TimePoint(std::chrono::hours(24 * 365 * 100));
        return row;
    }

    static std::string next_prefix() {
        static std::atomic<int> number{0};
        return "fleet" + std::to_string(++number);
    }

    larder_tests::PostgresPlace place;
    std::int64_t holder = 0;
    std::string prefix = next_prefix();
    Process here{prefix, place.conninfo()};
    Process there{prefix, place.conninfo()};
};

} // namespace

TEST_CASE("over Redis and PostgreSQL, what one process revokes another serves no longer than the bound") {
    Fleet fleet;
    auto& [place, holder, prefix, here, there] = fleet;
    for (int number = 1; number <= 10; ++number) {
        const std::int64_t id = here.passes.insert(fleet.row(number)).or_throw().key();
        REQUIRE(there.keeps(id));
        REQUIRE(there.passes.find_by<&Pass::code>("code " + std::to_string(number)));
        const auto revoked = here.passes.revoke(id);
        REQUIRE(revoked);
        CHECK(revoked.pending() <= 300ms);
        here.passes.wait_effective(revoked);
        CHECK(there.passes.find(id).absence() == Absence::revoked);
        CHECK(there.passes.find_by<&Pass::code>("code " + std::to_string(number)).absence() == Absence::revoked);
        CHECK(here.passes.find(id).absence() == Absence::revoked);
    }
}

TEST_CASE("over Redis and PostgreSQL, a revocation that finds the row revoked vouches for no more than the one that revoked it") {
    Fleet fleet;
    auto& [place, holder, prefix, here, there] = fleet;
    const std::int64_t id = here.passes.insert(fleet.row(1)).or_throw().key();
    REQUIRE(there.keeps(id));
    const auto revoked = here.passes.revoke(id);
    REQUIRE(revoked.changed());
    for (Process* process : {&here, &there}) {
        const auto again = process->passes.revoke(id);
        REQUIRE(again);
        CHECK(!again.changed());
        CHECK(again.pending() == revoked.pending());
        CHECK(process->passes.revoke(id, Effect::required).effective());
    }
}

TEST_CASE("over Redis and PostgreSQL, all of a group is revoked everywhere") {
    Fleet fleet;
    auto& [place, holder, prefix, here, there] = fleet;
    std::vector<std::int64_t> ids;
    for (int number = 1; number <= 5; ++number) ids.push_back(here.passes.insert(fleet.row(number)).or_throw().key());
    for (const auto id : ids) REQUIRE(there.keeps(id));
    const auto revoked = here.passes.revoke_all_by<&Pass::holder_id>(holder);
    REQUIRE(revoked);
    CHECK(revoked.rows() == ids.size());
    here.pause(std::chrono::duration_cast<std::chrono::milliseconds>(revoked.pending()) + 1ms);
    for (const auto id : ids) CHECK(there.passes.find(id).absence() == Absence::revoked);
}

TEST_CASE("over Redis and PostgreSQL, a second process finds in Redis what the first has read, with no query") {
    Fleet fleet;
    auto& [place, holder, prefix, here, there] = fleet;
    const std::int64_t id = here.passes.insert(fleet.row(1)).or_throw().key();
    REQUIRE(here.keeps(id));
    const auto found = there.passes.find(id);
    REQUIRE_MESSAGE(found, found.error().text);
    CHECK(found.source() == Level::shared);
    CHECK(there.passes.metrics().database_queries() == 0);
}
