// SPDX-License-Identifier: BSL-1.0
#include "check_policy.hpp"

#include <larder/policy/hybrid.hpp>

#include <doctest/doctest.h>

using namespace larder;

static_assert(policy<Hybrid> && Hybrid::guarantee.current_reads && !Hybrid::caches_rows);

TEST_CASE("Hybrid keeps its guarantee") { policy_tests::check_policy<Hybrid>(90); }
