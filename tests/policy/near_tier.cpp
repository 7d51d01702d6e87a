// SPDX-License-Identifier: BSL-1.0
#include "check_policy.hpp"

#include <larder/policy/versioned.hpp>
#include <larder/policy/write_through.hpp>
#include <larder/repository/stack.hpp>

#include <doctest/doctest.h>

using namespace larder;

TEST_CASE("a tier in front of the authority takes nothing from the guarantee of WriteThrough") {
    policy_tests::check_policy<WriteThrough, Stack<MemoryCache, MemoryCache, MemoryDatabase>>(90);
}
TEST_CASE("a tier in front of the authority takes nothing from the guarantee of Versioned by a group's epoch") {
    policy_tests::check_policy<Versioned<group_epoch>, Stack<MemoryCache, MemoryCache, MemoryDatabase>>(90);
}
