// SPDX-License-Identifier: BSL-1.0
#include <larder/cache/eviction.hpp>
#include <larder/cache/memory.hpp>
#include <larder/observe/event.hpp>
#include <larder/testing/manual_environment.hpp>
#include <larder/testing/sample.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace larder;
using namespace std::chrono_literals;
using testing::Pass;
using testing::sample_row;
using Environment = testing::BasicManualEnvironment<NullObserver>;

constexpr std::size_t code = space_of_v<Pass, &Pass::code>;
constexpr std::size_t holder = space_of_v<Pass, &Pass::holder_id>;

/// Does everything that a tier can do, at random.
template <class Cache>
void wear(Cache& cache, Environment& env, std::uint64_t seed, std::size_t max_entries, bool& sound) {
    std::mt19937_64 random(seed);
    for (int step = 0; step < 6000; ++step) {
        const auto number = static_cast<std::int64_t>(random() % 200);
        const Pass row = sample_row<Pass>(number, random() % 10 + 1);
        const CachedRow<Pass> value{std::make_shared<const Pass>(row), nullptr, 0};
        const Lifetime lifetime{.serve = std::chrono::seconds(random() % 100), .fallback = 1s};
        KeySet<Pass> keys;
        keys.add_all_of(row);
        Lookup<CachedRow<Pass>> out;
        switch (random() % 16) {
        case 0: cache.expel(keys); break;
        case 1: cache.expire(keys); break;
        case 2: cache.fence(keys, seed, std::chrono::milliseconds(random() % 3000)); break;
        case 3:
        case 4: {
            Publication<Pass> publication;
            publication.primary = number;
            publication.version = row.version;
            publication.row = value;
            publication.aliases = keys;
            publication.lifetime = lifetime;
            publication.owner = seed;
            cache.publish(std::span(&publication, 1));
            break;
        }
        case 5: cache.template expel_group<holder>(row.holder_id); break;
        case 6: sound = cache.due_for_refresh(10s, 10).size() <= 10 && sound; break;
        case 7: env.advance(std::chrono::milliseconds(random() % 100)); break;
        case 8:
            if (random() % 100 == 0) cache.clear();
            break;
        case 9: {
            const auto found = cache.template lookup<code>(row.code, Demand{});
            cache.template fill<code>(row.code, {.lease = found.lease, .version = row.version, .value = number, .age = {}, .lifetime = lifetime});
            break;
        }
        case 10:
        case 11: cache.template hit_by<code>(row.code, hash_key(row.code), 0, Duration::max(), env.now(), out); break;
        default:
            if (cache.template hit<0>(number, hash_key(number), 0, Duration::max(), env.now(), out)) break;
            const auto found = cache.template lookup<0>(number, Demand{});
            cache.template fill<0>(number, {.lease = found.lease, .version = row.version, .value = value, .age = {}, .lifetime = lifetime});
        }
        if (out.answer == Answer::hit && out.value.full) sound = out.value.full->code == row.code && sound;
        sound = cache.usage().aliases <= 3 * (max_entries + 200) && sound;
    }
}

TEST_CASE_TEMPLATE("threads that do everything at once leave the tier within its bounds", Eviction, Fifo, Lru, WTinyLfu, AdaptiveS3Fifo) {
    using Cache = MemoryCache<Pass, Environment, Eviction>;
    for (const std::size_t shards : {std::size_t{1}, std::size_t{8}}) {
        CAPTURE(shards);
        Environment env;
        constexpr std::size_t max_entries = 50;
        constexpr std::size_t max_bytes = 40'000;
        Cache cache({.max_entries = max_entries, .max_bytes = max_bytes, .shards = shards}, env);
        constexpr std::size_t thread_count = 4;
        bool sound[thread_count]{true, true, true, true};
        std::vector<std::thread> threads;
        for (std::size_t number = 0; number < thread_count; ++number)
            threads.emplace_back([&, number] { wear(cache, env, number + 1, max_entries, sound[number]); });
        for (auto& thread : threads) thread.join();
        for (const bool each : sound) CHECK(each);

        env.advance(1h);
        for (std::int64_t number = 1000; number < 1400; ++number) {
            const auto found = cache.template lookup<0>(number, Demand{});
            cache.template fill<0>(number, {.lease = found.lease, .version = 1, .value = {std::make_shared<const Pass>(sample_row<Pass>(number)), nullptr, 0}, .age = {}, .lifetime = {.serve = 1h}});
            const TierUsage usage = cache.usage();
            REQUIRE(usage.entries <= max_entries);
            REQUIRE(usage.bytes <= max_bytes);
        }
        CHECK(cache.usage().entries >= 25);
        cache.clear();
        const TierUsage usage = cache.usage();
        CHECK(usage.entries == 0);
        CHECK(usage.aliases == 0);
        CHECK(usage.bytes == 0);
    }
}

} // namespace
