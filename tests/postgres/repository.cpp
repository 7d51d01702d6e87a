// SPDX-License-Identifier: BSL-1.0
#include "server.hpp"

#include <larder/larder.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_future.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <future>
#include <string>
#include <tuple>
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

namespace {

/// A tier that outlives its process, as far as a repository can tell.
template <class Entity, class Env>
struct Lasting : MemoryCache<Entity, Env> {
    using MemoryCache<Entity, Env>::MemoryCache;
    static constexpr Level level = Level::shared;
    static constexpr bool outlives_process = true;
};

} // namespace

TEST_CASE("the plan of a fenced write knows the query for the server's clock") {
    PostgresPlace place;
    const auto pool = place.pool();
    REQUIRE(succeeds(create_tables<Holder>(pool)));
    using Holders = CachedRepository<Holder, Stack<Lasting, PostgresDatabase>, WriteThrough>;
    Holders holders{{{}, pool}, {}};
    const auto queries = [&](auto write) {
        const auto before = holders.metrics().database_queries();
        CHECK(write());
        return holders.metrics().database_queries() - before;
    };
    std::int64_t id = 0;
    CHECK(queries([&] {
              const auto stored = holders.insert({.id = 0, .name = "owner", .motto = {}, .version = 0});
              id = stored.key();
              return static_cast<bool>(stored);
          }) == Holders::explain(Verb::insert).success.queries);
    holders.expel(id);
    CHECK(queries([&] { return static_cast<bool>(holders.update(id, [](Holder& row) { row.name = "other"; })); }) == Holders::explain(Verb::update).success.queries);
}

TEST_CASE("misses of different rows that come together share queries") {
    PostgresPlace place;
    const auto pool = place.pool();
    REQUIRE(succeeds(create_tables<Pass>(pool)));
    const auto owner = WaitingPostgres<Holder>{PostgresDatabase<Holder>(pool)}.insert({.id = 0, .name = "owner", .motto = {}, .version = 0});
    REQUIRE(succeeds(owner));
    constexpr int count = 500;
    place.run("INSERT INTO passes (id, holder_id, code, note, expires_at, version) OVERRIDING SYSTEM VALUE SELECT n, " + std::to_string(owner->id) +
              ", 'code ' || n, 'note ' || n, now() + interval '1 year', 1 FROM generate_series(1, " + std::to_string(count) + ") n");
    CachedRepository<Pass, Stack<MemoryCache, PostgresDatabase>, WriteThrough> passes{{{}, pool}, {.loads_apart = 2, .sole_writer = true}};
    std::vector<std::future<Found<Pass>>> found;
    for (int id = 1; id <= count; ++id) found.push_back(passes.async_find(id, Read{}, boost::asio::use_future));
    const auto absent = passes.async_find(count + 1, Read{}, boost::asio::as_tuple(boost::asio::use_future)).get();
    for (int id = 1; id <= count; ++id) CHECK(found[static_cast<std::size_t>(id - 1)].get()->note == "note " + std::to_string(id));
    CHECK(!std::get<1>(absent));
    CHECK(passes.metrics().database_queries() < count);
}
