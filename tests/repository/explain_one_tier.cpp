// SPDX-License-Identifier: BSL-1.0
#include "explain_world.hpp"

using namespace explained;

TEST_CASE_TEMPLATE("plans are what runs behind one tier, under policies that serve hits as they are", Policy, WriteThrough, WriteThroughUnfenced, Versioned<schema_constant>, FenceAndExpel) {
    compare_all<Pass, One, Policy>();
}
