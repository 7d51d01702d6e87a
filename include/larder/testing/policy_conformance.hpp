// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/memory.hpp>
#include <larder/database/memory.hpp>
#include <larder/database/memory_tables.hpp>
#include <larder/policy/policy.hpp>
#include <larder/repository/cached_repository.hpp>
#include <larder/repository/options.hpp>
#include <larder/repository/scope.hpp>
#include <larder/repository/stack.hpp>
#include <larder/testing/conformance.hpp>
#include <larder/testing/detail/policy_failures.hpp>
#include <larder/testing/detail/policy_races.hpp>
#include <larder/testing/detail/policy_visibility.hpp>
#include <larder/testing/manual_environment.hpp>
#include <larder/testing/sample.hpp>

#include <concepts>
#include <memory>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {

/// Makes the repositories that the policy suite tries a policy with: one entity over a cache in memory and a database in memory.
template <policy Policy, class Backend = Stack<MemoryCache, MemoryDatabase>>
struct PolicyFactory {
    Policy policy{};

    template <class Entity>
    auto make(const MemoryTables& tables, const ManualEnvironment& environment, const Options& options) const {
        using Repository = CachedRepository<Entity, Backend, Policy, ManualEnvironment>;
        typename Repository::Config config{};
        config.database = tables;
        return std::make_unique<Repository>(std::move(config), options, policy, environment);
    }
};

/// Meets the requirements of a factory for the suite: `make<Entity>(tables, environment, options)` makes, by an owning pointer, a new
/// repository with empty caches over the tables, for `Pass` and, if the policy suits entities without versions, for `Setting`. Its
/// authority is an in-process tier and its database is `MemoryDatabase`.
template <class F>
concept policy_factory = std::copy_constructible<F> && requires(const F& factory, const MemoryTables& tables, const ManualEnvironment& environment, const Options& options) {
    { (*factory.template make<Pass>(tables, environment, options)).options() } -> std::convertible_to<Options>;
};

/// The suite that proves a policy: that what it declares (its guarantee, whether it fences, how it marks rows) holds in all that a
/// repository does, with writes in the middle of reads and failures at each step. For authors of policies:
///
/// ```cpp
/// for (const auto& rule : larder::testing::policy_conformance(larder::testing::PolicyFactory<MyPolicy>())) {
///     INFO(rule.name);
///     CHECK_NOTHROW(rule.run());
/// }
/// ```
///
/// The cases are independent of each other, run on the calling thread alone, and take no real time.
template <policy_factory Factory>
std::vector<ConformanceCase> policy_conformance(const Factory& factory) {
    std::vector<ConformanceCase> cases;
    policy_suite::add_visibility_rules(cases, factory);
    policy_suite::add_race_rules(cases, factory);
    policy_suite::add_failure_rules(cases, factory);
    return cases;
}

} // namespace testing
} // namespace v0
} // namespace larder
