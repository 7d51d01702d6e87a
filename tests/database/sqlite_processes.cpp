// SPDX-License-Identifier: BSL-1.0
#include "worlds.hpp"

#include <larder/database/sqlite.hpp>
#include <larder/database/sqlite_schema.hpp>
#include <larder/testing/sample.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

using namespace larder_tests;
using larder::testing::Holder;

namespace {

/// A second process that waits for its turn, then does its work and ends. It is started before this process opens a database,
/// since SQLite's connections must not be carried into another process. One that is started later inherits this one's pipe, and
/// so is to be ended earlier, as destructors do.
class SecondProcess {
public:
    explicit SecondProcess(const std::function<bool()>& work) {
        REQUIRE(::pipe(go_) == 0);
        REQUIRE(::pipe(done_) == 0);
        child_ = ::fork();
        REQUIRE(child_ >= 0);
        if (child_ != 0) return;
        ::close(go_[1]);
        char turn = 0;
        int status = 2;
        while (::read(go_[0], &turn, 1) == 1) {
            status = work() ? 0 : 1;
            const char answer = status == 0 ? 'y' : 'n';
            if (::write(done_[1], &answer, 1) != 1) break;
        }
        ::_exit(status);
    }
    SecondProcess(const SecondProcess&) = delete;
    SecondProcess& operator=(const SecondProcess&) = delete;
    ~SecondProcess() {
        ::close(go_[1]);
        ::waitpid(child_, nullptr, 0);
        for (const int end : {go_[0], done_[0], done_[1]}) ::close(end);
    }

    /// Lets it do its work once; whether that succeeded.
    bool take_turn() { return start() && finish(); }

    /// The two halves of a turn.
    bool start() {
        const char go = 'g';
        return ::write(go_[1], &go, 1) == 1;
    }
    bool finish() {
        char answer = 'n';
        return ::read(done_[0], &answer, 1) == 1 && answer == 'y';
    }

private:
    int go_[2]{};
    int done_[2]{};
    pid_t child_ = -1;
};

bool run_sql(const std::string& path, const char* sql) {
    sqlite3* handle = nullptr;
    const bool done = sqlite3_open(path.c_str(), &handle) == SQLITE_OK && sqlite3_exec(handle, sql, nullptr, nullptr, nullptr) == SQLITE_OK;
    sqlite3_close(handle);
    return done;
}

} // namespace

TEST_CASE("a second process that writes is noticed by the sole writer") {
    const TempFolder folder;
    const auto path = folder.file("test.db");
    SecondProcess other([&] { return run_sql(path, "UPDATE holders SET name = name || '!'"); });
    SqliteFile file(path, {.sole_writer = true});
    REQUIRE(succeeds(create_tables<Holder>(file)));
    SqliteDatabase<Holder> holders(file);
    const auto stored = holders.insert({.id = 0, .name = "x", .motto = {}, .version = 0});
    REQUIRE(succeeds(stored));
    REQUIRE(other.take_turn());
    check_fails(holders.update(*stored, 1, {}), errc::foreign_writer, "sole_writer");
    CHECK((*holders.load(stored->id, ReadMode::plain))->name == "x!");
    REQUIRE(succeeds(file.accept_foreign_writes()));
    CHECK(succeeds(holders.update(*stored, 1, {})));
    REQUIRE(other.take_turn());
    CHECK(*file.foreign_writes() == 2);
}

TEST_CASE("a second process can not be the sole writer too, and can once the first has ended") {
    const TempFolder folder;
    const auto path = folder.file("test.db");
    SecondProcess other([&] {
        const auto opened = SqliteFile::open(path, {.sole_writer = true});
        return opened.has_value();
    });
    {
        const SqliteFile file(path, {.sole_writer = true});
        CHECK(!other.take_turn());
    }
    CHECK(other.take_turn());
}

TEST_CASE("processes that are not sole writers share a file") {
    const TempFolder folder;
    const auto path = folder.file("test.db");
    SecondProcess other([&] {
        SqliteDatabase<Holder> holders{SqliteFile(path)};
        auto row = holders.load(1, ReadMode::plain);
        if (!row || !*row) return false;
        (*row)->name += "!";
        return holders.update(**row, (*row)->version, {}).has_value();
    });
    SqliteFile file(path);
    REQUIRE(succeeds(create_tables<Holder>(file)));
    SqliteDatabase<Holder> holders(file);
    const auto stored = holders.insert({.id = 0, .name = "x", .motto = {}, .version = 0});
    REQUIRE(succeeds(stored));
    for (int round = 0; round < 3; ++round) REQUIRE(other.take_turn());
    const auto row = holders.load(1, ReadMode::plain);
    REQUIRE(succeeds(row));
    CHECK((*row)->name == "x!!!");
    CHECK((*row)->version == 4);
    check_fails(holders.update(*stored, 1, {}), errc::version_conflict, "holders");
    CHECK(succeeds(holders.update(**row, 4, {})));
    CHECK(*file.foreign_writes() == 0);
}

TEST_CASE("processes that create one database at the same moment all succeed") {
    for (int round = 0; round < 10; ++round) {
        const TempFolder folder;
        const auto path = folder.file("test.db");
        const auto work = [&] {
            const auto file = SqliteFile::open(path);
            return file && create_tables<Holder>(*file) && SqliteDatabase<Holder>(*file).insert({.id = 0, .name = "x", .motto = {}, .version = 0});
        };
        SecondProcess first(work), second(work), third(work);
        first.start();
        second.start();
        third.start();
        CHECK(first.finish());
        CHECK(second.finish());
        CHECK(third.finish());
        SqliteDatabase<Holder> holders{SqliteFile(path)};
        const auto rows = holders.load_many(std::vector<std::int64_t>{1, 2, 3}, ReadMode::plain);
        REQUIRE(succeeds(rows));
        for (const auto& row : *rows) CHECK(row.has_value());
    }
}
