// SPDX-License-Identifier: BSL-1.0
#include "world.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace repository_tests;

namespace {

using TwoTiers = World<WriteThrough, Stack<MemoryCache, MemoryCache, MemoryDatabase>>;

/// Whether the tier in front holds a row, by itself.
bool in_front(TwoTiers& world, const Pass& row) {
    Demand demand;
    demand.want_lease = false;
    return world.passes->core()->near.lookup<0>(row.id, demand).answer == Answer::hit;
}
bool behind(TwoTiers& world, const Pass& row) {
    Demand demand;
    demand.want_lease = false;
    return world.passes->core()->authority.lookup<0>(row.id, demand).answer == Answer::hit;
}
/// Whether nobody holds a placeholder for a row in the tier in front.
bool front_is_free(TwoTiers& world, const Pass& row) {
    Demand demand;
    demand.refresh = true;
    const auto found = world.passes->core()->near.lookup<0>(row.id, demand);
    FillRequest<CachedRow<Pass>> nothing;
    nothing.lease = found.lease;
    world.passes->core()->near.fill<0>(row.id, std::move(nothing));
    return found.lease != 0;
}

} // namespace

TEST_CASE("both tiers are filled by a load; what one has forgotten the other one gives back") {
    TwoTiers world;
    const Pass row = world.insert(1);
    world.passes->find_by<&Pass::code>(row.code);
    CHECK((in_front(world, row) && behind(world, row)));
    world.passes->core()->near.clear();
    CHECK(world.queries_of([&] { CHECK(world.passes->find_by<&Pass::code>(row.code)); }) == 0);
    CHECK(in_front(world, row));
    world.passes->core()->authority.clear();
    CHECK(world.queries_of([&] { CHECK(world.passes->find_by<&Pass::code>(row.code)); }) == 0);
    CHECK(front_is_free(world, row));
}

TEST_CASE("a copy in front lives no longer than the authority's") {
    TwoTiers world;
    const Pass row = world.insert(1);
    world.passes->find(row.id);
    world.environment.advance(world.options.ttl - 1min);
    world.passes->core()->near.clear();
    CHECK(world.passes->find(row.id).age() == world.options.ttl - 1min);
    CHECK(in_front(world, row));
    world.environment.advance(1min);
    CHECK(!in_front(world, row));
    CHECK(world.queries_of([&] { world.passes->find(row.id); }) == 1);
}

TEST_CASE("every write reaches both tiers before it is acknowledged") {
    TwoTiers world;
    const Pass row = world.insert(1);
    const auto warm = [&] {
        world.passes->find(row.id);
        CHECK(in_front(world, row));
    };
    warm();
    CHECK(world.passes->update(row.id, [](Pass& pass) { pass.note = "newer"; }).effective());
    CHECK(!in_front(world, row));
    CHECK(world.passes->find(row.id)->note == "newer");
    warm();
    CHECK(world.passes->expel(row.id));
    CHECK((!in_front(world, row) && !behind(world, row)));
    warm();
    CHECK(world.passes->expire(row.id));
    CHECK((!in_front(world, row) && !behind(world, row)));
    warm();
    CHECK(world.passes->expel_all_by<&Pass::holder_id>(row.holder_id));
    CHECK((!in_front(world, row) && !behind(world, row)));
    warm();
    CHECK(world.passes->revoke(row.id).effective());
    CHECK(world.passes->find(row.id).absence() == Absence::revoked);
    world.expect_free(row, "after writes through two tiers");
    CHECK(front_is_free(world, row));
}

TEST_CASE("what comes between a load and its fill is lost in the tier in front, too") {
    TwoTiers world;
    const Pass row = world.insert(1);
    for (const auto kind : {QueryKind::load, QueryKind::load_by, QueryKind::load_many}) {
        world.passes->expel(row.id);
        world.passes->expel_by<&Pass::code>(row.code);
        const std::string note = "note " + std::to_string(static_cast<int>(kind));
        world.database->once(kind, Stage::after, [&] { world.passes->update(row.id, [&](Pass& pass) { pass.note = note; }).or_throw(); });
        if (kind == QueryKind::load) world.passes->find(row.id);
        if (kind == QueryKind::load_by) world.passes->find_by<&Pass::code>(row.code);
        if (kind == QueryKind::load_many) world.passes->find_many(std::vector<std::int64_t>{row.id});
        for (int round = 0; round < 2; ++round) CHECK(world.passes->find(row.id)->note == note);
        CHECK(front_is_free(world, row));
    }
    world.expect_free(row, "after races through two tiers");
}

TEST_CASE("find_many and warm go through both tiers") {
    TwoTiers world;
    std::vector<std::int64_t> keys;
    std::vector<Pass> rows;
    for (int i = 0; i < 5; ++i) {
        rows.push_back(world.insert(i));
        keys.push_back(rows.back().id);
    }
    keys.push_back(999);
    CHECK(world.queries_of([&] { CHECK(world.passes->warm(keys).loaded == 5); }) == 1);
    for (const Pass& row : rows) CHECK((in_front(world, row) && behind(world, row)));
    world.passes->core()->near.clear();
    CHECK(world.queries_of([&] { CHECK(world.passes->find_many(keys).size() == 6); }) == 0);
    for (const Pass& row : rows) CHECK(in_front(world, row));
    world.database->fail_reads(true);
    world.passes->core()->near.clear();
    world.passes->core()->authority.clear();
    CHECK(world.passes->find_many(keys).failed());
    world.database->fail_reads(false);
    for (const Pass& row : rows) {
        world.expect_free(row, "after a batch that failed");
        CHECK(front_is_free(world, row));
    }
}

TEST_CASE("a copy in front is refreshed ahead as well") {
    TwoTiers world([](Options& options) { options.refresh_ahead = 0.5; });
    const Pass row = world.insert(1);
    world.passes->find(row.id);
    world.environment.advance(1min);
    world.passes->core()->near.clear();
    world.passes->find(row.id);
    world.environment.advance(5min);
    const std::size_t loads = world.database->queries(QueryKind::load);
    for (int i = 0; i < 10; ++i) CHECK(world.passes->find(row.id).source() == Level::memory);
    world.settle();
    CHECK(world.database->queries(QueryKind::load) == loads + 1);
    CHECK(world.passes->find(row.id).age() == 0s);
    world.settle();
    CHECK(world.database->queries(QueryKind::load) == loads + 1);
}

TEST_CASE("with reading switched off no placeholder is left in front") {
    TwoTiers world;
    const Pass row = world.insert(1);
    world.passes->switch_reading(Level::memory, false);
    CHECK(world.passes->find(row.id));
    world.passes->switch_reading(Level::memory, true);
    CHECK(front_is_free(world, row));
    world.passes->switch_filling(Level::memory, false);
    CHECK(world.passes->find(row.id));
    CHECK(!in_front(world, row));
    world.passes->switch_filling(Level::memory, true);
    CHECK(front_is_free(world, row));
}
