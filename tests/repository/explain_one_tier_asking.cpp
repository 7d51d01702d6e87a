// SPDX-License-Identifier: BSL-1.0
#include "explain_world.hpp"

using namespace explained;

TEST_CASE_TEMPLATE("plans are what runs behind one tier, under policies that ask further on a hit", Policy, Hybrid, Versioned<row_probe>, Versioned<group_epoch>, AsTold) {
    compare_all<Pass, One, Policy>();
}
