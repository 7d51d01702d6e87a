// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/memory.hpp>
#include <larder/testing/manual_environment.hpp>
#include <larder/testing/sample.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

/// Makes small memory caches on a manual clock, as the conformance suite wants them.
struct MemoryFixture {
    template <class Entity>
    using Cache = larder::MemoryCache<Entity, larder::testing::ManualEnvironment>;

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

    /// Crowds the record out with other keys.
    template <class Entity, std::size_t Space>
    void forget(Cache<Entity>& cache, const larder::space_key_t<Entity, Space>&) {
        for (std::int64_t i = 0; i < static_cast<std::int64_t>(2 * capacity); ++i)
            static_cast<void>(cache.template lookup<Space>(*larder::key_of<Space>(larder::testing::sample_row<Entity>(1000 + 10 * i)), larder::Demand{}));
    }
};
