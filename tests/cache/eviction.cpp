// SPDX-License-Identifier: BSL-1.0
#include <larder/cache/eviction.hpp>
#include <larder/cache/memory.hpp>
#include <larder/database/memory.hpp>
#include <larder/repository/stack.hpp>
#include <larder/testing/manual_environment.hpp>
#include <larder/testing/sample.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace larder;
using namespace std::chrono_literals;
using testing::ManualEnvironment;
using testing::Pass;
using testing::sample_row;

template <class Eviction>
using Cache = MemoryCache<Pass, ManualEnvironment, Eviction>;

static_assert(std::is_same_v<MemoryCache<Pass, ManualEnvironment>, Cache<AdaptiveS3Fifo>>);
static_assert(std::is_same_v<Stack<MemoryCache, MemoryDatabase>::authority<Pass, ManualEnvironment>, Cache<AdaptiveS3Fifo>>);
static_assert(std::is_same_v<Stack<Evicting<Lru>::MemoryCache, MemoryDatabase>::authority<Pass, ManualEnvironment>, Cache<Lru>>);

constexpr std::size_t code = space_of_v<Pass, &Pass::code>;

#define LARDER_RULES Fifo, Lru, Sieve, S3Fifo, WTinyLfu, AdaptiveS3Fifo

template <class Tier>
void fill(Tier& cache, std::int64_t number, std::size_t note = 0) {
    Pass row = sample_row<Pass>(number);
    row.note.assign(note, 'x');
    const auto lease = cache.template lookup<0>(number, Demand{.max_age = Duration(-1)}).lease;
    REQUIRE(cache.template fill<0>(number, {.lease = lease, .version = 1, .value = {std::make_shared<const Pass>(std::move(row)), nullptr, 0}, .age = {}, .lifetime = {.serve = 1h}}) ==
            FillOutcome::stored);
}

/// The fast way to a hit, or else a fill. \returns whether it was a hit.
template <class Tier>
bool ask(Tier& cache, ManualEnvironment& env, std::int64_t number) {
    Lookup<CachedRow<Pass>> out;
    if (cache.template hit<0>(number, hash_key(number), 0, Duration::max(), env.now(), out)) return true;
    fill(cache, number);
    return false;
}

template <class Tier>
std::string rows_among(Tier& cache, std::int64_t last) {
    std::string all;
    for (std::int64_t number = 1; number <= last; ++number)
        if (cache.template lookup<0>(number, Demand{.want_lease = false}).answer == Answer::hit) all += std::to_string(number) + ' ';
    return all;
}

TEST_CASE_TEMPLATE("bounds by entries and by bytes hold under every rule, whatever is evicted, ends or is expelled", Eviction, LARDER_RULES) {
    for (const std::size_t shards : {1U, 4U}) {
        CAPTURE(shards);
        ManualEnvironment env;
        constexpr std::size_t max_entries = 60, max_bytes = 60'000;
        Cache<Eviction> cache({.max_entries = max_entries, .max_bytes = max_bytes, .weigher = [](const Pass& pass) { return pass.note.size(); }, .shards = shards}, env);
        std::mt19937 random(1);
        std::size_t most = 0;
        for (int step = 0; step < 5000; ++step) {
            const auto number = static_cast<std::int64_t>(random() % 150);
            switch (random() % 10) {
            case 0: {
                KeySet<Pass> keys;
                keys.add<0>(number);
                cache.expel(keys);
                break;
            }
            case 1: env.advance(std::chrono::seconds(random() % 60)); break;
            case 2:
            case 3: fill(cache, number, random() % 3000); break;
            default: ask(cache, env, number);
            }
            if (random() % 4 == 0) {
                fill(cache, number);
                REQUIRE(ask(cache, env, number)); // the newest is not what goes
            }
            REQUIRE(cache.usage().entries <= max_entries);
            REQUIRE(cache.usage().bytes <= max_bytes);
            most = std::max(most, cache.usage().entries);
        }
        CHECK(most >= max_entries / 2);
    }
}

TEST_CASE_TEMPLATE("no rule evicts a record that a fence keeps", Eviction, LARDER_RULES) {
    ManualEnvironment env;
    Cache<Eviction> cache({.max_entries = 20}, env);
    KeySet<Pass> fenced;
    for (std::int64_t number = 1; number <= 5; ++number) {
        fill(cache, number);
        fenced.add<0>(number);
    }
    cache.fence(fenced, 7, 1min);
    for (int round = 0; round < 5; ++round)
        for (std::int64_t number = 100; number < 200; ++number) {
            ask(cache, env, number);
            ask(cache, env, number);
            ask(cache, env, number);
        }
    for (std::int64_t number = 1; number <= 5; ++number) CHECK(cache.template lookup<0>(number, Demand{}).answer == Answer::bypass);
    CHECK(cache.usage().entries <= 15);
    CHECK(cache.usage().entries >= 14);
}

TEST_CASE("the least recently used goes, by whatever key it was used") {
    ManualEnvironment env;
    Cache<Lru> cache({.max_entries = 3}, env);
    for (std::int64_t number = 1; number <= 3; ++number) fill(cache, number);
    const std::string text = sample_row<Pass>(1).code;
    const auto lease = cache.lookup<code>(text, Demand{}).lease;
    REQUIRE(cache.fill<code>(text, {.lease = lease, .version = 1, .value = std::int64_t{1}, .age = {}, .lifetime = {.serve = 1h}}) == FillOutcome::stored);
    Lookup<CachedRow<Pass>> out;
    REQUIRE(cache.hit_by<code>(text, hash_key(text), 0, Duration::max(), env.now(), out));
    fill(cache, 4);
    CHECK(rows_among(cache, 4) == "1 3 4 ");
    ask(cache, env, 1);
    fill(cache, 5);
    CHECK(rows_among(cache, 5) == "1 4 5 ");
}

TEST_CASE("the first in goes first out, where that is the rule") {
    ManualEnvironment env;
    Cache<Fifo> cache({.max_entries = 3}, env);
    for (std::int64_t number = 1; number <= 3; ++number) fill(cache, number);
    for (int i = 0; i < 10; ++i) ask(cache, env, 1);
    fill(cache, 4);
    CHECK(rows_among(cache, 4) == "2 3 4 ");
}

TEST_CASE("a scan does not sweep out what is wanted all the time, if nothing else was said") {
    ManualEnvironment env;
    MemoryCache<Pass, ManualEnvironment> cache({.max_entries = 100}, env);
    for (int round = 0; round < 10; ++round)
        for (std::int64_t number = 0; number < 50; ++number) ask(cache, env, number);
    for (std::int64_t number = 1000; number < 2000; ++number) ask(cache, env, number);
    int left = 0;
    for (std::int64_t number = 0; number < 50; ++number) left += ask(cache, env, number);
    CHECK(left >= 45);
}

TEST_CASE("a row that was written is kept by what it is asked for, as any other") {
    ManualEnvironment env;
    MemoryCache<Pass, ManualEnvironment> cache({.max_entries = 50}, env);
    const Pass row = sample_row<Pass>(1);
    int hits = 0, asked = 0;
    for (std::int64_t number = 100; number < 1100; ++number) {
        if (number % 100 == 0) {
            KeySet<Pass> keys;
            keys.add<0>(1);
            cache.fence(keys, 7, 1min);
            Publication<Pass> publication;
            publication.primary = 1;
            publication.version = static_cast<Version>(number);
            publication.row = CachedRow<Pass>{std::make_shared<const Pass>(row), nullptr, 0};
            publication.lifetime.serve = 1h;
            publication.owner = 7;
            cache.publish(std::span(&publication, 1));
        }
        ask(cache, env, number);
        if (number % 3 != 0) continue;
        ++asked;
        hits += ask(cache, env, 1);
    }
    CHECK(hits == asked);
}

} // namespace
