// SPDX-License-Identifier: BSL-1.0
#include "server.hpp"

#include <larder/testing/database_conformance.hpp>

#include <doctest/doctest.h>

using namespace larder_tests;

TEST_CASE("PostgresDatabase meets the contract") {
    for (const auto& rule : testing::database_conformance([] { return PostgresWorld(); })) {
        INFO(rule.name);
        try {
            rule.run();
        } catch (const std::exception& failure) {
            FAIL_CHECK(std::string(failure.what()));
        }
    }
}
