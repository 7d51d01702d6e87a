// SPDX-License-Identifier: BSL-1.0
#include "allocations.hpp"
#include "../counting_new.hpp"
#include "world.hpp"

#include <larder/environment.hpp>
#include <larder/observe/metrics.hpp>

#include <doctest/doctest.h>

#include <string>

std::size_t repository_tests::allocations() noexcept { return counting_new::made; }

using namespace repository_tests;

TEST_CASE("a hit in memory allocates nothing, by whatever key, with all features on") {
    MemoryTables tables;
    const auto holder = MemoryDatabase<Holder>(tables).insert({}).value().id;
    CachedRepository<Pass, Stack<MemoryCache, MemoryDatabase>, WriteThrough> passes({{}, tables}, {.stale_if_error = 1h, .sole_writer = true});
    Pass row;
    row.holder_id = holder;
    row.code = "a code that is too long to be kept in a string itself";
    row.expires_at = TimePoint(std::chrono::hours(24 * 365 * 100));
    const auto id = passes.insert(row).or_throw().key();
    passes.find_by<&Pass::code>(row.code);
    std::size_t found = 0;
    const std::size_t before = allocations();
    for (int i = 0; i < 1000; ++i) {
        found += static_cast<bool>(passes.find(id));
        found += static_cast<bool>(passes.find_by<&Pass::code>(row.code));
        found += static_cast<bool>(passes.try_find(id));
        found += static_cast<bool>(passes.try_find_by<&Pass::code>(row.code));
        found += passes.try_find(id + 1).absence() == Absence::not_cached;
    }
    CHECK(allocations() == before);
    CHECK(found == 5000);
    CHECK(passes.metrics().hit_ratio() == doctest::Approx(4000.0 / 5001));
}
