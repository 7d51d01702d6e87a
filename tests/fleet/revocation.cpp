// SPDX-License-Identifier: BSL-1.0
#include "fleet.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

using namespace fleet_tests;

TEST_CASE("over Redis and PostgreSQL, what one process revokes another serves no longer than the bound") {
    Fleet fleet;
    auto& [place, holder, prefix, here, there] = fleet;
    for (int number = 1; number <= 10; ++number) {
        const std::int64_t id = here.passes.insert(fleet.row(number)).or_throw().key();
        REQUIRE(there.keeps(id));
        REQUIRE(there.passes.find_by<&Pass::code>("code " + std::to_string(number)));
        const auto revoked = here.passes.revoke(id);
        REQUIRE(revoked);
        CHECK(revoked.pending() <= 300ms);
        here.passes.wait_effective(revoked);
        CHECK(there.passes.find(id).absence() == Absence::revoked);
        CHECK(there.passes.find_by<&Pass::code>("code " + std::to_string(number)).absence() == Absence::revoked);
        CHECK(here.passes.find(id).absence() == Absence::revoked);
    }
}

TEST_CASE("over Redis and PostgreSQL, a revocation that finds the row revoked vouches for no more than the one that revoked it") {
    Fleet fleet;
    auto& [place, holder, prefix, here, there] = fleet;
    const std::int64_t id = here.passes.insert(fleet.row(1)).or_throw().key();
    REQUIRE(there.keeps(id));
    const auto revoked = here.passes.revoke(id);
    REQUIRE(revoked.changed());
    for (Process* process : {&here, &there}) {
        const auto again = process->passes.revoke(id);
        REQUIRE(again);
        CHECK(!again.changed());
        CHECK(again.pending() == revoked.pending());
        CHECK(process->passes.revoke(id, Effect::required).effective());
    }
}

TEST_CASE("over Redis and PostgreSQL, all of a group is revoked everywhere") {
    Fleet fleet;
    auto& [place, holder, prefix, here, there] = fleet;
    std::vector<std::int64_t> ids;
    for (int number = 1; number <= 5; ++number) ids.push_back(here.passes.insert(fleet.row(number)).or_throw().key());
    for (const auto id : ids) REQUIRE(there.keeps(id));
    const auto revoked = here.passes.revoke_all_by<&Pass::holder_id>(holder);
    REQUIRE(revoked);
    CHECK(revoked.rows() == ids.size());
    here.pause(std::chrono::duration_cast<std::chrono::milliseconds>(revoked.pending()) + 1ms);
    for (const auto id : ids) CHECK(there.passes.find(id).absence() == Absence::revoked);
}

TEST_CASE("over Redis and PostgreSQL, a second process finds in Redis what the first has read, with no query") {
    Fleet fleet;
    auto& [place, holder, prefix, here, there] = fleet;
    const std::int64_t id = here.passes.insert(fleet.row(1)).or_throw().key();
    REQUIRE(here.keeps(id));
    const auto found = there.passes.find(id);
    REQUIRE_MESSAGE(found, found.error().text);
    CHECK(found.source() == Level::shared);
    CHECK(there.passes.metrics().database_queries() == 0);
}
