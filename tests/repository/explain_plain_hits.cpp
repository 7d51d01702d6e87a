// SPDX-License-Identifier: BSL-1.0
#include "explain_world.hpp"

using namespace explained;

TEST_CASE("plans are what runs where the tier answers hits by a plain function") { compare_all<Pass, OnePlain, WriteThrough>(); }

TEST_CASE_TEMPLATE("plain hits are planned as the policy has them", Policy, Versioned<row_probe>, Versioned<group_epoch>, AsTold) { compare_finds<Pass, OnePlain, Policy>(); }
