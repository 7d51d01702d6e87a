// SPDX-License-Identifier: BSL-1.0
#include "client.hpp"

#include <larder/cache/detail/redis_hidden_keys.hpp>
#include <larder/cache/sealed_redis.hpp>
#include <larder/session/entities.hpp>

#include <atomic>

using namespace redis_tests;

namespace {

using Codec = SealedPackedCodec;
using Tier = Waiting<Session, SealedRedisCache<Session, Env>>;
constexpr std::size_t jti = space_of_v<Session, &Session::jti>;

RedisServer& server() {
    static RedisServer started;
    return started;
}

RedisOptions options() {
    static std::atomic<int> number{0};
    RedisOptions options = server().options();
    options.prefix = "secret_keys" + std::to_string(++number);
    options.timeout = 5s;
    return options;
}

/// One process, with a tier in front.
struct Process {
    explicit Process(RedisOptions options, std::size_t near_secret_keys = 100)
        : connection(io.executor(), std::move(options)), tier(config(near_secret_keys), env), near({.max_entries = 100}, env) {
        tier.tier().attach_near(near);
    }

    /// Fills the alias in Redis, if it is not there, and keeps it in front. \returns whether it is kept.
    bool keep(const std::string& token) {
        return eventually(io, [&] {
            const auto placeholder = near.lookup<jti>(token, {.lease_for = 1min}).lease;
            const auto found = tier.lookup<jti>(token, {.lease_for = 1min});
            FillRequest<std::optional<Uuid>> request{.lease = placeholder, .version = 1, .value = Uuid{{1}}, .age = {}, .lifetime = Client::life()};
            bool there = found.has_value() && found->answer == Answer::hit;
            if (found.has_value() && found->lease != 0) {
                auto filling = request;
                filling.lease = found->lease;
                const auto filled = tier.fill<jti>(token, std::move(filling));
                there = filled.has_value() && *filled == FillOutcome::stored;
            }
            if (!there) request.lifetime = {};
            if (placeholder != 0) near.fill<jti>(token, std::move(request));
            return holds(token);
        });
    }
    bool holds(const std::string& token) { return near.lookup<jti>(token, {.want_lease = false}).answer == Answer::hit; }
    void change(const std::string& token) {
        KeySet<Session> keys;
        keys.add<jti>(token);
        REQUIRE(tier.expel(keys).has_value());
    }

    RedisCacheConfig<Codec> config(std::size_t near_secret_keys) const {
        RedisCacheConfig<Codec> made(connection, Codec(AesGcm<>(SealKey{})));
        made.key_hash = HashKey("the key of these tests");
        made.near_secret_keys = near_secret_keys;
        return made;
    }

    Io io;
    Env env;
    RedisConnection connection;
    Tier tier;
    MemoryCache<Session, Env> near;
};

} // namespace

TEST_CASE("a secret key that another process changes is dropped in front, and no other is") {
    const RedisOptions shared = options();
    Process here(shared), there(shared);
    for (const char* token : {"one", "two", "three"}) REQUIRE(here.keep(token));
    for (int round = 0; round < 3; ++round) {
        there.change("two");
        CHECK(eventually(here.io, [&] { return !here.holds("two"); }));
        CHECK(here.holds("one"));
        CHECK(here.holds("three"));
        REQUIRE(here.keep("two"));
    }
}

TEST_CASE("of secret keys no more are held in front than can be told") {
    const RedisOptions shared = options();
    Process here(shared, 2), there(shared);
    for (const char* token : {"one", "two", "three"}) REQUIRE(here.keep(token));
    CHECK(!here.holds("one"));
    CHECK(here.holds("two"));
    there.change("two");
    CHECK(eventually(here.io, [&] { return !here.holds("two"); }));
    CHECK(here.holds("three"));
}

TEST_CASE("room for no secret key is refused") {
    const Process process(options());
    Env env;
    auto config = process.config(0);
    CHECK_THROWS_AS((BasicRedisCache<Session, Env, Codec>(config, env)), Failure);
}

TEST_CASE("hidden keys are known by their texts, the newest of them") {
    detail::RedisHiddenKeys<int> keys;
    std::vector<int> dropped;
    const auto drop = [&](int key) { dropped.push_back(key); };
    keys.note("a", 1, 2, drop);
    keys.note("b", 2, 2, drop);
    keys.note("a", 1, 2, drop);
    CHECK(dropped.empty());
    keys.changed("a", drop);
    keys.changed("a", drop);
    keys.changed("c", drop);
    CHECK(dropped == std::vector{1, 1});
    keys.note("c", 3, 2, drop);
    CHECK(dropped == std::vector{1, 1, 1});
    keys.changed("a", drop);
    CHECK(dropped.size() == 3);
    // Another key of the same digest.
    keys.note("c", 4, 2, drop);
    CHECK(dropped.back() == 3);
    keys.changed("c", drop);
    CHECK(dropped.back() == 4);
}
