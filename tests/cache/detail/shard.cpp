// SPDX-License-Identifier: BSL-1.0
#include <larder/cache/detail/group_hash.hpp>
#include <larder/cache/detail/shard.hpp>
#include <larder/cache/eviction.hpp>
#include <larder/testing/manual_environment.hpp>
#include <larder/testing/sample.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace {

using namespace larder;
using namespace std::chrono_literals;
using testing::Pass;
using Shard = detail::Shard<std::int64_t, detail::RowRules<Pass>, 1, AdaptiveS3Fifo>;

/// A shard with what its functions want.
struct Held {
    testing::ManualEnvironment env;
    detail::Budget<1> budget{1000, 1'000'000};
    Shard shard;

    /// Fills a row of one group. \returns its record.
    const Shard::Record& store(std::int64_t key, Duration serve = 1h) {
        const std::uint64_t hash = hash_key(key);
        const auto* front = shard.find(key, hash);
        const auto* record = front ? front->record : nullptr;
        if (!record) record = &shard.add(key, hash, 0, budget);
        CachedRow<Pass> dropped;
        const bool held = record->state.held();
        const auto lease = record->state.lookup(env, env.now(), Demand{.refresh = true}, 42, dropped).lease;
        CachedRow<Pass> row{std::make_shared<const Pass>(testing::sample_row<Pass>(1)), nullptr, 0};
        const detail::Prepared<1> prepared{1000, detail::group_hashes<Pass>(row, hash)};
        REQUIRE(record->state.fill(env, env.now(), {.lease = lease, .version = 1, .value = std::move(row), .age = {}, .lifetime = {.serve = serve}}, true, dropped) ==
                FillOutcome::stored);
        shard.update(env, env.now(), *record, &prepared, held, 0, budget);
        return *record;
    }
    std::size_t in_group() const {
        const auto& group = shard.records().get<detail::by_group>();
        return group.count(hash_key(testing::sample_row<Pass>(1).holder_id));
    }
};

TEST_CASE("a record is found by its key and in its group, while it holds a row") {
    Held held;
    const auto& record = held.store(1);
    held.store(2);
    CHECK(held.in_group() == 2);
    CHECK(held.shard.find(std::int64_t{1}, hash_key(std::int64_t{1})) == &record.front());
    CHECK(held.shard.find(std::int64_t{3}, hash_key(std::int64_t{3})) == nullptr);
    CHECK(held.shard.held() == 2);
    const std::size_t full = held.shard.bytes();

    CachedRow<Pass> dropped;
    record.state.fence(held.env, held.env.now(), 7, 1h, dropped);
    held.shard.update(held.env, held.env.now(), record, nullptr, true, 0, held.budget);
    CHECK(held.in_group() == 1);
    CHECK(held.shard.held() == 1);
    CHECK(held.shard.records().size() == 2);
    CHECK(held.shard.bytes() < full);
}

TEST_CASE("a record with nothing in it is removed") {
    Held held;
    const auto& record = held.store(1);
    CachedRow<Pass> dropped;
    record.state.expel(held.env, held.env.now(), dropped);
    held.shard.update(held.env, held.env.now(), record, nullptr, true, 0, held.budget);
    CHECK(held.shard.records().empty());
    CHECK(held.shard.held() == 0);
    CHECK(held.shard.bytes() == 0);
}

TEST_CASE("what has ended is evicted before anything else") {
    Held held;
    held.store(1, 1h);
    held.store(2, 1s);
    held.env.advance(2s);
    detail::Leavings<CachedRow<Pass>> leavings;
    CHECK(held.shard.evict_one(held.env, held.env.now(), EvictionCause::capacity, std::nullopt, 0, held.budget, leavings));
    CHECK(held.shard.find(std::int64_t{1}, hash_key(std::int64_t{1})) != nullptr);
    CHECK(held.shard.find(std::int64_t{2}, hash_key(std::int64_t{2})) == nullptr);
    CHECK_FALSE(held.shard.evict_one(held.env, held.env.now(), EvictionCause::capacity, hash_key(std::int64_t{1}), 0, held.budget, leavings));
    CHECK(held.shard.evict_one(held.env, held.env.now(), EvictionCause::capacity, std::nullopt, 0, held.budget, leavings));
    CHECK(leavings.values.size() == 2);
    leavings.evictions.tell(held.env);
    CHECK(held.env.observer().all<event::Evicted>().size() == 2);
}

} // namespace
