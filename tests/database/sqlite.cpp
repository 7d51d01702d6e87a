// SPDX-License-Identifier: BSL-1.0
#include "worlds.hpp"

#include <larder/database/sqlite.hpp>
#include <larder/database/sqlite_schema.hpp>
#include <larder/testing/sample.hpp>

#include <boost/asio/thread_pool.hpp>
#include <boost/describe/class.hpp>
#include <doctest/doctest.h>

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <sys/resource.h>

using namespace larder_tests;
using larder::testing::Coupon;
using larder::testing::Crate;
using larder::testing::Holder;
using larder::testing::Pass;
using larder::testing::Reading;
using larder::testing::Setting;

namespace {

/// A connection of somebody else.
class Stranger {
public:
    explicit Stranger(const std::string& path) { REQUIRE(sqlite3_open(path.c_str(), &handle_) == SQLITE_OK); }
    Stranger(const Stranger&) = delete;
    Stranger& operator=(const Stranger&) = delete;
    ~Stranger() { sqlite3_close(handle_); }
    void run(const std::string& sql) {
        char* said = nullptr;
        const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, &said);
        const std::string text = said ? said : "";
        sqlite3_free(said);
        REQUIRE_MESSAGE(code == SQLITE_OK, sql << ": " << text);
    }

private:
    sqlite3* handle_ = nullptr;
};

Holder holder(const std::string& name) { return {.id = 0, .name = name, .motto = std::nullopt, .version = 0}; }

std::string pragma(const SqliteFile& file, const std::string& name) {
    const SqliteTransaction transaction(file, SqliteTransaction::Purpose::read);
    sqlite3_stmt* statement = nullptr;
    REQUIRE(sqlite3_prepare_v2(transaction.connection().handle(), ("PRAGMA " + name).c_str(), -1, &statement, nullptr) == SQLITE_OK);
    REQUIRE(sqlite3_step(statement) == SQLITE_ROW);
    std::string value = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    return value;
}

} // namespace

TEST_CASE("a file is opened in WAL mode, with foreign keys and the chosen synchronisation") {
    const TempFolder folder;
    const SqliteFile normal(folder.file("normal.db"));
    CHECK(pragma(normal, "journal_mode") == "wal");
    CHECK(pragma(normal, "foreign_keys") == "1");
    CHECK(pragma(normal, "synchronous") == "1");
    const SqliteFile full(folder.file("full.db"), {.synchronous = SqliteSync::full});
    CHECK(pragma(full, "synchronous") == "2");
    const SqliteFile memory(":memory:");
    CHECK(pragma(memory, "foreign_keys") == "1");
    CHECK(pragma(memory, "journal_mode") == "memory");
}

TEST_CASE("options out of their range are refused when a file is opened") {
    const TempFolder folder;
    const auto path = folder.file("test.db");
    check_fails(SqliteFile::open(""), errc::invalid_options, "path");
    check_fails(SqliteFile::open(path, {.busy_timeout = std::chrono::milliseconds(-1)}), errc::invalid_options, "busy_timeout");
    check_fails(SqliteFile::open(path, {.busy_timeout = std::chrono::milliseconds(std::int64_t{1} << 40)}), errc::invalid_options, "busy_timeout");
    check_fails(SqliteFile::open(path, {.readers = 0}), errc::invalid_options, "readers");
    check_fails(SqliteFile::open(path, {.readers = 1001}), errc::invalid_options, "readers");
    check_fails(SqliteFile::open(path, {.max_value_bytes = 0}), errc::invalid_options, "max_value_bytes");
    CHECK_THROWS_AS(SqliteFile(path, {.readers = 0}), Failure);
    CHECK(!std::filesystem::exists(path));
}

TEST_CASE("a file that can not be opened is unavailable") {
    const TempFolder folder;
    check_fails(SqliteFile::open(folder.file("no/such/folder.db")), errc::database_unavailable, "folder.db");
    check_fails(SqliteFile::open(folder.file("no/such/folder.db"), {.sole_writer = true}), errc::database_unavailable, "lock file");
    check_fails(SqliteFile::open(folder.file("absent.db"), {.create = false}), errc::database_unavailable, "absent.db");
}

TEST_CASE("what is no database, or damaged, is told as corrupt") {
    const TempFolder folder;
    const auto text = folder.file("text.db");
    std::ofstream(text) << std::string(5000, 'x');
    check_fails(SqliteFile::open(text), errc::database_corrupt, "not a database");

    const auto path = folder.file("damaged.db");
    {
        SqliteFile file(path);
        REQUIRE(succeeds(create_tables<Holder>(file)));
        SqliteDatabase<Holder> holders(file);
        for (int i = 0; i < 200; ++i) REQUIRE(succeeds(holders.insert(holder(std::string(300, 'x')))));
    }
    {
        std::fstream damage(path, std::ios::in | std::ios::out | std::ios::binary);
        const auto size = static_cast<std::streamoff>(std::filesystem::file_size(path));
        for (std::streamoff at = 4096; at + 4096 <= size; at += 4096) {
            damage.seekp(at);
            damage.write("\xff\xff\xff\xff\xff\xff\xff\xff", 8);
        }
    }
    SqliteFile file(path);
    SqliteDatabase<Holder> holders(file);
    check_fails(holders.load(100, ReadMode::plain), errc::database_corrupt, "damaged.db");
    check_fails(holders.insert(holder("another")), errc::database_corrupt, "damaged.db");
}

TEST_CASE("a database locked by another connection for longer than the busy timeout is busy; readers do not mind") {
    const TempFolder folder;
    SqliteFile file(folder.file("test.db"), {.busy_timeout = std::chrono::milliseconds(20)});
    REQUIRE(succeeds(create_tables<Holder>(file)));
    SqliteDatabase<Holder> holders(file);
    auto stored = holders.insert(holder("first"));
    REQUIRE(succeeds(stored));

    Stranger stranger(file.path());
    stranger.run("BEGIN IMMEDIATE");
    check_fails(holders.update(*stored, 1, {}), errc::database_busy, "busy timeout of 20 ms");
    check_fails(holders.insert(holder("second")), errc::database_busy, "test.db");
    check_fails(holders.erase(stored->id, 1, {}), errc::database_busy, "test.db");
    check_fails(holders.load(stored->id, ReadMode::settled), errc::database_busy, "test.db");
    const auto read = holders.load(stored->id, ReadMode::plain);
    REQUIRE(succeeds(read));
    CHECK(*read == *stored);
    stranger.run("COMMIT");
    CHECK(succeeds(holders.update(*stored, 1, {})));
}

TEST_CASE("a transaction of this process makes other writes wait, and be busy in the end; readers see what is committed") {
    const TempFolder folder;
    SqliteFile file(folder.file("test.db"), {.busy_timeout = std::chrono::milliseconds(20)});
    REQUIRE(succeeds(create_tables<Holder>(file)));
    SqliteDatabase<Holder> holders(file);
    const auto stored = holders.insert(holder("first"));
    REQUIRE(succeeds(stored));
    {
        SqliteTransaction transaction(file);
        REQUIRE(!transaction.error());
        auto changed = *stored;
        changed.name = "changed";
        REQUIRE(succeeds(larder::detail::SqliteRows<Holder>::update(transaction.connection(), changed, 1, {})));
        check_fails(holders.insert(holder("second")), errc::database_busy, "test.db");
        auto read = holders.load(stored->id, ReadMode::plain);
        REQUIRE(succeeds(read));
        CHECK((*read)->name == "first");
        REQUIRE(!transaction.commit());
        read = holders.load(stored->id, ReadMode::plain);
        REQUIRE(succeeds(read));
        CHECK((*read)->name == "changed");
    }
    {
        SqliteTransaction transaction(file);
        auto changed = *stored;
        changed.name = "undone";
        REQUIRE(succeeds(larder::detail::SqliteRows<Holder>::update(transaction.connection(), changed, 2, {})));
    }
    const auto read = holders.load(stored->id, ReadMode::plain);
    REQUIRE(succeeds(read));
    CHECK((*read)->name == "changed");
}

TEST_CASE("a missing table or column is named, by every operation and by check_schema") {
    const TempFolder folder;
    SqliteFile file(folder.file("test.db"));
    SqliteDatabase<Holder> holders(file);
    check_fails(check_schema<Holder>(file), errc::schema_mismatch, "the table holders is missing");
    check_fails(holders.load(1, ReadMode::plain), errc::schema_mismatch, "holders");
    check_fails(holders.insert(holder("x")), errc::schema_mismatch, "holders");
    check_fails(holders.update({1, "x", {}, 1}, 1, {}), errc::schema_mismatch, "holders");

    Stranger(file.path()).run("CREATE TABLE holders (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, version INTEGER NOT NULL)");
    check_fails(check_schema<Holder>(file), errc::schema_mismatch, "holders.motto");
    check_fails(holders.load(1, ReadMode::plain), errc::schema_mismatch, "motto");
    check_fails(holders.load_many(std::vector<std::int64_t>{1}, ReadMode::plain), errc::schema_mismatch, "motto");
    check_fails(holders.insert(holder("x")), errc::schema_mismatch, "motto");
    check_fails(holders.update({1, "x", {}, 1}, 1, {}), errc::schema_mismatch, "motto");
    check_fails(create_tables<Holder>(file), errc::schema_mismatch, "holders.motto");

    Stranger(file.path()).run("ALTER TABLE holders ADD COLUMN Motto TEXT");
    CHECK(succeeds(check_schema<Holder>(file)));
    CHECK(succeeds(holders.insert(holder("x"))));

    check_fails(check_schema<Pass>(file), errc::schema_mismatch, "the table passes is missing");
}

TEST_CASE("check_schema names what would let keys be given twice") {
    const TempFolder folder;
    SqliteFile file(folder.file("test.db"));
    Stranger stranger(file.path());
    stranger.run("CREATE TABLE holders (id INTEGER PRIMARY KEY, name TEXT NOT NULL, motto TEXT, version INTEGER NOT NULL)");
    check_fails(check_schema<Holder>(file), errc::schema_mismatch, "AUTOINCREMENT");
    stranger.run("CREATE TABLE settings (name TEXT, section TEXT, alias TEXT, value TEXT)");
    check_fails(check_schema<Setting>(file), errc::schema_mismatch, "no unique index on name");
    stranger.run("CREATE UNIQUE INDEX one ON settings (name); CREATE UNIQUE INDEX two ON settings (alias) WHERE section = 'x'");
    check_fails(check_schema<Setting>(file), errc::schema_mismatch, "no unique index on alias");
    stranger.run("CREATE UNIQUE INDEX three ON settings (Alias)");
    CHECK(succeeds(check_schema<Setting>(file)));
    stranger.run("CREATE TABLE coupons (name TEXT PRIMARY KEY, percent INTEGER, version INTEGER)");
    check_fails(check_schema<Coupon>(file), errc::schema_mismatch, "larder_graves_coupons");
}

TEST_CASE("create_tables makes all or nothing, and leaves what there is") {
    const TempFolder folder;
    SqliteFile file(folder.file("test.db"));
    Stranger stranger(file.path());
    stranger.run("CREATE TABLE passes (id INTEGER PRIMARY KEY AUTOINCREMENT)");
    check_fails(create_tables<Pass>(file), errc::schema_mismatch, "holder_id");
    check_fails(check_schema<Holder>(file), errc::schema_mismatch, "the table holders is missing");
    stranger.run("DROP TABLE passes");
    REQUIRE(succeeds(create_tables<Pass>(file)));
    SqliteDatabase<Holder> holders(file);
    REQUIRE(succeeds(holders.insert(holder("kept"))));
    REQUIRE(succeeds(create_tables<Pass, Holder>(file)));
    CHECK(*holders.load(1, ReadMode::plain));
    CHECK(succeeds(check_schema<Pass, Holder>(file)));
}

TEST_CASE("create_tables names the embedded entity's table if it is that one that lacks something") {
    const TempFolder folder;
    SqliteFile file(folder.file("test.db"));
    Stranger stranger(file.path());
    stranger.run("CREATE TABLE holders (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, version INTEGER NOT NULL)");
    check_fails(create_tables<Pass>(file), errc::schema_mismatch, "the column holders.motto is missing");
    stranger.run("DROP TABLE holders; CREATE TABLE holders (id INTEGER PRIMARY KEY, name TEXT NOT NULL, motto TEXT, version INTEGER NOT NULL)");
    check_fails(create_tables<Pass>(file), errc::schema_mismatch, "holders.id may be given out again");
    check_fails(check_schema<Pass>(file), errc::schema_mismatch, "the table passes is missing");
}

TEST_CASE("a database without tables for epochs can do without them") {
    const TempFolder folder;
    SqliteFile file(folder.file("test.db"));
    REQUIRE(succeeds(create_tables<Pass>(file)));
    Stranger(file.path()).run("DROP TABLE larder_epochs_passes_holder_id");
    constexpr auto group = space_of_v<Pass, &Pass::holder_id>;
    Pass pattern;
    pattern.revoked_at = TimePoint(std::chrono::hours(1));

    SqliteDatabase<Pass> with(file);
    check_fails(check_schema<Pass>(file), errc::schema_mismatch, "larder_epochs_passes_holder_id");
    check_fails(with.revoke_all<group>(1, pattern, schema_of<Pass>::revoked_members{}), errc::schema_mismatch, "larder_epochs_passes_holder_id");
    check_fails(with.load_epoch<group>(1), errc::schema_mismatch, "larder_epochs_passes_holder_id");

    SqliteDatabase<Pass> without({file, false});
    CHECK(succeeds(check_schema<Pass>(file, false)));
    const auto done = without.revoke_all<group>(1, pattern, schema_of<Pass>::revoked_members{});
    REQUIRE(succeeds(done));
    CHECK(done->epoch == 0);
    check_fails(without.load_epoch<group>(1), errc::schema_mismatch, "passes.holder_id");
}

TEST_CASE("a group's rows and its epoch are changed together or not at all") {
    const TempFolder folder;
    SqliteFile file(folder.file("test.db"));
    REQUIRE(succeeds(create_tables<Pass>(file)));
    const auto owner = SqliteDatabase<Holder>(file).insert(holder("x"));
    SqliteDatabase<Pass> passes(file);
    Pass row;
    row.holder_id = owner->id;
    const auto stored = passes.insert(row);
    REQUIRE(succeeds(stored));
    Stranger(file.path()).run("CREATE TRIGGER refuse BEFORE INSERT ON larder_epochs_passes_holder_id BEGIN SELECT raise(ABORT, 'no epochs today'); END");
    row.revoked_at = TimePoint(std::chrono::hours(1));
    check_fails(passes.revoke_all<space_of_v<Pass, &Pass::holder_id>>(owner->id, row, schema_of<Pass>::revoked_members{}), errc::database_failure, "no epochs today");
    CHECK(*passes.load(stored->id, ReadMode::plain) == *stored);
    CHECK(succeeds(passes.update(*stored, 1, {})));
}

TEST_CASE("a value of another type is told with its column") {
    const TempFolder folder;
    SqliteFile file(folder.file("test.db"));
    REQUIRE(succeeds(create_tables<Crate, Holder>(file)));
    SqliteDatabase<Holder> holders(file);
    REQUIRE(succeeds(holders.insert(holder("x"))));
    Stranger stranger(file.path());
    stranger.run("UPDATE holders SET version = 'many'");
    check_fails(holders.load(1, ReadMode::plain), errc::schema_mismatch, "holders.version holds a value of another type");
    check_fails(holders.load_version(1), errc::schema_mismatch, "holders.version holds a value of another type");
    stranger.run("UPDATE holders SET version = 1, name = x'00'");
    check_fails(holders.load(1, ReadMode::plain), errc::schema_mismatch, "holders.name holds a value of another type");

    SqliteDatabase<Crate> crates(file);
    Crate crate;
    REQUIRE(succeeds(crates.insert(crate)));
    stranger.run("UPDATE \"Crates of \"\"store\"\"\" SET shelf = 1000");
    check_fails(crates.load(crate.id, ReadMode::plain), errc::schema_mismatch, ".shelf holds a value out of the field's range");
    stranger.run("UPDATE \"Crates of \"\"store\"\"\" SET shelf = 0, \"how many\" = 'x'");
    check_fails(crates.load_many(std::vector<Uuid>{crate.id}, ReadMode::plain), errc::schema_mismatch, ".how many holds a value of another type");
    stranger.run("UPDATE \"Crates of \"\"store\"\"\" SET \"how many\" = 1, twin = x'0102'");
    check_fails(crates.load(crate.id, ReadMode::plain), errc::schema_mismatch, ".twin holds a value out of the field's range");

    stranger.run("CREATE TABLE settings (name TEXT PRIMARY KEY, section TEXT, alias TEXT UNIQUE, value TEXT); INSERT INTO settings VALUES ('a', 'b', 'c', NULL)");
    check_fails(SqliteDatabase<Setting>(file).load("a", ReadMode::plain), errc::schema_mismatch, "settings.value holds a null");
}

TEST_CASE("constraints that the schema does not know are told as they are") {
    const TempFolder folder;
    SqliteFile file(folder.file("test.db"));
    Stranger(file.path()).run("CREATE TABLE settings (name TEXT PRIMARY KEY, section TEXT UNIQUE, alias TEXT UNIQUE, value TEXT CHECK (value <> 'bad'), must TEXT NOT NULL DEFAULT 'x')");
    SqliteDatabase<Setting> settings(file);
    REQUIRE(succeeds(settings.insert({"a", "b", "c", "d"})));
    check_fails(settings.insert({"a1", "b", "c1", "d"}), errc::duplicate_key, "settings.section");
    check_fails(settings.insert({"a1", "b1", "c1", "bad"}), errc::database_failure, "CHECK constraint failed");
    Stranger(file.path()).run("DROP TABLE settings; CREATE TABLE settings (name TEXT PRIMARY KEY, section TEXT, alias TEXT, value TEXT, must TEXT NOT NULL)");
    check_fails(settings.insert({"a", "b", "c", "d"}), errc::schema_mismatch, "settings.must");
}

TEST_CASE("a relation that the database enforces but the schema does not name is told") {
    const TempFolder folder;
    SqliteFile file(folder.file("test.db"));
    Stranger(file.path()).run("CREATE TABLE sections (name TEXT PRIMARY KEY);"
                              "CREATE TABLE settings (name TEXT PRIMARY KEY, section TEXT REFERENCES sections(name), alias TEXT UNIQUE, value TEXT);"
                              "CREATE TABLE late (name TEXT PRIMARY KEY REFERENCES settings(name) DEFERRABLE INITIALLY DEFERRED)");
    SqliteDatabase<Setting> settings(file);
    check_fails(settings.insert({"a", "b", "c", "d"}), errc::missing_relation, "settings: a foreign key");
    Stranger(file.path()).run("INSERT INTO sections VALUES ('b')");
    REQUIRE(succeeds(settings.insert({"a", "b", "c", "d"})));
    Stranger(file.path()).run("INSERT INTO late VALUES ('a')");
    check_fails(settings.erase("a", 0, {}), errc::missing_relation, "FOREIGN KEY constraint failed");
    CHECK(*settings.load("a", ReadMode::plain));
    CHECK(succeeds(settings.update({"a", "b", "c", "e"}, 0, {})));
}

TEST_CASE("a row that other rows refer to is not removed") {
    const TempFolder folder;
    SqliteFile file(folder.file("test.db"));
    REQUIRE(succeeds(create_tables<Pass>(file)));
    SqliteDatabase<Holder> holders(file);
    const auto owner = holders.insert(holder("x"));
    Pass row;
    row.holder_id = owner->id;
    REQUIRE(succeeds(SqliteDatabase<Pass>(file).insert(row)));
    check_fails(holders.erase(owner->id, 1, {}), errc::missing_relation, "holders: the row can not be removed");
    CHECK(*holders.load(owner->id, ReadMode::plain));
}

TEST_CASE("without foreign keys in the database a missing embedded row is told all the same") {
    const TempFolder folder;
    SqliteFile file(folder.file("test.db"));
    REQUIRE(succeeds(create_tables<Holder>(file)));
    Stranger stranger(file.path());
    stranger.run("CREATE TABLE passes (id INTEGER PRIMARY KEY AUTOINCREMENT, holder_id INTEGER, code TEXT UNIQUE, badge TEXT UNIQUE, note TEXT, expires_at INTEGER, revoked_at INTEGER,"
                 "last_seen INTEGER, version INTEGER)");
    SqliteDatabase<Pass> passes(file);
    Pass row;
    row.holder_id = 7;
    check_fails(passes.insert(row), errc::missing_relation, "passes.holder");
    CHECK(!*passes.load_by<space_of_v<Pass, &Pass::code>>("", ReadMode::plain));
    const auto owner = SqliteDatabase<Holder>(file).insert(holder("x"));
    row.holder_id = owner->id;
    auto stored = passes.insert(row);
    REQUIRE(succeeds(stored));
    stored->holder_id = 7;
    check_fails(passes.update(*stored, 1, {}), errc::missing_relation, "passes.holder");
    stranger.run("DELETE FROM holders");
    check_fails(passes.load(stored->id, ReadMode::plain), errc::missing_relation, "passes.holder");
    check_fails(passes.load_many(std::vector<std::int64_t>{stored->id}, ReadMode::plain), errc::missing_relation, "passes.holder");
}

TEST_CASE("a value above the bound is refused, and its column named") {
    const TempFolder folder;
    SqliteFile file(folder.file("test.db"), {.max_value_bytes = 100});
    REQUIRE(succeeds(create_tables<Crate, Setting>(file)));
    SqliteDatabase<Setting> settings(file);
    const std::string large(101, 'x');
    check_fails(settings.insert({"a", "b", "c", large}), errc::value_too_large, "settings.value");
    REQUIRE(succeeds(settings.insert({"a", "b", "c", large.substr(1)})));
    check_fails(settings.update({"a", large, "c", ""}, 0, {}), errc::value_too_large, "settings.section");
    check_fails(settings.load(large, ReadMode::plain), errc::value_too_large, "settings.name");
    check_fails(settings.load_by<1>(large, ReadMode::plain), errc::value_too_large, "settings.alias");
    check_fails(settings.load_many(std::vector<std::string>{"a", large}, ReadMode::plain), errc::value_too_large, "settings.name");
    Crate crate;
    crate.content.resize(101);
    check_fails(SqliteDatabase<Crate>(file).insert(crate), errc::value_too_large, ".content");

    {
        const SqliteTransaction transaction(file);
        sqlite3_limit(transaction.connection().handle(), SQLITE_LIMIT_LENGTH, 50);
    }
    check_fails(settings.insert({"a1", "b", "c1", large.substr(1)}), errc::value_too_large, "test.db");
    CHECK(succeeds(settings.insert({"a1", "b", "c1", "short"})));
}

TEST_CASE("a full disk is told, and the write undone") {
    const TempFolder folder;
    SqliteFile file(folder.file("test.db"));
    REQUIRE(succeeds(create_tables<Setting>(file)));
    SqliteDatabase<Setting> settings(file);
    {
        const SqliteTransaction transaction(file, SqliteTransaction::Purpose::read);
        REQUIRE(!transaction.connection().execute("PRAGMA max_page_count = 10"));
    }
    check_fails(settings.insert({"a", "b", "c", std::string(100'000, 'x')}), errc::database_failure, "full");
    CHECK(!*settings.load("a", ReadMode::plain));
    CHECK(succeeds(settings.insert({"a", "b", "c", "d"})));
}

TEST_CASE("a disk that fails at the commit leaves the outcome unknown") {
    const TempFolder folder;
    SqliteFile file(folder.file("test.db"));
    REQUIRE(succeeds(create_tables<Setting>(file)));
    SqliteDatabase<Setting> settings(file);
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{1024, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    const auto stored = settings.insert({"a", "b", "c", "d"});
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
    std::signal(SIGXFSZ, handler);
    check_fails(stored, errc::outcome_unknown, "test.db");
    CHECK(succeeds(settings.insert({"e", "f", "g", "h"})));
}

TEST_CASE("a handle that is the sole writer allows no other") {
    const TempFolder folder;
    const auto path = folder.file("test.db");
    {
        const SqliteFile first(path, {.sole_writer = true});
        check_fails(SqliteFile::open(path, {.sole_writer = true}), errc::foreign_writer, "test.db");
        const SqliteFile copy = first;
    }
    CHECK(succeeds(SqliteFile::open(path, {.sole_writer = true})));
    const SqliteFile memory(":memory:", {.sole_writer = true});
    CHECK(succeeds(SqliteFile::open(":memory:", {.sole_writer = true})));
}

TEST_CASE("a sole writer notices that somebody else wrote, and writes no more until that is accepted") {
    const TempFolder folder;
    SqliteFile file(folder.file("test.db"), {.sole_writer = true});
    REQUIRE(succeeds(create_tables<Holder>(file)));
    SqliteDatabase<Holder> holders(file);
    const auto stored = holders.insert(holder("x"));
    REQUIRE(succeeds(stored));
    Stranger stranger(file.path());
    stranger.run("SELECT * FROM holders; PRAGMA wal_checkpoint");
    CHECK(succeeds(holders.update(*stored, 1, {})));
    CHECK(*file.foreign_writes() == 0);

    stranger.run("UPDATE holders SET name = 'y'");
    check_fails(holders.update(*stored, 2, {}), errc::foreign_writer, "sole_writer");
    check_fails(holders.insert(holder("z")), errc::foreign_writer, "sole_writer");
    CHECK(*file.foreign_writes() == 1);
    CHECK((*holders.load(stored->id, ReadMode::plain))->name == "y");
    CHECK((*holders.load(stored->id, ReadMode::settled))->name == "y");
    REQUIRE(succeeds(file.accept_foreign_writes()));
    CHECK(succeeds(holders.update(*stored, 2, {})));

    stranger.run("UPDATE holders SET name = 'y'");
    CHECK(*file.foreign_writes() == 2);
    check_fails(holders.erase(stored->id, 3, {}), errc::foreign_writer, "sole_writer");
}

TEST_CASE("asynchronous forms run on the executor that the file was given") {
    boost::asio::thread_pool pool(1);
    const SqliteFile without(":memory:");
    CHECK(!SqliteDatabase<Holder>(without).executor());
    const SqliteFile with(":memory:", {.executor = pool.get_executor()});
    CHECK(SqliteDatabase<Holder>(with).executor() == boost::asio::any_io_executor(pool.get_executor()));
}
