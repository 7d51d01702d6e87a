// SPDX-License-Identifier: BSL-1.0
#include <larder/testing/sim/world.hpp>

#include <larder/policy/write_through.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <set>

using namespace larder;
using namespace larder::testing;

namespace {

/// What simulated runs break in which processes die, with a guard switched off or with none.
std::set<Property> broken_by_crashes(GuardSet disabled, std::uint64_t runs) {
    std::set<Property> broken;
    for (std::uint64_t seed = 1; seed <= runs; ++seed) {
        WorldOptions options;
        options.faults = Faults().allow(Fault::crash);
        options.disabled = disabled;
        Choices choices(seed);
        const WorldResult result = World<WriteThrough>(choices, options).run();
        if (result.violation) broken.insert(result.violation->property);
    }
    return broken;
}

} // namespace

TEST_CASE("history: C7 and C8 hold when all is quiet, whoever died before") { CHECK(broken_by_crashes({}, 300).empty()); }

TEST_CASE("history: C7, a tier that is not current when all is quiet is seen") {
    CHECK(broken_by_crashes(GuardSet().add(Guard::fence), 3000).contains(Property::c7_quiet));
}

TEST_CASE("history: C8, a lease that is left when all is quiet is seen") {
    CHECK(broken_by_crashes(GuardSet().add(Guard::lease_expiry), 3000).contains(Property::c8_no_leak));
}
