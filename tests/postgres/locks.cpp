// SPDX-License-Identifier: BSL-1.0
#include "server.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

using namespace larder_tests;
using larder::testing::Holder;
using larder::testing::Pass;
using larder::testing::Setting;

namespace {

Holder holder(const std::string& name) { return {.id = 0, .name = name, .motto = {}, .version = 0}; }

/// A holder in a place of its own, and somebody else who may stand in the way.
struct Contention {
    explicit Contention(PostgresOptions options = {}) : pool(place.pool(options)), holders(PostgresDatabase<Holder>(pool)) {
        REQUIRE(succeeds(create_tables<Pass, Setting>(pool)));
        const auto stored = holders.insert(holder("first"));
        REQUIRE(succeeds(stored));
        row = *stored;
    }

    std::future<Outcome<Version>> update(const std::string& name, const WriteCondition& condition = {}) {
        Holder changed = row;
        changed.name = name;
        return pending<Version>([&](auto done) { holders.asynchronous().async_update(changed, row.version, condition, std::move(done)); });
    }
    std::future<Outcome<std::optional<Holder>>> load(ReadMode mode) {
        return pending<std::optional<Holder>>([&](auto done) { holders.asynchronous().async_load(row.id, mode, std::move(done)); });
    }

    PostgresPlace place;
    PostgresPool pool;
    WaitingPostgres<Holder> holders;
    Stranger stranger{place.conninfo()};
    Holder row;
};

} // namespace

TEST_CASE("of two updates that wait for a row's lock one wins") {
    Contention contention;
    contention.stranger.run("BEGIN; UPDATE holders SET motto = 'x'");
    auto first = contention.update("one");
    auto second = contention.update("two");
    until(contention.place, waiting_for_locks, "2");
    contention.stranger.run("ROLLBACK");
    const auto one = first.get();
    const auto two = second.get();
    CHECK(one.has_value() != two.has_value());
    check_fails(one ? two : one, errc::version_conflict, "holders");
    const auto loaded = contention.holders.load(contention.row.id, ReadMode::plain);
    REQUIRE(succeeds(loaded));
    CHECK((*loaded)->version == 2);
    CHECK((*loaded)->name == (one ? "one" : "two"));
}

TEST_CASE("an update that waited for a lock until after its deadline is refused, whether or not the row was changed meanwhile") {
    for (const std::string end : {"ROLLBACK", "COMMIT"}) {
        Contention contention;
        contention.stranger.run("BEGIN; UPDATE holders SET motto = 'x'");
        const auto now = contention.holders.clock();
        REQUIRE(succeeds(now));
        const auto deadline = *now + std::chrono::milliseconds(100);
        auto update = contention.update("late", {.not_after = deadline});
        auto erase = pending<Version>([&](auto done) { contention.holders.asynchronous().async_erase(contention.row.id, 1, {.not_after = deadline}, std::move(done)); });
        until(contention.place, waiting_for_locks, "2");
        until(contention.place, "SELECT extract(epoch FROM clock_timestamp()) * 1000000 > " + std::to_string(deadline.time_since_epoch().count()), "t");
        contention.stranger.run(end);
        check_fails(update.get(), errc::deadline_passed, "holders");
        check_fails(erase.get(), errc::deadline_passed, "holders");
        const auto loaded = contention.holders.load(contention.row.id, ReadMode::plain);
        REQUIRE(succeeds(loaded));
        CHECK((*loaded)->name == "first");
    }
}

TEST_CASE("a settled read waits for a commit in flight, a plain one does not") {
    Contention contention;
    contention.stranger.run("BEGIN; UPDATE holders SET name = 'changed', version = version + 1");
    auto settled = contention.load(ReadMode::settled);
    auto many = pending<std::vector<std::optional<Holder>>>(
        [&](auto done) { contention.holders.asynchronous().async_load_many(std::vector<std::int64_t>{contention.row.id}, ReadMode::settled, std::move(done)); });
    until(contention.place, waiting_for_locks, "2");
    const auto plain = contention.load(ReadMode::plain).get();
    REQUIRE(succeeds(plain));
    CHECK(**plain == contention.row);
    contention.stranger.run("COMMIT");
    const auto row = settled.get();
    REQUIRE(succeeds(row));
    CHECK((*row)->name == "changed");
    CHECK((*row)->version == 2);
    const auto rows = many.get();
    REQUIRE(succeeds(rows));
    CHECK(rows->front() == *row);
}

TEST_CASE("a settled read finds the embedded row of a foreign key that was changed meanwhile") {
    Contention contention;
    const auto other = contention.holders.insert(holder("other"));
    REQUIRE(succeeds(other));
    WaitingPostgres<Pass> passes{PostgresDatabase<Pass>(contention.pool)};
    Pass row;
    row.holder_id = contention.row.id;
    const auto stored = passes.insert(row);
    REQUIRE(succeeds(stored));
    contention.stranger.run("BEGIN; UPDATE passes SET holder_id = " + std::to_string(other->id) + ", version = 2");
    auto settled = pending<std::optional<Pass>>([&](auto done) { passes.asynchronous().async_load(stored->id, ReadMode::settled, std::move(done)); });
    until(contention.place, waiting_for_locks, "1");
    contention.stranger.run("COMMIT");
    const auto loaded = settled.get();
    REQUIRE(succeeds(loaded));
    CHECK((*loaded)->holder == *other);
}

TEST_CASE("a settled read waits for an insert of its key that is in flight") {
    Contention contention;
    WaitingPostgres<Setting> settings{PostgresDatabase<Setting>(contention.pool)};
    const Setting row{"name", "section", "alias", "value"};
    // The insert waits for somebody else's row of the same alternate key.
    contention.stranger.run("BEGIN; INSERT INTO settings VALUES ('other', 'section', 'alias', 'value')");
    auto insert = pending<Setting>([&](auto done) { settings.asynchronous().async_insert(row, std::move(done)); });
    until(contention.place, waiting_for_locks, "1");
    auto settled = pending<std::optional<Setting>>([&](auto done) { settings.asynchronous().async_load("name", ReadMode::settled, std::move(done)); });
    until(contention.place, waiting_for_locks, "2");
    const auto plain = settings.load("name", ReadMode::plain);
    REQUIRE(succeeds(plain));
    CHECK(!*plain);
    contention.stranger.run("ROLLBACK");
    CHECK(succeeds(insert.get()));
    const auto found = settled.get();
    REQUIRE(succeeds(found));
    CHECK(*found == row);
}

TEST_CASE("a transaction that lost a deadlock is tried again") {
    Contention contention;
    WaitingPostgres<Pass> passes{PostgresDatabase<Pass>(contention.place.pool({.conninfo = contention.place.conninfo("-c deadlock_timeout=300ms")}))};
    Pass row;
    row.holder_id = contention.row.id;
    std::vector<std::int64_t> ids;
    for (int i = 0; i < 2; ++i) {
        row.code = std::to_string(i);
        const auto stored = passes.insert(row);
        REQUIRE(succeeds(stored));
        ids.push_back(stored->id);
    }
    contention.stranger.run("SET deadlock_timeout = '1h'; BEGIN; UPDATE passes SET note = 'x' WHERE id = " + std::to_string(ids[1]));
    row.revoked_at = TimePoint(std::chrono::hours(1));
    auto revoked = pending<GroupRevocation<Pass>>([&](auto done) {
        passes.asynchronous().async_revoke_all<space_of_v<Pass, &Pass::holder_id>>(row.holder_id, row, schema_of<Pass>::revoked_members{}, std::move(done));
    });
    until(contention.place, waiting_for_locks, "1");
    contention.stranger.run("UPDATE passes SET note = 'x' WHERE id = " + std::to_string(ids[0]) + "; COMMIT");
    const auto done = revoked.get();
    REQUIRE(succeeds(done));
    CHECK(done->rows.size() == 2);
    CHECK(done->epoch == 1);
}

TEST_CASE("a statement that waits longer than the time limit is given up, and has changed nothing") {
    Contention contention({.statement_timeout = std::chrono::milliseconds(100)});
    contention.stranger.run("BEGIN; UPDATE holders SET motto = 'x'");
    check_fails(contention.update("late").get(), errc::timed_out, "holders");
    check_fails(contention.load(ReadMode::settled).get(), errc::timed_out, "holders");
    contention.stranger.run("ROLLBACK");
    CHECK(*contention.holders.load(contention.row.id, ReadMode::plain) == contention.row);
    CHECK(succeeds(contention.update("in time").get()));
}

TEST_CASE("erase and insert of a reusable key one after the other keep the order of versions") {
    PostgresPlace place;
    const auto pool = place.pool({.writers = 8});
    REQUIRE(succeeds(create_tables<larder::testing::Coupon>(pool)));
    WaitingPostgres<larder::testing::Coupon> coupons{PostgresDatabase<larder::testing::Coupon>(pool)};
    Version last = 0;
    for (int round = 0; round < 50; ++round) {
        const auto stored = coupons.insert({"name", round, 0});
        REQUIRE(succeeds(stored));
        CHECK(stored->version > last);
        auto erased = pending<Version>([&](auto done) { coupons.asynchronous().async_erase("name", stored->version, {}, std::move(done)); });
        auto again = pending<larder::testing::Coupon>([&](auto done) { coupons.asynchronous().async_insert({"name", -1, 0}, std::move(done)); });
        const auto tombstone = erased.get();
        REQUIRE(succeeds(tombstone));
        const auto second = again.get();
        last = *tombstone;
        if (!second) continue; // it came first
        CHECK(second->version == *tombstone + 1);
        last = second->version + 1;
        REQUIRE(succeeds(coupons.erase("name", second->version, {})));
    }
}
