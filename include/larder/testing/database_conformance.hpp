// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/database.hpp>
#include <larder/testing/conformance.hpp>
#include <larder/testing/detail/database_concurrency.hpp>
#include <larder/testing/detail/database_groups.hpp>
#include <larder/testing/detail/database_reading.hpp>
#include <larder/testing/detail/database_rows.hpp>
#include <larder/testing/detail/database_writing.hpp>

#include <concepts>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {

/// Meets the requirements of a factory for the suite: called, it makes a *world*, an empty store with the tables of `Holder`,
/// `Pass`, `Reading`, `Setting`, `Crate` and `Coupon`; and the world's `database<Entity>()` is a database of one of them.
/// The world outlives its databases.
template <class F>
concept database_factory = requires(const F& make) {
    { make().template database<Holder>() };
    requires database<detail::database_of_t<decltype(make()), Holder>, Holder>;
    requires database<detail::database_of_t<decltype(make()), Pass>, Pass>;
    requires database<detail::database_of_t<decltype(make()), Reading>, Reading>;
    requires database<detail::database_of_t<decltype(make()), Setting>, Setting>;
    requires database<detail::database_of_t<decltype(make()), Crate>, Crate>;
    requires database<detail::database_of_t<decltype(make()), Coupon>, Coupon>;
};

/// The conformance suite of databases: every rule of the contract (database/database.hpp), and of each refinement that the
/// databases of the factory have, as named cases. For authors of databases:
///
/// ```cpp
/// for (const auto& rule : larder::testing::database_conformance([] { return MyWorld(); })) {
///     INFO(rule.name);
///     CHECK_NOTHROW(rule.run());
/// }
/// ```
///
/// Each case makes a world of its own; cases of refinements that the databases do not have are not in the list. Databases
/// that talk to a server are wrapped in a form that waits. A case blocks; the threads that it starts it ends.
template <database_factory Factory>
    requires std::copy_constructible<Factory>
std::vector<ConformanceCase> database_conformance(Factory make) {
    std::vector<ConformanceCase> cases;
    detail::check_database_reading(cases, make);
    detail::check_database_writing(cases, make);
    detail::check_database_groups(cases, make);
    detail::check_database_concurrency(cases, make);
    return cases;
}

} // namespace testing
} // namespace v0
} // namespace larder
