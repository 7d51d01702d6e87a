// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/database.hpp>
#include <larder/database/detail/lacks.hpp>
#include <larder/testing/conformance.hpp>
#include <larder/testing/detail/database_concurrency.hpp>
#include <larder/testing/detail/database_groups.hpp>
#include <larder/testing/detail/database_reading.hpp>
#include <larder/testing/detail/database_rows.hpp>
#include <larder/testing/detail/database_suite.hpp>
#include <larder/testing/detail/database_transactions.hpp>
#include <larder/testing/detail/database_writing.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {

/// The rules that a world's databases are asked to keep, as a range of named cases, and those that they are not asked, each with
/// what is lacking for it.
struct DatabaseConformance {
    std::vector<ConformanceCase> cases;
    std::vector<LeftOutCase> left_out;

    auto begin() const noexcept { return cases.begin(); }
    auto end() const noexcept { return cases.end(); }
    std::size_t size() const noexcept { return cases.size(); }
};

namespace detail {

/// Says of a world what it lacks of an entity's database.
template <class World, class Entity>
constexpr bool world_is_sound() {
    if constexpr (!leaves_out_v<World, Entity>) {
        constexpr bool offered = requires(World& world) { world.template database<Entity>(); };
        static_assert(offered, "larder: a world of the conformance suite needs database<Entity>() for each of the suite's entities; of those that it has none for, it says: "
                               "using leaves_out = larder::testing::Entities<...>");
        if constexpr (offered)
            if constexpr (!database<database_of_t<World, Entity>, Entity>) static_assert(larder::detail::DatabaseLacks<database_of_t<World, Entity>, Entity>::told);
    }
    return true;
}

/// The rule that nothing is left out silently: fails, and says what to name, if something is that the author did not name.
inline ConformanceCase told_what_is_left_out(const std::vector<LeftOutCase>& left_out, const std::vector<std::string>& known) {
    std::string words;
    for (const auto& each : left_out)
        if (std::find(known.begin(), known.end(), each.lacking) == known.end()) words += "\n  \"" + each.name + "\", for want of \"" + each.lacking + "\"";
    std::string needless;
    for (const auto& each : known)
        if (std::none_of(left_out.begin(), left_out.end(), [&](const LeftOutCase& one) { return one.lacking == each; })) needless += "\n  \"" + each + "\"";
    return {"what is left out is known to be", [words, needless] {
                expect(words.empty(), "what is lacking should be named to database_conformance, but these cases do not run:" + words);
                expect(needless.empty(), "what is named to database_conformance should be lacking, but nothing is left out for want of:" + needless);
            }};
}

} // namespace detail

/// Meets the requirements of a factory for the suite: called, it makes a *world*, an empty store with the tables of `Holder`,
/// `Pass`, `Reading`, `Setting`, `Crate` and `Coupon` (testing/sample.hpp, testing/database_sample.hpp); and the world's
/// `database<Entity>()` is a database of one of them. The world outlives its databases.
///
/// A world that has no database for some of them names these: `using leaves_out = larder::testing::Entities<Crate, Coupon>`.
template <class F>
concept database_factory = std::copy_constructible<F> && std::invocable<const F&>;

/// The conformance suite of databases: every rule of the contract (database/database.hpp), and of each refinement that the
/// databases of the factory have, as named cases. For authors of databases:
///
/// ```cpp
/// for (const auto& rule : larder::testing::database_conformance([] { return MyWorld(); }, {"Pass: touch", "Coupon"})) {
///     INFO(rule.name);
///     CHECK_NOTHROW(rule.run());
/// }
/// ```
///
/// A case that needs an entity that the world leaves out, or a refinement that its database does not have, does not run. None is
/// left out silently: the last case fails unless `lacking` names, as `LeftOutCase::lacking` does, all that is lacking and nothing else; its
/// text lists the cases concerned.
///
/// What a minimal database looks like, with which to begin one's own: examples/database_skeleton.cpp, a whole one that passes.
///
/// Each case makes a world of its own. Databases that talk to a server are wrapped in a form that waits. A case blocks; the
/// threads that it starts it ends.
template <database_factory Factory>
DatabaseConformance database_conformance(Factory make, std::vector<std::string> lacking = {}) {
    using World = std::invoke_result_t<const Factory&>;
    static_assert(detail::world_is_sound<World, Holder>() && detail::world_is_sound<World, Pass>() && detail::world_is_sound<World, Reading>() &&
                  detail::world_is_sound<World, Setting>() && detail::world_is_sound<World, Crate>() && detail::world_is_sound<World, Coupon>());
    detail::DatabaseSuite<Factory> suite(std::move(make));
    detail::check_database_reading(suite);
    detail::check_database_writing(suite);
    detail::check_database_groups(suite);
    detail::check_database_concurrency(suite);
    detail::check_database_transactions(suite);
    suite.cases.push_back(detail::told_what_is_left_out(suite.left_out, lacking));
    return {std::move(suite.cases), std::move(suite.left_out)};
}

} // namespace testing
} // namespace v0
} // namespace larder
