// SPDX-License-Identifier: BSL-1.0
#include "worlds.hpp"

#include <larder/testing/database_conformance.hpp>

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using namespace larder_tests;

namespace {

template <class Factory>
void check(Factory make, std::vector<std::string> lacking = {}) {
    for (const auto& rule : testing::database_conformance(make, std::move(lacking))) {
        INFO(rule.name);
        try {
            rule.run();
        } catch (const testing::ConformanceFailure& failure) {
            FAIL_CHECK(std::string(failure.what()));
        }
    }
}

const std::vector<std::string> what_functions_lack = {"Coupon: load_version", "Pass: touch", "Pass: list_due expires_at", "Pass: revoke_all passes.holder_id", "Pass: parents_of holder", "Holder: clock", "Pass: clock",
                                                     "Reading: clock", "Crate: clock", "Coupon: clock", "Holder: begin", "Pass: begin", "Reading: begin", "Coupon: begin"};

std::vector<std::string> operator+(std::vector<std::string> some, const std::vector<std::string>& others) {
    some.insert(some.end(), others.begin(), others.end());
    return some;
}

} // namespace

TEST_CASE("MemoryDatabase meets the contract") { check([] { return MemoryWorld(); }); }
TEST_CASE("SqliteDatabase meets the contract, in a file") { check([] { return SqliteWorld(false); }); }
TEST_CASE("SqliteDatabase meets the contract, in memory") { check([] { return SqliteWorld(true); }); }
TEST_CASE("VersionedFunctionDatabase meets the contract, but for touches, epochs and a clock") { check([] { return FunctionWorld<VersionedFunctionDatabase>(); }, what_functions_lack); }
TEST_CASE("FunctionDatabase meets the part of the contract that knows no versions") {
    check([] { return FunctionWorld<FunctionDatabase>(); }, what_functions_lack + std::vector<std::string>{"Holder: conditional_writes", "Pass: conditional_writes", "Reading: conditional_writes",
                                                                                                          "Crate: conditional_writes", "Coupon: conditional_writes"});
}
