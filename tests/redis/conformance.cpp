// SPDX-License-Identifier: BSL-1.0
#include "server.hpp"
#include "waiting.hpp"

#include <larder/cache/redis.hpp>
#include <larder/testing/cache_conformance.hpp>

#include <boost/asio/steady_timer.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

using namespace redis_tests;

namespace {

/// Makes tiers on one server, each with a prefix of its own. Time passes by itself.
struct RedisFixture {
    using Env = SystemEnvironment<NullObserver>;
    template <class Entity>
    using Tier = Waiting<Entity, RedisCache<Entity, Env>>;

    Duration unit = std::chrono::milliseconds(200);
    Io io{2};
    RedisServer server;
    Env env;
    std::atomic<int> made{0};

    template <class Entity>
    std::unique_ptr<Tier<Entity>> make(std::size_t max_bytes) {
        RedisOptions options = server.options();
        options.prefix = "test" + std::to_string(++made);
        options.timeout = std::chrono::seconds(20);
        RedisCacheConfig<PackedCodec<>> config(RedisConnection(io.executor(), options));
        if (max_bytes != 0) config.max_value_bytes = max_bytes;
        return std::make_unique<Tier<Entity>>(std::move(config), env);
    }

    void pass(Duration duration) {
        boost::asio::steady_timer timer(io.executor(), std::chrono::duration_cast<std::chrono::steady_clock::duration>(duration));
        timer.wait();
    }

    /// Removes the record as an eviction does, unless a fence is in it.
    template <class Entity, std::size_t Space>
    void forget(Tier<Entity>& tier, const space_key_t<Entity, Space>& key) {
        const RedisConnection connection = tier.tier().connection();
        const std::string name = connection.options().prefix + ":" + connection.status().identity + ":" + detail::RedisKeyText<Entity, Space>::full(key, nullptr);
        server.command("EVAL \"if redis.call('HEXISTS', KEYS[1], 'f') == 0 then redis.call('DEL', KEYS[1]) end\" 1 '" + name + "'");
    }
};

} // namespace

TEST_CASE("Redis meets the contract of a cache tier") {
    RedisFixture fixture;
    const auto cases = testing::cache_conformance(fixture);
    CHECK(cases.size() > 100);
    std::atomic<std::size_t> next{0};
    std::mutex mutex;
    std::vector<std::string> broken;
    std::vector<std::thread> threads;
    for (int i = 0; i < 48; ++i)
        threads.emplace_back([&] {
            for (std::size_t n; (n = next++) < cases.size();) {
                try {
                    cases[n].run();
                } catch (const std::exception& thrown) {
                    const std::lock_guard lock(mutex);
                    broken.push_back(cases[n].name + ": " + thrown.what());
                }
            }
        });
    for (auto& thread : threads) thread.join();
    for (const std::string& rule : broken) FAIL_CHECK(rule);
}
