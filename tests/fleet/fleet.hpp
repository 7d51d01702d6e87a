// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../postgres/server.hpp"
#include "../redis/server.hpp"

#include <larder/cache/redis.hpp>
#include <larder/database/postgres.hpp>
#include <larder/database/postgres_schema.hpp>
#include <larder/larder.hpp>
#include <larder/testing/sample.hpp>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

/// What the tests of fleets share.
namespace fleet_tests {

using namespace larder;
using namespace std::chrono_literals;
using larder::testing::Holder;
using larder::testing::Pass;


using Passes = CachedRepository<Pass, Stack<MemoryCache, RedisCache, PostgresDatabase>, WriteThrough>;

inline redis_tests::RedisServer& redis_server() {
    static redis_tests::RedisServer started;
    return started;
}

/// \param prefix of a fleet's own, as it has a database of its own.
inline RedisOptions redis_options(const std::string& prefix) {
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

} // namespace fleet_tests
