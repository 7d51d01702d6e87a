// SPDX-License-Identifier: BSL-1.0
#include "memory_fixture.hpp"

#include <larder/testing/cache_conformance.hpp>

#include <doctest/doctest.h>

TEST_CASE("the memory cache meets the contract of a cache tier") {
    MemoryFixture fixture;
    const auto cases = larder::testing::cache_conformance(fixture);
    CHECK(cases.size() > 100);
    for (const auto& rule : cases) {
        INFO(rule.name);
        CHECK_NOTHROW(rule.run());
    }
}
