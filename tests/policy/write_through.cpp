// SPDX-License-Identifier: BSL-1.0
#include "check_policy.hpp"

#include <larder/policy/write_through.hpp>

#include <doctest/doctest.h>

using namespace larder;

static_assert(policy<WriteThrough> && WriteThrough::fenced && !WriteThrough::guarantee.current_reads);
static_assert(policy<WriteThroughUnfenced> && !WriteThroughUnfenced::fenced && !WriteThroughUnfenced::guarantee.current_reads);

TEST_CASE("WriteThrough keeps its guarantee") { policy_tests::check_policy<WriteThrough>(90); }
TEST_CASE("WriteThroughUnfenced keeps its guarantee") { policy_tests::check_policy<WriteThroughUnfenced>(90); }

TEST_CASE("the suite finds out which guard is missing from WriteThrough") {
    for (const Guard guard : {Guard::lease_on_fill, Guard::alias_verification, Guard::fence, Guard::fence_owner, Guard::share_rule, Guard::publish_every_key}) {
        CAPTURE(static_cast<unsigned>(guard));
        CHECK(policy_tests::broken_rules(policy_tests::WithoutGuard<WriteThrough>{guard}) > 0);
    }
}
