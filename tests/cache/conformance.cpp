// SPDX-License-Identifier: BSL-1.0
#include "memory_fixture.hpp"

#include <larder/testing/cache_conformance.hpp>

#include <doctest/doctest.h>

TEST_CASE_TEMPLATE("the memory cache meets the contract of a cache tier, whatever it evicts by", Eviction, larder::Fifo, larder::Lru, larder::WTinyLfu, larder::AdaptiveS3Fifo) {
    MemoryFixtureWith<Eviction> fixture;
    const auto cases = larder::testing::cache_conformance(fixture);
    CHECK(cases.size() > 100);
    for (const auto& rule : cases) {
        INFO(rule.name);
        CHECK_NOTHROW(rule.run());
    }
}
