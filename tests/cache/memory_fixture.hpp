// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/eviction.hpp>
#include <larder/cache/memory.hpp>
#include <larder/testing/manual_environment.hpp>
#include <larder/testing/sample.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>

/// Makes small memory caches with an eviction rule on a manual clock, as the conformance suite wants them.
template <class Eviction>
struct MemoryFixtureWith {
    template <class Entity>
    using Cache = larder::MemoryCache<Entity, larder::testing::ManualEnvironment, Eviction>;

    static constexpr std::size_t capacity = 64;

    larder::testing::ManualEnvironment env;
    larder::Duration unit = std::chrono::seconds(1);

    template <class Entity>
    std::unique_ptr<Cache<Entity>> make(std::size_t max_bytes) {
        typename Cache<Entity>::Config config{.max_entries = capacity};
        if (max_bytes != 0) config.max_bytes = max_bytes;
        return std::make_unique<Cache<Entity>>(config, env);
    }

    void pass(larder::Duration duration) { env.advance(duration); }

    /// Crowds the record out by other keys, which are asked for again and again, as no rule can but notice.
    template <class Entity, std::size_t Space>
    void forget(Cache<Entity>& cache, const larder::space_key_t<Entity, Space>&) {
        using larder::Answer;
        for (int round = 0; round < 4; ++round)
            for (std::int64_t i = 0; i < static_cast<std::int64_t>(2 * capacity); ++i) {
                const auto key = *larder::key_of<Space>(larder::testing::sample_row<Entity>(1000 + 10 * i));
                if (const auto found = cache.template lookup<Space>(key, larder::Demand{}); found.answer == Answer::miss)
                    static_cast<void>(cache.template fill<Space>(key, {.lease = found.lease, .version = 1, .value = crowding<Entity, Space>(), .age = {}, .lifetime = {.serve = unit * 1000}}));
                for (int hits = 0; hits < 4; ++hits) static_cast<void>(cache.template lookup<Space>(key, larder::Demand{}));
            }
    }

private:
    template <class Entity, std::size_t Space>
    static larder::space_value_t<Entity, Space> crowding() {
        larder::space_value_t<Entity, Space> value{};
        if constexpr (std::is_integral_v<larder::space_value_t<Entity, Space>>) value = 1;
        return value;
    }
};

using MemoryFixture = MemoryFixtureWith<larder::AdaptiveS3Fifo>;
