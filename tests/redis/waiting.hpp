// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/cache_tier.hpp>

#include <cstddef>
#include <future>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace redis_tests {

using namespace larder;

/// An asynchronous tier that waits for each operation's end.
template <class Entity, class Tier>
class Waiting {
public:
    static constexpr Level level = Tier::level;
    static constexpr bool outlives_process = Tier::outlives_process;

    template <class... Args>
    explicit Waiting(Args&&... args) : tier_(std::forward<Args>(args)...) {}

    template <std::size_t Space>
    Outcome<Lookup<space_value_t<Entity, Space>>> lookup(const space_key_t<Entity, Space>& key, const Demand& demand) {
        return wait<Outcome<Lookup<space_value_t<Entity, Space>>>>([&](auto done) { tier_.template async_lookup<Space>(key, demand, std::move(done)); });
    }
    template <std::size_t Space>
    Outcome<std::vector<Lookup<space_value_t<Entity, Space>>>> lookup_many(std::span<const space_key_t<Entity, Space>> keys, const Demand& demand) {
        return wait<Outcome<std::vector<Lookup<space_value_t<Entity, Space>>>>>([&](auto done) { tier_.template async_lookup_many<Space>(keys, demand, std::move(done)); });
    }
    template <std::size_t Space>
    Outcome<FillOutcome> fill(const space_key_t<Entity, Space>& key, FillRequest<space_value_t<Entity, Space>> request) {
        return wait<Outcome<FillOutcome>>([&](auto done) { tier_.template async_fill<Space>(key, std::move(request), std::move(done)); });
    }
    template <std::size_t Space>
    Outcome<std::vector<FillOutcome>> fill_many(std::span<const space_key_t<Entity, Space>> keys, std::vector<FillRequest<space_value_t<Entity, Space>>> requests) {
        return wait<Outcome<std::vector<FillOutcome>>>([&](auto done) { tier_.template async_fill_many<Space>(keys, std::move(requests), std::move(done)); });
    }
    Outcome<void> fence(const KeySet<Entity>& keys, FenceOwner owner, Duration length) {
        return wait<Outcome<void>>([&](auto done) { tier_.async_fence(keys, owner, length, std::move(done)); });
    }
    Outcome<void> publish(std::span<const Publication<Entity>> publications) {
        return wait<Outcome<void>>([&](auto done) { tier_.async_publish(publications, std::move(done)); });
    }
    Outcome<void> expel(const KeySet<Entity>& keys) {
        return wait<Outcome<void>>([&](auto done) { tier_.async_expel(keys, std::move(done)); });
    }
    Outcome<void> expire(const KeySet<Entity>& keys) {
        return wait<Outcome<void>>([&](auto done) { tier_.async_expire(keys, std::move(done)); });
    }
    Outcome<void> clear() {
        return wait<Outcome<void>>([&](auto done) { tier_.async_clear(std::move(done)); });
    }
    Outcome<TierUsage> usage() {
        return wait<Outcome<TierUsage>>([&](auto done) { tier_.async_usage(std::move(done)); });
    }

    Tier& tier() noexcept { return tier_; }

private:
    template <class Result, class Start>
    static Result wait(const Start& start) {
        std::promise<Result> promise;
        auto future = promise.get_future();
        start([&promise](Result result) { promise.set_value(std::move(result)); });
        return future.get();
    }

    Tier tier_;
};

} // namespace redis_tests
