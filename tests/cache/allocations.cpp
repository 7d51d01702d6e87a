// SPDX-License-Identifier: BSL-1.0
#include "../counting_new.hpp"

#include <larder/cache/detail/budget.hpp>
#include <larder/cache/detail/floor.hpp>
#include <larder/cache/detail/fronts.hpp>
#include <larder/cache/detail/shard.hpp>
#include <larder/cache/eviction.hpp>
#include <larder/cache/memory.hpp>
#include <larder/environment.hpp>
#include <larder/observe/event.hpp>
#include <larder/testing/sample.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace larder;
using testing::Setting;

TEST_CASE("a hit allocates nothing, not even with keys of text") {
    SystemEnvironment<NullObserver> env;
    MemoryCache<Setting, SystemEnvironment<NullObserver>> cache({}, env);
    auto row = testing::sample_row<Setting>(1);
    row.name = "a name that is longer than any string keeps in itself";
    row.alias = "an alias that is longer than any string keeps in itself";
    constexpr std::size_t alias = space_of_v<Setting, &Setting::alias>;
    const Lifetime lifetime{.serve = std::chrono::hours(1)};
    auto lease = cache.lookup<0>(row.name, Demand{}).lease;
    REQUIRE(cache.fill<0>(row.name, {.lease = lease, .version = 0, .value = {std::make_shared<const Setting>(row), nullptr, 0}, .age = {}, .lifetime = lifetime}) ==
            FillOutcome::stored);
    lease = cache.lookup<alias>(row.alias, Demand{}).lease;
    REQUIRE(cache.fill<alias>(row.alias, {.lease = lease, .version = 0, .value = row.name, .age = {}, .lifetime = lifetime}) == FillOutcome::stored);

    Lookup<CachedRow<Setting>> out;
    const std::string_view name = row.name;
    const std::string_view other = row.alias;
    counting_new::made = 0;
    const bool by_name = cache.hit<0>(name, hash_key(name), 0, Duration::max(), env.now(), out);
    const bool by_alias = cache.hit_by<alias>(other, hash_key(other), 0, Duration::max(), env.now(), out);
    const bool no_hit = cache.hit<0>(other, hash_key(other), 0, Duration::max(), env.now(), out);
    const std::size_t counted_now = counting_new::made;
    CHECK(by_name);
    CHECK(by_alias);
    CHECK_FALSE(no_hit);
    CHECK(counted_now == 0);
    CHECK(std::make_unique<int>(1) != nullptr);
    CHECK(counting_new::made > 0);
}

/// As much of a record as its front knows of.
struct Hashed {
    std::uint64_t hash = 0;
};

TEST_CASE("the memory of fronts is used again, and given back when the last one goes") {
    using Fronts = detail::Fronts<Hashed, detail::RowRules<Setting>>;
    std::vector<Hashed> records(1000);
    for (std::size_t i = 0; i < records.size(); ++i) records[i].hash = hash_key(static_cast<std::int64_t>(i));
    std::vector<Fronts::Front*> made(records.size());
    Fronts fronts;
    const auto allocations_to_add = [&](std::size_t from, std::size_t count) {
        const std::size_t before = counting_new::made;
        for (std::size_t i = from; i < from + count; ++i) {
            made[i] = fronts.make();
            made[i]->record = &records[i];
            fronts.add(made[i]);
        }
        return counting_new::made - before;
    };
    const auto remove = [&](std::size_t from, std::size_t count) {
        for (std::size_t i = from; i < from + count; ++i) fronts.remove(made[i]);
    };
    CHECK(allocations_to_add(0, 1) > 0);
    remove(0, 1);
    CHECK(allocations_to_add(0, 1) == 0);
    CHECK(allocations_to_add(1, 999) > 0);
    remove(0, 500);
    CHECK(allocations_to_add(0, 500) < 3);
    remove(0, 1000);
    CHECK(allocations_to_add(0, 1) > 1);
    CHECK(allocations_to_add(1, 999) > 5);
}

TEST_CASE("a shard that gets no memory for a record is as it was") {
    const std::int64_t key = 1;
    const std::uint64_t hash = hash_key(key);
    std::size_t failed = 0;
    for (bool fails = true; fails;) {
        detail::Budget<1> budget{1000, 1'000'000};
        detail::Shard<std::int64_t, detail::RowRules<testing::Pass>, 1, AdaptiveS3Fifo> shard;
        counting_new::fails_at = counting_new::made + failed + 1;
        try {
            shard.add(key, hash, 0, budget);
            fails = false;
        } catch (const std::bad_alloc&) {
            ++failed;
        }
        counting_new::fails_at = 0;
        CHECK(shard.records().size() == (fails ? 0 : 1));
        CHECK((shard.find(key, hash) == nullptr) == fails);
        if (fails) shard.add(key, hash, 0, budget);
        CHECK(shard.records().size() == 1);
        REQUIRE(shard.find(key, hash));
        CHECK(shard.find(key, hash)->record->key == key);
    }
    CHECK(failed > 3);
}

} // namespace
