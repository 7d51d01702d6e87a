// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "server.hpp"
#include "waiting.hpp"

#include <larder/cache/memory.hpp>
#include <larder/cache/redis.hpp>
#include <larder/testing/sample.hpp>

#include <boost/asio/steady_timer.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace redis_tests {

using namespace std::chrono_literals;
using testing::Pass;
using testing::sample_row;

inline constexpr std::size_t code = space_of_v<Pass, &Pass::code>;

/// Keeps the texts of what tiers hide.
struct Hidden {
    struct State {
        std::mutex mutex;
        std::vector<std::string> texts;
        std::size_t undecodable = 0;
    };
    std::shared_ptr<State> state = std::make_shared<State>();

    template <class Event>
    void on(const Event& event) const {
        const std::lock_guard lock(state->mutex);
        if constexpr (std::is_same_v<Event, event::HiddenFailure>)
            state->texts.push_back(event.error.text);
        else if constexpr (std::is_same_v<Event, event::Lookup>)
            state->undecodable += event.outcome == LookupOutcome::undecodable;
    }
};

using Env = SystemEnvironment<Hidden>;
using PassTier = Waiting<Pass, RedisCache<Pass, Env>>;

/// Waits for a condition, 10 s at the most. \returns whether it came true.
inline bool eventually(Io& io, const std::function<bool()>& condition, std::chrono::milliseconds at_most = 10s) {
    for (const auto end = std::chrono::steady_clock::now() + at_most; std::chrono::steady_clock::now() < end;) {
        if (condition()) return true;
        boost::asio::steady_timer(io.executor(), 2ms).wait();
    }
    return condition();
}

/// One process as far as Redis can tell: a connection and the tier of passes over it.
struct Client {
    explicit Client(RedisOptions options) : connection(io.executor(), std::move(options)), tier(RedisCacheConfig<PackedCodec<>>(connection), env) {}

    static Lifetime life() { return {.serve = std::chrono::hours(1)}; }
    static KeySet<Pass> keys(std::int64_t number) {
        KeySet<Pass> set;
        set.add<0>(number);
        return set;
    }
    static CachedRow<Pass> row(std::int64_t number, Version version) { return {std::make_shared<const Pass>(sample_row<Pass>(number, version)), nullptr, 0}; }

    Outcome<Lookup<CachedRow<Pass>>> look(std::int64_t number = 1) { return tier.lookup<0>(number, {.lease_for = std::chrono::minutes(1)}); }
    Outcome<FillOutcome> fill(LeaseToken lease, Version version, std::int64_t number = 1) {
        return tier.fill<0>(number, {.lease = lease, .version = version, .value = row(number, version), .age = {}, .lifetime = life()});
    }
    void store(Version version, std::int64_t number = 1) {
        const auto found = look(number);
        REQUIRE_MESSAGE(found.has_value(), found.error().text);
        REQUIRE(found->lease != 0);
        REQUIRE(fill(found->lease, version, number).value() == FillOutcome::stored);
    }
    /// The version that is hit; 0 if none is.
    Version hit(std::int64_t number = 1) {
        const auto found = tier.lookup<0>(number, {.want_lease = false});
        return found.has_value() && found->answer == Answer::hit ? found->version : 0;
    }
    Outcome<void> publish(Version version, FenceOwner owner, std::int64_t number = 1) {
        Publication<Pass> publication;
        publication.primary = number;
        publication.version = version;
        publication.row = row(number, version);
        publication.lifetime = life();
        publication.owner = owner;
        return tier.publish(std::span(&publication, 1));
    }
    bool connected() { return eventually(io, [&] { return connection.status().connected; }); }
    /// The name of a row's record.
    std::string record(std::int64_t number = 1) { return connection.options().prefix + ":" + connection.status().identity + ":" + detail::RedisKeyText<Pass, 0>::full(number, nullptr); }

    Io io;
    Env env;
    RedisConnection connection;
    PassTier tier;
};

/// An in-process tier in front of a client's.
struct Near {
    explicit Near(Client& behind) : client(behind), tier({.max_entries = 100}, behind.env) { client.tier.tier().attach_near(tier); }

    /// Reads through both tiers as a repository does. \returns the version found; 0 if none was.
    Version read(std::int64_t number = 1) {
        const SteadyTime now = client.env.now();
        LeaseToken placeholder = 0;
        if (client.tier.tier().near_may_serve(now)) {
            const auto here = tier.lookup<0>(number, {.lease_for = std::chrono::minutes(1)});
            if (here.answer == Answer::hit) return here.version;
            placeholder = here.lease;
        }
        const auto found = client.tier.lookup<0>(number, {.want_lease = false});
        if (!found.has_value() || found->answer != Answer::hit) return 0;
        if (placeholder != 0) tier.fill<0>(number, {placeholder, found->version, found->value, found->age, {.serve = found->age + found->remaining}});
        return found->version;
    }
    bool holds(std::int64_t number = 1) { return client.tier.tier().near_may_serve(client.env.now()) && tier.lookup<0>(number, {.want_lease = false}).answer == Answer::hit; }
    /// Reads until the copy is in front.
    bool fetch(std::int64_t number = 1) {
        return eventually(client.io, [&] {
            read(number);
            return holds(number);
        });
    }

    Client& client;
    MemoryCache<Pass, Env> tier;
};

} // namespace redis_tests
