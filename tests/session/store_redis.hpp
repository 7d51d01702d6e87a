// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../redis/server.hpp"
#include "store_kind.hpp"

#include <larder/cache/redis_connection.hpp>
#include <larder/cache/sealed_redis.hpp>
#include <larder/environment.hpp>
#include <larder/observe/event.hpp>

#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

/// Worlds of stores that share a Redis server. Each store has a connection of its own, as a process has.
namespace session_tests {

/// The bound of memory tiers in front of Redis.
inline constexpr std::chrono::milliseconds near_delta_of_redis{200};

/// The wall clock, by which sessions are judged, is the test's; the monotonic clock is that of the connections to Redis.
class WithRedis : public Environment {
public:
    explicit WithRedis(Environment environment) : Environment(std::move(environment)) {}

    larder::SteadyTime now() const noexcept { return clock_.precise_now(); }

private:
    larder::SystemEnvironment<larder::NullObserver> clock_;
};

/// A part of the program's Redis server that is a world's own, and threads for connections to it.
class RedisPart {
public:
    /// A connection of its own.
    larder::SealedRedisConfig connect(const StoreSettings& settings) {
        larder::RedisOptions options = options_;
        options.timeout = settings.redis_timeout;
        larder::SealedRedisConfig config(larder::RedisConnection(io_->executor(), options), larder::SealedPackedCodec(larder::AesGcm<>(larder::SealKey{})));
        config.key_hash = larder::HashKey("the key of Redis's keys");
        return config;
    }

    void pause(std::chrono::milliseconds span) { boost::asio::steady_timer(io_->executor(), span).wait(); }

    static redis_tests::RedisServer& server() {
        static redis_tests::RedisServer started;
        return started;
    }

private:
    static larder::RedisOptions next_options() {
        static std::atomic<int> number{0};
        larder::RedisOptions options = server().options();
        options.prefix = "store" + std::to_string(++number);
        options.heartbeat = 20ms;
        options.near_delta = near_delta_of_redis;
        return options;
    }

    larder::RedisOptions options_ = next_options();
    std::unique_ptr<redis_tests::Io> io_ = std::make_unique<redis_tests::Io>();
};

/// A database with a Redis tier before it.
template <class Place>
struct BehindRedis : Place {
    using Stack = larder::Stack<larder::SealedRedisCache, Place::template Database>;
    using Surroundings = WithRedis;

    template <class... Given>
    explicit BehindRedis(Given&&... given) : Place{std::forward<Given>(given)...} {}

    template <class Config>
    Config config(const StoreSettings& settings) {
        return {part.connect(settings), this->tables};
    }
    redis_tests::RedisServer& redis() { return RedisPart::server(); }

    RedisPart part;
};

/// The same with a memory tier in front.
template <class Place>
struct InFrontOfRedis : BehindRedis<Place> {
    using Stack = larder::Stack<larder::MemoryCache, larder::SealedRedisCache, Place::template Database>;
    using BehindRedis<Place>::BehindRedis;

    template <class Config>
    Config config(const StoreSettings& settings) {
        return {{}, this->part.connect(settings), this->tables};
    }
    void settle() { this->part.pause(near_delta + 1ms); }

    static constexpr auto near_delta = near_delta_of_redis;
};

} // namespace session_tests
