// SPDX-License-Identifier: BSL-1.0
#include "allocations.hpp"
#include "world.hpp"

#include <larder/environment.hpp>
#include <larder/observe/metrics.hpp>

#include <doctest/doctest.h>

#include <cstdlib>
#include <new>
#include <string>

namespace {

constinit thread_local std::size_t made = 0;

void* counted(std::size_t size) {
    ++made;
    if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
    throw std::bad_alloc();
}

} // namespace

namespace repository_tests {
std::size_t allocations() noexcept { return made; }
} // namespace repository_tests

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

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
    CHECK(passes.metrics().hit_ratio() > 0.9);
}
