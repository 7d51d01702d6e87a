// SPDX-License-Identifier: BSL-1.0
#include "server.hpp"

#include <larder/larder.hpp>

#include <boost/asio/use_future.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

using namespace larder_tests;
using larder::testing::Holder;
using larder::testing::Pass;

TEST_CASE("a repository over PostgreSQL, in both forms") {
    PostgresPlace place;
    const auto pool = place.pool();
    REQUIRE(succeeds(create_tables<Pass>(pool)));
    const auto owner = WaitingPostgres<Holder>{PostgresDatabase<Holder>(pool)}.insert({.id = 0, .name = "owner", .motto = {}, .version = 0});
    REQUIRE(succeeds(owner));

    CachedRepository<Pass, Stack<MemoryCache, PostgresDatabase>, WriteThrough> passes{{{}, pool}, {.ttl = std::chrono::hours(1), .sole_writer = true}};
    const auto queries = [&] { return passes.metrics().database_queries(); };
    Pass row;
    row.holder_id = owner->id;
    row.code = "code";
    row.expires_at = TimePoint(std::chrono::hours(1'000'000));
    const auto stored = passes.insert(row);
    REQUIRE(stored);

    const auto found = passes.find_by<&Pass::code>("code");
    REQUIRE(found);
    CHECK(found->holder.name == "owner");
    const auto before = queries();
    CHECK(passes.find(found->id));
    CHECK(passes.find_by<&Pass::code>("code"));
    CHECK(queries() == before);

    auto changed = *found;
    changed.note = "changed";
    CHECK(passes.save(changed));
    CHECK(passes.find(changed.id)->note == "changed");
    CHECK(passes.expel(changed.id));
    CHECK(passes.find(changed.id)->note == "changed");

    auto later = passes.async_find(changed.id, Read{}, boost::asio::use_future);
    CHECK(later.get()->note == "changed");
    auto updated = passes.async_update(changed.id, [](Pass& pass) { pass.note = "again"; }, boost::asio::use_future);
    CHECK(updated.get());
    CHECK(place.run("SELECT note FROM passes") == "again");
    auto all = passes.async_find_all_by<&Pass::holder_id>(owner->id, Read{}, boost::asio::use_future);
    CHECK(all.get().size() == 1);
    auto revoked = passes.async_revoke_all_by<&Pass::holder_id>(owner->id, boost::asio::use_future);
    CHECK(revoked.get());
    CHECK(!passes.find(changed.id));
    CHECK(!passes.find_by<&Pass::code>("code"));
}
