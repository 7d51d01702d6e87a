// SPDX-License-Identifier: BSL-1.0
#include <larder/cache/memory.hpp>
#include <larder/database/memory.hpp>
#include <larder/policy/write_through.hpp>
#include <larder/repository/cached_repository.hpp>
#include <larder/testing/sample.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <latch>
#include <thread>
#include <vector>

using namespace larder;
using testing::Holder;
using testing::Pass;

TEST_CASE("calls of several threads are counted exactly, with more threads than have counters of their own") {
    constexpr unsigned threads = larder::detail::exclusive_slots + 6;
    constexpr std::uint64_t rounds = 300;
    MemoryTables tables;
    Pass row = testing::sample_row<Pass>(1);
    row.holder_id = MemoryDatabase<Holder>(tables).insert({}).value().id;
    CachedRepository<Pass, Stack<MemoryCache, MemoryDatabase>> passes({{}, tables}, {.sole_writer = true});
    passes.insert(row).or_throw();
    const auto found = passes.find_by<&Pass::code>(row.code).or_throw();
    passes.touch(found).or_throw();
    const auto fresh = passes.find(row.id).or_throw();
    const auto before = passes.metrics();
    {
        std::latch start(threads);
        std::vector<std::jthread> workers;
        for (unsigned t = 0; t < threads; ++t)
            workers.emplace_back([&] {
                start.arrive_and_wait();
                for (std::uint64_t i = 0; i < rounds; ++i) {
                    passes.find(row.id);
                    passes.find_by<&Pass::code>(row.code);
                    passes.find_warm(row.id);
                    passes.try_find(row.id);
                    passes.try_find(999);
                    passes.touch(fresh);
                }
            });
    }
    const auto counted = passes.metrics() - before;
    CHECK(counted.calls[Verb::find] == 4 * threads * rounds);
    CHECK(counted.calls[Verb::find_by] == threads * rounds);
    CHECK(counted.calls[Verb::touch] == threads * rounds);
    CHECK(counted.requests() == 6 * threads * rounds);
    CHECK(counted.lookups[Level::memory][LookupOutcome::hit].records == 4 * threads * rounds);
    CHECK(counted.lookups[Level::memory][LookupOutcome::hit].aliases == threads * rounds);
    CHECK(counted.lookups[Level::memory][LookupOutcome::miss].records == threads * rounds);
    CHECK(counted.hit_ratio() == doctest::Approx(0.8).epsilon(1e-12));
}
