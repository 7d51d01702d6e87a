// SPDX-License-Identifier: BSL-1.0
#include "server.hpp"

#include <larder/database/postgres_outbox.hpp>
#include <larder/database/postgres_relay.hpp>
#include <larder/larder.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

using namespace larder_tests;
using larder::testing::Holder;
using larder::testing::Pass;
using larder::testing::Reading;
using larder::testing::Setting;

namespace {

/// Rows of a table with a long name.
template <int>
struct Shelf {
    std::int16_t number = 0;
    std::string label;
    std::uint64_t version = 0;
};
using Upper = Shelf<1>;
using Lower = Shelf<2>;
BOOST_DESCRIBE_STRUCT(Upper, (), (number, label, version))
BOOST_DESCRIBE_STRUCT(Lower, (), (number, label, version))

} // namespace

template <>
struct larder::entity_traits<Upper>
    : larder::schema<"shelves of the larder in the house on the hill, äöü, the upper ones", larder::primary<&Upper::number>, larder::version<&Upper::version>, larder::reusable> {};
template <>
struct larder::entity_traits<Lower>
    : larder::schema<"shelves of the larder in the house on the hill, äöü", larder::primary<&Lower::number>, larder::version<&Lower::version>, larder::reusable> {};

namespace {

constexpr std::chrono::milliseconds none{0}, second{1000};

template <class Entity>
Outcome<std::vector<OutboxEntry<Entity>>> take(PostgresOutbox<Entity>& outbox, std::size_t limit, std::chrono::microseconds grace, std::chrono::microseconds lease) {
    return pending<std::vector<OutboxEntry<Entity>>>([&](auto done) { outbox.async_take(limit, grace, lease, std::move(done)); }).get();
}

} // namespace

TEST_CASE("each change of a row's content leaves an entry, whoever makes it, in the change's own transaction") {
    PostgresPlace place;
    const auto pool = place.pool();
    REQUIRE(succeeds(create_tables<Pass, Reading, Setting>(pool)));
    REQUIRE(succeeds(create_outboxes<Pass, Reading, Setting>(pool)));
    REQUIRE(succeeds(create_outboxes<Pass, Reading, Setting>(pool)));
    const auto owner = WaitingPostgres<Holder>{PostgresDatabase<Holder>(pool)}.insert({.id = 0, .name = "x", .motto = {}, .version = 0});
    REQUIRE(succeeds(owner));
    WaitingPostgres<Pass> passes{PostgresDatabase<Pass>(pool)};
    Pass row;
    row.holder_id = owner->id;
    const auto stored = passes.insert(row);
    REQUIRE(succeeds(stored));
    const auto versions = [&] { return place.run("SELECT string_agg(larder_version::text, ' ' ORDER BY larder_id) FROM larder_outbox_passes"); };
    CHECK(versions() == "1");
    REQUIRE(succeeds(passes.touch(stored->id, WallTime(second))));
    CHECK(versions() == "1");
    REQUIRE(succeeds(passes.update(*stored, 1, {})));
    CHECK(versions() == "1 2");
    place.run("UPDATE passes SET note = 'by hand'");
    CHECK(versions() == "1 2 3");
    CHECK(place.run("SELECT version FROM passes") == "3");
    place.run("UPDATE passes SET note = 'by hand'"); // nothing changes
    place.run("BEGIN; UPDATE passes SET note = 'undone'; ROLLBACK");
    CHECK(versions() == "1 2 3");
    REQUIRE(succeeds(passes.erase(stored->id, 3, {})));
    CHECK(versions() == "1 2 3 4");

    place.run("INSERT INTO readings VALUES ('a', 1, 2, 'label', NULL, 0, 7); UPDATE readings SET number = 3");
    PostgresOutbox<Reading> readings(pool);
    auto entries = take(readings, 10, none, second);
    REQUIRE(succeeds(entries));
    REQUIRE(entries->size() == 3);
    std::sort(entries->begin(), entries->end(), [](const auto& left, const auto& right) { return left.id < right.id; });
    CHECK((*entries)[0].key == primary_key_t<Reading>("a", 1, 2));
    CHECK((*entries)[0].version == 7);
    CHECK((*entries)[1].key == primary_key_t<Reading>("a", 1, 2)); // gone from here
    CHECK((*entries)[2].key == primary_key_t<Reading>("a", 1, 3));

    place.run("INSERT INTO settings VALUES ('n', 's', 'a', 'v')");
    PostgresOutbox<Setting> settings(pool);
    const auto unversioned = take(settings, 10, none, second);
    REQUIRE(succeeds(unversioned));
    REQUIRE(unversioned->size() == 1);
    CHECK(unversioned->front().key == "n");
    CHECK(unversioned->front().version == 0);
}

TEST_CASE("entries are taken when they are old enough, by one at a time, and come again until they are removed") {
    PostgresPlace place;
    const auto pool = place.pool();
    REQUIRE(succeeds(create_tables<Setting>(pool)));
    PostgresOutbox<Setting> outbox(pool);
    check_fails(take(outbox, 1, none, second), errc::schema_mismatch, "larder_outbox_settings");
    REQUIRE(succeeds(create_outboxes<Setting>(pool)));
    place.run("INSERT INTO settings SELECT 'n' || i, 's', 'a' || i, 'v' FROM generate_series(1, 5) AS i");
    CHECK(take(outbox, 10, std::chrono::hours(1), second)->empty());
    const auto first = take(outbox, 3, none, std::chrono::hours(1));
    const auto second_part = take(outbox, 3, none, std::chrono::hours(1));
    CHECK(first->size() == 3);
    CHECK(second_part->size() == 2);
    CHECK(take(outbox, 3, none, std::chrono::hours(1))->empty());
    CHECK(take(outbox, 10, none, none)->size() == 5);
    std::vector<std::int64_t> ids;
    for (const auto& entry : *first) ids.push_back(entry.id);
    for (const bool all : {true, false}) {
        const auto removed = pending<bool>([&](auto done) { outbox.async_remove(ids, std::move(done)); }).get();
        REQUIRE(succeeds(removed));
        CHECK(*removed == all);
    }
    CHECK(take(outbox, 10, none, none)->size() == 2);
}

TEST_CASE("tables whose names differ late, or where longer names are cut off, have outboxes of their own that miss nothing") {
    PostgresPlace place;
    const auto pool = place.pool();
    REQUIRE(succeeds(create_tables<Upper, Lower>(pool)));
    REQUIRE(succeeds(create_outboxes<Upper, Lower>(pool, {.notifies = true})));
    const auto check = [&]<class Entity>(PostgresOutbox<Entity> outbox, std::int16_t number) {
        const std::string table = '"' + std::string(schema_of<Entity>::table) + '"';
        place.run("INSERT INTO " + table + " VALUES (" + std::to_string(number) + ", 'a', 1); UPDATE " + table + " SET label = 'b'");
        place.run("DELETE FROM " + table);
        const auto entries = take(outbox, 10, none, second);
        REQUIRE(succeeds(entries));
        std::vector<Version> versions;
        for (const auto& entry : *entries) {
            CHECK(entry.key == number);
            versions.push_back(entry.version);
        }
        std::sort(versions.begin(), versions.end());
        CHECK(versions == std::vector<Version>{1, 2, 3});
    };
    check(PostgresOutbox<Upper>(pool), 1);
    check(PostgresOutbox<Lower>(pool), 2);
}

TEST_CASE("an entry of a row that the entity cannot be holds nobody up") {
    PostgresPlace place;
    const auto pool = place.pool();
    REQUIRE(succeeds(create_tables<Lower>(pool)));
    REQUIRE(succeeds(create_outboxes<Lower>(pool)));
    const std::string table = '"' + std::string(schema_of<Lower>::table) + '"';
    place.run("INSERT INTO " + table + " VALUES (1, 'a', 1), (100000, 'of somebody who has more room', 1), (-100000, 'b', 1), (2, 'a', 1)");
    PostgresOutbox<Lower> outbox(pool);
    const auto entries = take(outbox, 10, none, std::chrono::hours(1));
    REQUIRE(succeeds(entries));
    REQUIRE(entries->size() == 2);
    CHECK(entries->front().key + entries->back().key == 3);
    const std::string left = place.run("SELECT format('SELECT count(*) FROM %I', relname) FROM pg_class WHERE relname LIKE 'larder!_outbox!_%' ESCAPE '!' AND relkind = 'r' AND relnamespace = current_schema()::regnamespace");
    until(place, left, "2");
}

TEST_CASE("a relay tells the caches what others wrote, and leaves alone what they know") {
    PostgresPlace place;
    const auto pool = place.pool();
    REQUIRE(succeeds(create_tables<Holder>(pool)));
    REQUIRE(succeeds(create_outboxes<Holder>(pool)));
    CachedRepository<Holder, Stack<MemoryCache, PostgresDatabase>, WriteThrough> holders{{{}, pool}, {.ttl = std::chrono::hours(1)}};
    const auto stored = holders.insert({.id = 0, .name = "first", .motto = {}, .version = 0});
    REQUIRE(stored);
    const auto id = stored.row()->id;
    CHECK(holders.find(id)->name == "first");
    for (int i = 0; i < 5; ++i) CHECK(holders.update(id, [&](Holder& row) { row.name = "own " + std::to_string(i); }));
    CHECK(holders.find(id)->name == "own 4");
    const auto before = holders.metrics().database_queries();

    using Relay = PostgresRelay<Holder, decltype(holders)>;
    CHECK_THROWS_AS(Relay(holders, PostgresOutbox<Holder>(pool), {.batch = 0}), Failure);
    CHECK_THROWS_AS(Relay(holders, PostgresOutbox<Holder>(pool), {.every = none}), Failure);
    Relay relay(holders, PostgresOutbox<Holder>(pool), {.grace = none, .every = std::chrono::milliseconds(5), .batch = 2});
    const auto done = [&](std::uint64_t entries) {
        const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (relay.relayed() < entries && std::chrono::steady_clock::now() < give_up) {}
        return relay.relayed() == entries;
    };
    CHECK(done(6));
    CHECK(relay.dropped() == 0);
    CHECK(holders.find(id)->name == "own 4");
    CHECK(holders.metrics().database_queries() == before);
    place.run("UPDATE holders SET name = 'theirs'");
    CHECK(done(7));
    CHECK(relay.dropped() == 1);
    CHECK(holders.find(id)->name == "theirs");
    place.run("DELETE FROM holders");
    CHECK(done(8));
    CHECK(!holders.find(id));
    relay.stop();
    place.run("INSERT INTO holders (name, version) VALUES ('after', 1)");
    CHECK(relay.relayed() == 8);
}

TEST_CASE("a relay drops the copies of rows that embed what others wrote, whether or not the caches know that") {
    PostgresPlace place;
    const auto pool = place.pool();
    REQUIRE(succeeds(create_tables<Pass>(pool)));
    REQUIRE(succeeds(create_outboxes<Holder>(pool)));
    CachedRepository<Holder, Stack<MemoryCache, PostgresDatabase>, WriteThrough> holders{{{}, pool}, {.ttl = std::chrono::hours(1)}};
    CachedRepository<Pass, Stack<MemoryCache, PostgresDatabase>, WriteThrough> passes{{{}, pool}, {.ttl = std::chrono::hours(1)}};
    passes.link<&Pass::holder>(holders);
    const auto holder = holders.insert({.id = 0, .name = "first", .motto = {}, .version = 0});
    REQUIRE(holder);
    Pass row;
    row.holder_id = holder.key();
    row.code = "code";
    row.expires_at = TimePoint(std::chrono::hours(1'000'000));
    const auto stored = passes.insert(row);
    REQUIRE(stored);
    const auto relays = [&](const std::string& name, bool child_is_known) {
        CHECK(passes.find(stored.key()));
        place.run("UPDATE holders SET name = '" + name + "', version = version + 1");
        if (child_is_known) {
            CHECK(holders.refresh(holder.key())->name == name);
            CHECK(passes.find(stored.key())->holder.name != name);
        }
        PostgresRelay<Holder, decltype(holders)> relay(holders, PostgresOutbox<Holder>(pool), {.grace = none, .every = std::chrono::milliseconds(5)});
        const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (relay.relayed() == 0 && std::chrono::steady_clock::now() < give_up) {}
        CHECK((relay.dropped() == 0) == child_is_known);
        CHECK(passes.find(stored.key())->holder.name == name);
    };
    relays("theirs", false);
    relays("known", true);
}

TEST_CASE("a relay that listens looks when something is new, however long it would rest, and again when its connection is back") {
    PostgresPlace place;
    const auto pool = place.pool({.most_rest = std::chrono::milliseconds(20)});
    REQUIRE(succeeds(create_tables<Holder>(pool)));
    const auto triggers = [&] { return place.run("SELECT count(*) FROM pg_trigger WHERE tgrelid = 'larder_outbox_holders'::regclass"); };
    REQUIRE(succeeds(create_outboxes<Holder>(pool, {.notifies = true})));
    CHECK(triggers() == "1");
    REQUIRE(succeeds(create_outboxes<Holder>(pool)));
    CHECK(triggers() == "0");
    REQUIRE(succeeds(create_outboxes<Holder>(pool, {.notifies = true})));

    CachedRepository<Holder, Stack<MemoryCache, PostgresDatabase>, WriteThrough> holders{{{}, pool}, {.ttl = std::chrono::hours(1)}};
    PostgresRelay relay(holders, PostgresOutbox<Holder>(pool), {.grace = std::chrono::milliseconds(20), .every = std::chrono::hours(24), .listen = true});
    const auto done = [&](std::uint64_t entries) {
        const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (relay.relayed() < entries && std::chrono::steady_clock::now() < give_up) {}
        return relay.relayed() == entries;
    };
    const auto insert = [&](const std::string& name) { place.run("INSERT INTO holders (name, version) VALUES ('" + name + "', 1)"); };
    const std::string listening = "FROM pg_stat_activity WHERE query LIKE 'LISTEN \"larder_outbox_holders\"%' AND pid <> pg_backend_pid()";
    std::uint64_t entries = 0;
    for (; entries < 5; ++entries) {
        insert("one");
        CHECK(done(entries + 1));
    }
    for (int i = 0; i < 3; ++i) {
        place.run("SELECT pg_terminate_backend(pid) " + listening);
        insert("while nobody listens");
        insert("nor now");
        entries += 2;
        CHECK(done(entries));
    }
    relay.stop();
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (place.run("SELECT count(*) " + listening) != "0" && std::chrono::steady_clock::now() < give_up) {}
    CHECK(place.run("SELECT count(*) " + listening) == "0");
}
