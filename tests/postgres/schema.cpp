// SPDX-License-Identifier: BSL-1.0
#include "server.hpp"

#include <boost/describe/class.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

using namespace larder_tests;
using larder::testing::Coupon;
using larder::testing::Crate;
using larder::testing::Holder;
using larder::testing::Pass;
using larder::testing::Setting;

namespace {

/// A row of a database that others made, with the types that they like.
struct Foreign {
    Uuid id{};
    std::int32_t small = 0;
    std::int16_t tiny = 0;
    double ratio = 0;
    std::string mood;
    std::string document;
    std::optional<std::string> code;
    std::chrono::sys_seconds made{};
    std::optional<std::chrono::sys_time<std::chrono::microseconds>> seen;
    std::chrono::sys_time<std::chrono::nanoseconds> precise{};
    bool on = false;

    friend bool operator==(const Foreign&, const Foreign&) = default;
};
BOOST_DESCRIBE_STRUCT(Foreign, (), (id, small, tiny, ratio, mood, document, code, made, seen, precise, on))

Holder holder(const std::string& name) { return {.id = 0, .name = name, .motto = {}, .version = 0}; }

} // namespace

template <>
struct larder::entity_traits<Foreign> : larder::schema<"foreign", larder::primary<&Foreign::id>, larder::unique<&Foreign::small>> {};

TEST_CASE("columns of an existing table may be of any type that holds the fields' values") {
    PostgresPlace place;
    const auto pool = place.pool();
    place.run("CREATE TYPE mood AS ENUM ('glad', 'sad');"
              "CREATE TABLE \"foreign\" (id uuid PRIMARY KEY, small integer UNIQUE, tiny smallint, ratio real, mood mood, document jsonb, code varchar(5), made timestamp, seen timestamptz, precise bigint, "
              "\"on\" boolean)");
    CHECK(succeeds(check_schema<Foreign>(pool)));
    WaitingPostgres<Foreign> rows{PostgresDatabase<Foreign>(pool)};
    Foreign row{.id = {{1, 2, 3}},
                .small = -7,
                .tiny = 300,
                .ratio = 0.5,
                .mood = "sad",
                .document = R"({"a": 1})",
                .code = "code",
                .made = std::chrono::sys_days(std::chrono::year(1999) / 12 / 31),
                .seen = std::chrono::sys_time<std::chrono::microseconds>(std::chrono::microseconds(1'700'000'000'123'457)),
                .precise = std::chrono::sys_time<std::chrono::nanoseconds>(std::chrono::nanoseconds(1'700'000'000'123'456'789)),
                .on = true};
    const auto stored = rows.insert(row);
    REQUIRE(succeeds(stored));
    CHECK(*stored == row);
    CHECK(place.run("SELECT made::text FROM \"foreign\"") == "1999-12-31 00:00:00");
    CHECK(place.run("SELECT extract(epoch FROM seen)::text FROM \"foreign\"") == "1700000000.123457");
    const auto found = rows.load_by<space_of_v<Foreign, &Foreign::small>>(-7, ReadMode::plain);
    REQUIRE(succeeds(found));
    CHECK(*found == row);
    row.made = std::chrono::sys_seconds::max();
    row.seen = {};
    row.code = {};
    REQUIRE(succeeds(rows.update(row, 0, {})));
    CHECK(place.run("SELECT made::text FROM \"foreign\"") == "infinity");
    const auto changed = rows.load(row.id, ReadMode::settled);
    REQUIRE(succeeds(changed));
    CHECK(*changed == row);

    row.mood = "s3cr3t";
    check_fails(rows.update(row, 0, {}), errc::schema_mismatch, "foreign: a value is none of its column's type");
    row.mood = "glad";
    row.tiny = std::numeric_limits<std::int16_t>::max();
    row.code = "too long for it";
    check_fails(rows.update(row, 0, {}), errc::value_too_large, "foreign");
    row.code = std::string("a\0b", 3);
    check_fails(rows.update(row, 0, {}), errc::database_failure, "foreign.code: PostgreSQL keeps no text that is not UTF-8, and none with a zero byte");
    row.code = "\xff";
    check_fails(rows.update(row, 0, {}), errc::database_failure, "foreign.code: PostgreSQL keeps no text that is not UTF-8");
    row.code = "x";
    row.made = std::chrono::sys_seconds(std::chrono::seconds(std::numeric_limits<std::int64_t>::max() - 1));
    check_fails(rows.update(row, 0, {}), errc::database_failure, "foreign.made");
    CHECK(*rows.load(row.id, ReadMode::plain) == *changed);
}

TEST_CASE("a write that has committed, but whose answer cannot be read, is not told as one that failed") {
    PostgresPlace place;
    const auto pool = place.pool();
    WaitingPostgres<Holder> holders{PostgresDatabase<Holder>(pool)};
    place.run("CREATE TABLE holders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, motto uuid NOT NULL DEFAULT gen_random_uuid(), version bigint NOT NULL)");
    Holder row = holder("x");
    row.motto = "6b0f5dcc-7c1c-4a54-9f26-2a3d7e9a3b11";
    check_fails(holders.insert(row), errc::outcome_unknown, "holders.motto holds a value of another type");
    CHECK(place.run("SELECT count(*) FROM holders") == "1");
    // Within a transaction nothing of it stays.
    auto transaction = holders.begin(Isolation::rows);
    REQUIRE(succeeds(transaction));
    auto inside = holders.within(*transaction);
    check_fails(inside.insert(row), errc::schema_mismatch, "holders.motto holds a value of another type");
    REQUIRE(succeeds(transaction->roll_back()));
    CHECK(place.run("SELECT count(*) FROM holders") == "1");
}

TEST_CASE("a text that the server cannot hold is the key of no row, and nobody is asked for it") {
    PostgresWorld world;
    auto settings = world.database<Setting>();
    auto passes = world.database<Pass>();
    Setting setting;
    setting.name = "äöü";
    REQUIRE(succeeds(settings.insert(setting)));
    // Whoever were asked would fail.
    for (const auto& text : {std::string("\xff"), std::string("a\0b", 3), std::string("\xed\xa0\x80")}) {
        for (const ReadMode mode : {ReadMode::plain, ReadMode::settled}) {
            const auto none = settings.load(text, mode);
            REQUIRE(succeeds(none));
            CHECK(!*none);
            const auto by_code = passes.load_by<space_of_v<Pass, &Pass::code>>(text, mode);
            REQUIRE(succeeds(by_code));
            CHECK(!*by_code);
            const auto some = settings.load_many(std::vector<std::string>{text, "äöü", text}, mode);
            REQUIRE(succeeds(some));
            REQUIRE(some->size() == 3);
            CHECK(!(*some)[0]);
            CHECK((*some)[1]);
            CHECK(!(*some)[2]);
            const auto nobody = settings.load_many(std::vector<std::string>{text}, mode);
            REQUIRE(succeeds(nobody));
            CHECK(nobody->size() == 1);
        }
        setting.name = text;
        check_fails(settings.insert(setting), errc::database_failure, "settings.name: PostgreSQL keeps no text that is not UTF-8");
    }
}

TEST_CASE("a missing table or column is named, by every operation and by check_schema") {
    PostgresPlace place;
    const auto pool = place.pool();
    WaitingPostgres<Holder> holders{PostgresDatabase<Holder>(pool)};
    check_fails(check_schema<Holder>(pool), errc::schema_mismatch, "the table holders is missing");
    const auto every_operation_fails = [&](const std::string& words) {
        check_fails(holders.load(1, ReadMode::plain), errc::schema_mismatch, words);
        check_fails(holders.load(1, ReadMode::settled), errc::schema_mismatch, words);
        check_fails(holders.load_many(std::vector<std::int64_t>{1}, ReadMode::plain), errc::schema_mismatch, words);
        check_fails(holders.insert(holder("x")), errc::schema_mismatch, words);
        check_fails(holders.update({1, "x", {}, 1}, 1, {}), errc::schema_mismatch, words);
    };
    every_operation_fails("holders");
    check_fails(holders.erase(1, 1, {}), errc::schema_mismatch, "holders");
    check_fails(holders.load_version(1), errc::schema_mismatch, "holders");
    place.run("CREATE TABLE holders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, version bigint NOT NULL)");
    check_fails(check_schema<Holder>(pool), errc::schema_mismatch, "holders.motto");
    every_operation_fails("motto");
    check_fails(create_tables<Holder>(pool), errc::schema_mismatch, "holders.motto");
    place.run("ALTER TABLE holders ADD COLUMN motto text");
    CHECK(succeeds(check_schema<Holder>(pool)));
    CHECK(succeeds(holders.insert(holder("x"))));
    place.run("ALTER TABLE holders DROP COLUMN motto");
    every_operation_fails("motto");
    check_fails(check_schema<Pass>(pool), errc::schema_mismatch, "the table passes is missing");
}

TEST_CASE("a column that changes its type under prepared statements is followed") {
    PostgresPlace place;
    const auto pool = place.pool();
    REQUIRE(succeeds(create_tables<Holder>(pool)));
    WaitingPostgres<Holder> holders{PostgresDatabase<Holder>(pool)};
    auto stored = holders.insert(holder("x"));
    REQUIRE(succeeds(stored));
    REQUIRE(succeeds(holders.load(stored->id, ReadMode::plain)));
    REQUIRE(succeeds(holders.update(*stored, 1, {})));
    place.run("ALTER TABLE holders ALTER COLUMN name TYPE varchar(10), ALTER COLUMN version TYPE integer");
    const auto loaded = holders.load(stored->id, ReadMode::plain);
    REQUIRE(succeeds(loaded));
    CHECK((*loaded)->version == 2);
    CHECK(succeeds(holders.update(**loaded, 2, {})));
    CHECK(succeeds(holders.insert(holder("y"))));
}

TEST_CASE("check_schema names what would let a key belong to two rows") {
    PostgresPlace place;
    const auto pool = place.pool();
    place.run("CREATE TABLE holders (id bigint PRIMARY KEY, name text NOT NULL, motto text, version bigint NOT NULL)");
    check_fails(check_schema<Holder>(pool), errc::schema_mismatch, "holders.id is not made by the database");
    place.run("CREATE TABLE settings (name text, section text, alias text, value text)");
    check_fails(check_schema<Setting>(pool), errc::schema_mismatch, "no unique index on name");
    place.run("CREATE UNIQUE INDEX one ON settings (name); CREATE UNIQUE INDEX two ON settings (alias) WHERE section = 'x'");
    check_fails(check_schema<Setting>(pool), errc::schema_mismatch, "no unique index on alias");
    place.run("CREATE UNIQUE INDEX three ON settings (alias) INCLUDE (value)");
    CHECK(succeeds(check_schema<Setting>(pool)));
    place.run("CREATE TABLE coupons (name text PRIMARY KEY, percent bigint, version bigint)");
    check_fails(check_schema<Coupon>(pool), errc::schema_mismatch, "larder_graves_coupons");
}

TEST_CASE("create_tables makes all or nothing, leaves what there is, and may be called by several at once") {
    PostgresPlace place;
    const auto pool = place.pool();
    place.run("CREATE TABLE passes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)");
    check_fails(create_tables<Pass>(pool), errc::schema_mismatch, "passes");
    check_fails(check_schema<Holder>(pool), errc::schema_mismatch, "the table holders is missing");
    place.run("DROP TABLE passes");
    std::vector<std::future<bool>> makers;
    for (int i = 0; i < 4; ++i) makers.push_back(std::async(std::launch::async, [&] { return create_tables<Pass, Crate, Coupon>(pool).has_value(); }));
    for (auto& maker : makers) CHECK(maker.get());
    WaitingPostgres<Holder> holders{PostgresDatabase<Holder>(pool)};
    REQUIRE(succeeds(holders.insert(holder("kept"))));
    REQUIRE(succeeds(create_tables<Pass, Holder>(pool)));
    CHECK(*holders.load(1, ReadMode::plain));
    CHECK(succeeds(check_schema<Pass, Holder, Crate>(pool)));
}

TEST_CASE("create_tables names the embedded entity's table if it is that one that lacks something") {
    PostgresPlace place;
    const auto pool = place.pool();
    place.run("CREATE TABLE holders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, version bigint NOT NULL)");
    check_fails(create_tables<Pass>(pool), errc::schema_mismatch, "the column holders.motto is missing");
    place.run("DROP TABLE holders; CREATE TABLE holders (id bigint PRIMARY KEY, name text NOT NULL, motto text, version bigint NOT NULL)");
    check_fails(create_tables<Pass>(pool), errc::schema_mismatch, "holders.id is not made by the database");
    check_fails(check_schema<Pass>(pool), errc::schema_mismatch, "the table passes is missing");
}

TEST_CASE("a database without tables for epochs can do without them") {
    PostgresPlace place;
    const auto pool = place.pool();
    REQUIRE(succeeds(create_tables<Pass>(pool)));
    place.run("DROP TABLE larder_epochs_passes_holder_id");
    constexpr auto group = space_of_v<Pass, &Pass::holder_id>;
    const auto owner = WaitingPostgres<Holder>{PostgresDatabase<Holder>(pool)}.insert(holder("x"));
    REQUIRE(succeeds(owner));
    Pass row;
    row.holder_id = owner->id;
    row.revoked_at = TimePoint(std::chrono::hours(1));

    WaitingPostgres<Pass> with{PostgresDatabase<Pass>(pool)};
    Pass valid = row;
    valid.revoked_at.reset();
    const auto stored = with.insert(valid);
    REQUIRE(succeeds(stored));
    check_fails(check_schema<Pass>(pool), errc::schema_mismatch, "larder_epochs_passes_holder_id");
    check_fails(with.revoke_all<group>(owner->id, row, schema_of<Pass>::revoked_members{}), errc::schema_mismatch, "larder_epochs_passes_holder_id");
    CHECK(*with.load(stored->id, ReadMode::plain) == *stored); // together or not at all
    check_fails(with.load_epoch<group>(1), errc::schema_mismatch, "larder_epochs_passes_holder_id");

    WaitingPostgres<Pass> without{PostgresDatabase<Pass>({pool, false})};
    CHECK(succeeds(check_schema<Pass>(pool, false)));
    const auto done = without.revoke_all<group>(owner->id, row, schema_of<Pass>::revoked_members{});
    REQUIRE(succeeds(done));
    CHECK(done->rows.size() == 1);
    CHECK(done->epoch == 0);
    check_fails(without.load_epoch<group>(1), errc::schema_mismatch, "passes.holder_id");
}

TEST_CASE("a value of another type, a null and a number out of range are told with their column") {
    PostgresPlace place;
    const auto pool = place.pool();
    place.run("CREATE TABLE holders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name numeric, motto text, version text); INSERT INTO holders (name, version) VALUES (1, 'x')");
    WaitingPostgres<Holder> holders{PostgresDatabase<Holder>(pool)};
    check_fails(holders.load(1, ReadMode::plain), errc::schema_mismatch, "holders.name holds a value of another type");
    check_fails(holders.load_version(1), errc::schema_mismatch, "holders.version holds a value of another type");
    place.run("ALTER TABLE holders ALTER COLUMN name TYPE text");
    check_fails(holders.load(1, ReadMode::plain), errc::schema_mismatch, "holders.version holds a value of another type");
    place.run("UPDATE holders SET name = NULL");
    check_fails(holders.load(1, ReadMode::plain), errc::schema_mismatch, "holders.name holds a null");

    REQUIRE(succeeds(create_tables<Setting>(pool)));
    place.run("DROP TABLE holders");
    REQUIRE(succeeds(create_tables<Crate>(pool)));
    WaitingPostgres<Crate> crates{PostgresDatabase<Crate>(pool)};
    Crate crate;
    REQUIRE(succeeds(crates.insert(crate)));
    place.run("UPDATE \"Crates of \"\"store\"\"\" SET shelf = 1000");
    check_fails(crates.load_many(std::vector<Uuid>{crate.id}, ReadMode::plain), errc::schema_mismatch, ".shelf holds a value out of the field's range");
}

TEST_CASE("constraints that the schema does not know are told as they are, without values") {
    PostgresPlace place;
    const auto pool = place.pool();
    place.run("CREATE TABLE sections (name text PRIMARY KEY); INSERT INTO sections VALUES ('s1'), ('s2');"
              "CREATE TABLE settings (name text PRIMARY KEY, section text REFERENCES sections (name), alias text UNIQUE, value text CONSTRAINT no_bad CHECK (value <> 's3cr3t'),"
              "CONSTRAINT one_value UNIQUE (section, value), must text NOT NULL DEFAULT 'x')");
    WaitingPostgres<Setting> settings{PostgresDatabase<Setting>(pool)};
    REQUIRE(succeeds(settings.insert({"a", "s1", "c", "d"})));
    const auto quiet = [](const auto& outcome, errc code, const std::string& words) {
        check_fails(outcome, code, words);
        CHECK(outcome.error().text.find("s3cr3t") == std::string::npos);
    };
    quiet(settings.insert({"a", "s1", "c1", "v"}), errc::duplicate_key, "settings.name");
    quiet(settings.insert({"a1", "s1", "c", "v"}), errc::duplicate_key, "settings.alias");
    quiet(settings.insert({"a1", "s1", "c1", "d"}), errc::duplicate_key, "one_value");
    quiet(settings.insert({"a1", "s1", "c1", "s3cr3t"}), errc::database_failure, "no_bad");
    quiet(settings.insert({"a1", "s3cr3t", "c1", "v"}), errc::missing_relation, "settings_section_fkey");
    std::string long_alias;
    for (std::uint32_t letter = 1; long_alias.size() < 20'000; letter = letter * 1'103'515'245 + 12'345) long_alias += static_cast<char>('!' + (letter >> 16) % 90);
    quiet(settings.insert({"a1", "s1", long_alias, "v"}), errc::value_too_large, "settings");
}

TEST_CASE("a relation without a foreign key in the database is kept all the same") {
    PostgresPlace place;
    const auto pool = place.pool();
    REQUIRE(succeeds(create_tables<Pass>(pool)));
    place.run("ALTER TABLE passes DROP CONSTRAINT passes_holder_id_fkey");
    WaitingPostgres<Pass> passes{PostgresDatabase<Pass>(pool)};
    Pass row;
    row.holder_id = 7;
    check_fails(passes.insert(row), errc::missing_relation, "passes.holder");
    CHECK(place.run("SELECT count(*) FROM passes") == "0");
    const auto owner = WaitingPostgres<Holder>{PostgresDatabase<Holder>(pool)}.insert(holder("x"));
    row.holder_id = owner->id;
    auto stored = passes.insert(row);
    REQUIRE(succeeds(stored));
    stored->holder_id = 7;
    check_fails(passes.update(*stored, 1, {}), errc::missing_relation, "passes.holder");
    place.run("DELETE FROM holders");
    check_fails(passes.load(stored->id, ReadMode::plain), errc::missing_relation, "passes.holder");
}

TEST_CASE("a row that other rows refer to is not removed") {
    PostgresPlace place;
    const auto pool = place.pool();
    REQUIRE(succeeds(create_tables<Pass>(pool)));
    WaitingPostgres<Holder> holders{PostgresDatabase<Holder>(pool)};
    const auto owner = holders.insert(holder("x"));
    REQUIRE(succeeds(owner));
    Pass row;
    row.holder_id = owner->id;
    REQUIRE(succeeds(WaitingPostgres<Pass>{PostgresDatabase<Pass>(pool)}.insert(row)));
    check_fails(holders.erase(owner->id, 1, {}), errc::missing_relation, "holders: the row can not be removed");
    CHECK(*holders.load(owner->id, ReadMode::plain));
}

TEST_CASE("a generated key that was given is not generated later") {
    PostgresPlace place;
    const auto pool = place.pool();
    REQUIRE(succeeds(create_tables<Holder>(pool)));
    WaitingPostgres<Holder> holders{PostgresDatabase<Holder>(pool)};
    for (const std::int64_t key : {3, 5, 2}) REQUIRE(succeeds(holders.insert({.id = key, .name = "given", .motto = {}, .version = 0})));
    REQUIRE(succeeds(holders.erase(5, 1, {})));
    const auto next = holders.insert(holder("made"));
    REQUIRE(succeeds(next));
    CHECK(next->id == 6);
}
