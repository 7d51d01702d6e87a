// SPDX-License-Identifier: BSL-1.0
#include "check_policy.hpp"

#include <larder/policy/versioned.hpp>

#include <doctest/doctest.h>

using namespace larder;

static_assert(policy<Versioned<row_probe>> && Versioned<row_probe>::guarantee.current_reads);
static_assert(policy<Versioned<schema_constant>> && Versioned<schema_constant>::stamp == Stamp::revision);
static_assert(policy<Versioned<group_epoch>> && Versioned<group_epoch>::stamp == Stamp::group_epoch);

TEST_CASE("Versioned by the row's own version keeps its guarantee") { policy_tests::check_policy<Versioned<row_probe>>(90); }
TEST_CASE("Versioned by the schema's number keeps its guarantee") { policy_tests::check_policy<Versioned<schema_constant>>(90); }
TEST_CASE("Versioned by a group's epoch keeps its guarantee") { policy_tests::check_policy<Versioned<group_epoch>>(90); }

TEST_CASE("the suite finds out which guard is missing from Versioned by a group's epoch") {
    for (const Guard guard : {Guard::epoch_before_row, Guard::stale_bar}) {
        CAPTURE(static_cast<unsigned>(guard));
        CHECK(policy_tests::broken_rules(policy_tests::WithoutGuard<Versioned<group_epoch>>{guard}) > 0);
    }
}
