// SPDX-License-Identifier: BSL-1.0
#include "../cache/memory_fixture.hpp"

#include <larder/testing/cache_conformance.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string>

namespace {

using namespace larder;

TEST_CASE("the suite's cases have names of their own") {
    MemoryFixture fixture;
    std::set<std::string> names;
    for (const auto& rule : testing::cache_conformance(fixture)) CHECK(names.insert(rule.name).second);
}

TEST_CASE("the suite finds a tier that lacks a guard, and says what it expected") {
    for (const Guard guard : {Guard::lease_on_fill, Guard::lease_expiry, Guard::floor_on_fill, Guard::floor_on_publish, Guard::fence, Guard::fence_owner,
                              Guard::settle_after_fence}) {
        CAPTURE(static_cast<int>(guard));
        MemoryFixture fixture;
        fixture.env.disable(guard);
        int broken = 0;
        for (const auto& rule : testing::cache_conformance(fixture)) {
            try {
                rule.run();
            } catch (const testing::ConformanceFailure& failure) {
                ++broken;
                const std::string text = failure.what();
                CHECK(text.starts_with("expected: "));
                CHECK(text.find("_rules.hpp:") != std::string::npos);
            }
        }
        CHECK(broken > 0);
    }
}

} // namespace
