// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/testing/policy_conformance.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <exception>
#include <string>

namespace policy_tests {

/// Runs the suite for a policy. \param least how many rules there must be at the least.
template <class Policy, class Backend = larder::Stack<larder::MemoryCache, larder::MemoryDatabase>>
void check_policy(std::size_t least, Policy policy = {}) {
    const auto rules = larder::testing::policy_conformance(larder::testing::PolicyFactory<Policy, Backend>{policy});
    CHECK(rules.size() >= least);
    for (const auto& rule : rules) {
        INFO(rule.name);
        try {
            rule.run();
        } catch (const larder::testing::ConformanceFailure& failure) {
            FAIL_CHECK(std::string(failure.what()));
        }
    }
}

/// How many rules the repositories of a factory break.
template <class Factory>
std::size_t broken_rules(const Factory& factory) {
    std::size_t broken = 0;
    for (const auto& rule : larder::testing::policy_conformance(factory)) {
        try {
            rule.run();
        } catch (const std::exception&) {
            ++broken;
        }
    }
    return broken;
}

/// Makes repositories in whose environment one guard is switched off.
template <class Policy>
struct WithoutGuard {
    larder::Guard guard;

    template <class Entity>
    auto make(const larder::MemoryTables& tables, const larder::testing::ManualEnvironment& environment, const larder::Options& options) const {
        auto unguarded = environment;
        unguarded.disable(guard);
        return larder::testing::PolicyFactory<Policy>().template make<Entity>(tables, unguarded, options);
    }
};

} // namespace policy_tests
