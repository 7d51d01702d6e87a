// SPDX-License-Identifier: BSL-1.0
#include "worlds.hpp"

#include <larder/testing/database_conformance.hpp>

#include <doctest/doctest.h>

#include <cstddef>

using namespace larder_tests;

namespace {

template <class Factory>
void check(std::size_t cases, Factory make) {
    const auto rules = testing::database_conformance(make);
    CHECK(rules.size() == cases);
    for (const auto& rule : rules) {
        INFO(rule.name);
        try {
            rule.run();
        } catch (const testing::ConformanceFailure& failure) {
            FAIL_CHECK(failure.what());
        }
    }
}

constexpr std::size_t every_case = 30;

} // namespace

TEST_CASE("MemoryDatabase meets the contract") { check(every_case, [] { return MemoryWorld(); }); }
TEST_CASE("SqliteDatabase meets the contract, in a file") { check(every_case, [] { return SqliteWorld(false); }); }
TEST_CASE("SqliteDatabase meets the contract, in memory") { check(every_case, [] { return SqliteWorld(true); }); }
TEST_CASE("VersionedFunctionDatabase meets the contract, but for touches, epochs and a clock") {
    check(every_case - 6, [] { return FunctionWorld<VersionedFunctionDatabase>(); });
}
TEST_CASE("FunctionDatabase meets the part of the contract that knows no versions") { check(every_case - 10, [] { return FunctionWorld<FunctionDatabase>(); }); }
