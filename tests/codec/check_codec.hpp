// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/testing/conformance.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <vector>

namespace codec_tests {

/// Runs the rules of a suite.
inline void check_rules(const std::vector<larder::testing::ConformanceCase>& rules) {
    CHECK(!rules.empty());
    for (const auto& rule : rules) {
        INFO(rule.name);
        try {
            rule.run();
        } catch (const larder::testing::ConformanceFailure& failure) {
            FAIL_CHECK(std::string(failure.what()));
        }
    }
}

/// How many rules of a suite are broken.
inline std::size_t broken_rules(const std::vector<larder::testing::ConformanceCase>& rules) {
    std::size_t broken = 0;
    for (const auto& rule : rules) {
        try {
            rule.run();
        } catch (const larder::testing::ConformanceFailure&) {
            ++broken;
        }
    }
    return broken;
}

} // namespace codec_tests
