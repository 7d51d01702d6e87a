// SPDX-License-Identifier: BSL-1.0
#include "client.hpp"

#include <larder/testing/manual_environment.hpp>
#include <larder/testing/reference_tier.hpp>

#include <cstdint>
#include <random>

using namespace redis_tests;

namespace {

using Model = testing::ReferenceTier<Pass, testing::ManualEnvironment>;

/// Random operations on one key of a space, done to Redis and to the reference implementation alike. Nothing in them ends by its time.
template <std::size_t Space>
struct Twins {
    using Value = space_value_t<Pass, Space>;

    Twins(Client& client, std::uint64_t seed, std::int64_t number) : redis(client), random(seed), row(number) {}

    std::uint64_t pick(std::uint64_t below) { return random() % below; }
    space_key_t<Pass, Space> key() const { return *key_of<Space>(sample_row<Pass>(row)); }
    KeySet<Pass> keys() const {
        KeySet<Pass> set;
        set.add<Space>(key());
        return set;
    }
    /// A version, and a value of it: under an alternate key that of one of three rows, or of none.
    Value value(Version version, std::int64_t target) const {
        if constexpr (Space == 0)
            return CachedRow<Pass>{std::make_shared<const Pass>(sample_row<Pass>(row, version)), nullptr, 0};
        else
            return target == 3 ? std::nullopt : std::optional<std::int64_t>(target);
    }
    Lifetime life() { return {.serve = std::chrono::hours(1), .fallback = pick(2) == 0 ? Duration::zero() : Duration(std::chrono::hours(1))}; }

    void look() {
        Demand demand{.min_version = pick(3) == 0 ? pick(9) : 0, .want_lease = pick(4) != 0, .refresh = pick(4) == 0, .lease_for = std::chrono::hours(1)};
        const auto here = redis.tier.lookup<Space>(key(), demand).value();
        const auto there = model.lookup<Space>(key(), demand);
        CHECK(here.answer == there.answer);
        CHECK((here.lease != 0) == (there.lease != 0));
        CHECK(here.unsettled == there.unsettled);
        CHECK(here.floored == there.floored);
        CHECK(here.has_fallback == there.has_fallback);
        if (there.answer == Answer::hit || there.has_fallback) {
            CHECK(here.version == there.version);
            if constexpr (Space != 0) CHECK(here.value == there.value);
        }
        if (there.lease != 0) leases = {here.lease, there.lease};
    }
    void fill() {
        const Version version = 1 + pick(8);
        const Value value = this->value(version, static_cast<std::int64_t>(pick(4)));
        const bool right = pick(5) != 0;
        const Lifetime life = pick(5) == 0 ? Lifetime{} : this->life();
        const auto here = redis.tier.fill<Space>(key(), {right ? leases.first : 4711, version, value, {}, life}).value();
        const auto there = model.fill<Space>(key(), {right ? leases.second : 4711, version, value, {}, life});
        CHECK(here == there);
    }
    void fence() {
        const FenceOwner owner = 1 + pick(3);
        REQUIRE(redis.tier.fence(keys(), owner, std::chrono::hours(1)).has_value());
        model.fence(keys(), owner, std::chrono::hours(1));
    }
    void publish() {
        Publication<Pass> publication;
        publication.version = pick(6) == 0 ? 0 : 1 + pick(8);
        publication.owner = pick(4);
        publication.lifetime = pick(6) == 0 ? Lifetime{} : life();
        if constexpr (Space == 0) {
            publication.primary = row;
            if (pick(3) != 0) publication.row = value(publication.version, 0);
            if (pick(8) == 0) publication.row.emplace();
        } else {
            publication.primary = static_cast<std::int64_t>(pick(3));
            (pick(3) == 0 ? publication.gone : publication.aliases).template add<Space>(key());
        }
        REQUIRE(redis.tier.publish(std::span(&publication, 1)).has_value());
        model.publish(std::span<const Publication<Pass>>(&publication, 1));
    }
    void drop() {
        if (pick(2) == 0) {
            REQUIRE(redis.tier.expel(keys()).has_value());
            model.expel(keys());
        } else {
            REQUIRE(redis.tier.expire(keys()).has_value());
            model.expire(keys());
        }
    }

    void run(int steps) {
        for (int step = 0; step < steps; ++step) {
            CAPTURE(step);
            switch (pick(8)) {
            case 0: fence(); break;
            case 1:
            case 2: publish(); break;
            case 3:
            case 4: fill(); break;
            case 5:
                if (pick(3) == 0) drop();
                break;
            default: break;
            }
            look();
        }
    }

    Client& redis;
    std::mt19937_64 random;
    std::int64_t row;
    testing::ManualEnvironment env;
    Model model{{}, env};
    std::pair<LeaseToken, LeaseToken> leases{4711, 4711};
};

} // namespace

TEST_CASE("the scripts do what the reference implementation does, whatever the order") {
    RedisServer server;
    RedisOptions options = server.options();
    options.timeout = 20s;
    Client client(options);
    for (std::int64_t seed = 1; seed <= 60; ++seed) {
        CAPTURE(seed);
        Twins<0>(client, static_cast<std::uint64_t>(seed), seed).run(80);
        Twins<code>(client, static_cast<std::uint64_t>(seed), seed).run(80);
    }
}
