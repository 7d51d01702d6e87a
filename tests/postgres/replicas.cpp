// SPDX-License-Identifier: BSL-1.0
#include "server.hpp"
#include "wire.hpp"

#include <larder/database/postgres_replicas.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <utility>

using namespace larder_tests;
using larder::testing::Holder;

namespace {

static_assert(larder::detail::may_lag_v<ReplicatedPostgresDatabase<Holder>>);
static_assert(!larder::detail::may_lag_v<PostgresDatabase<Holder>>);
static_assert(asynchronous_database<ReplicatedPostgresDatabase<Holder>, Holder>);

/// A primary and a replica that has stopped following it.
struct Lagging {
    Lagging() {
        REQUIRE(succeeds(create_tables<Holder>(primary)));
        REQUIRE(succeeds(create_tables<Holder>(replica)));
        const auto stored = WaitingPostgres<Holder>{PostgresDatabase<Holder>(primary)}.insert({.id = 0, .name = "old", .motto = {}, .version = 0});
        REQUIRE(succeeds(stored));
        row = *stored;
        there.run("INSERT INTO holders OVERRIDING SYSTEM VALUE VALUES (" + std::to_string(row.id) + ", 'old', NULL, 1)");
    }
    PostgresPlace here, there;
    PostgresPool primary = here.pool(), replica = there.pool();
    Holder row;
};

} // namespace

TEST_CASE("only loads that may lag go to a replica") {
    Lagging world;
    using Database = ReplicatedPostgresDatabase<Holder>;
    testing::WaitingDatabase<Holder, Database> holders{Database({world.primary, {world.replica}})};
    world.row.name = "new";
    REQUIRE(succeeds(holders.update(world.row, 1, {})));
    for (const auto& [mode, name] : {std::pair{ReadMode::plain, "new"}, std::pair{ReadMode::settled, "new"}, std::pair{ReadMode::recent, "old"}}) {
        const auto loaded = holders.load(world.row.id, mode);
        REQUIRE(succeeds(loaded));
        CHECK((*loaded)->name == name);
    }
    testing::WaitingDatabase<Holder, Database> alone{Database({world.primary, {}})};
    const auto loaded = alone.load(world.row.id, ReadMode::recent);
    REQUIRE(succeeds(loaded));
    CHECK((*loaded)->name == "new");
}

TEST_CASE("a replica that is gone fails the loads that may lag, and no other") {
    Lagging world;
    const DeafServer deaf;
    const PostgresPool gone(world.there.executor(), {.host = "127.0.0.1", .port = deaf.port(), .connect_timeout = std::chrono::milliseconds(50)});
    using Database = ReplicatedPostgresDatabase<Holder>;
    testing::WaitingDatabase<Holder, Database> holders{Database({world.primary, {gone, world.replica}})};
    int failed = 0;
    for (int i = 0; i < 4; ++i) {
        const auto loaded = holders.load(world.row.id, ReadMode::recent);
        if (!loaded) {
            check_fails(loaded, errc::database_unavailable, "holders");
            ++failed;
        }
        CHECK(succeeds(holders.load(world.row.id, ReadMode::plain)));
    }
    CHECK(failed == 2); // they take turns
}
