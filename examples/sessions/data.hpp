// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "ledger.hpp"
#include "service.hpp"

#include <larder/database/sqlite.hpp>
#include <larder/database/sqlite_schema.hpp>
#include <larder/session/session.hpp>

#include <boost/uuid/random_generator.hpp>
#include <fmt/format.h>
#include <sqlite3.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include <stdlib.h>

namespace example {

/// A folder for the run's files; it goes with its content.
class TempFolder {
public:
    TempFolder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "larder-sessions-XXXXXX").string();
        if (!::mkdtemp(pattern.data())) throw std::runtime_error("no folder can be made in " + std::filesystem::temp_directory_path().string());
        path_ = pattern;
    }
    TempFolder(const TempFolder&) = delete;
    ~TempFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    std::string file(std::string_view name) const { return (path_ / name).string(); }

private:
    std::filesystem::path path_;
};

/// A statement of SQLite's C interface, for what is faster in one go than row by row.
class Statement {
public:
    Statement(sqlite3* database, const char* text) : database_(database) {
        if (sqlite3_prepare_v2(database, text, -1, &statement_, nullptr) != SQLITE_OK) fail();
    }
    Statement(const Statement&) = delete;
    ~Statement() { sqlite3_finalize(statement_); }

    Statement& bind(int place, std::int64_t value) { return check(sqlite3_bind_int64(statement_, place, value)); }
    Statement& bind(int place, std::string_view text) { return check(sqlite3_bind_text64(statement_, place, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8)); }
    Statement& bind(int place, const void* bytes, std::size_t size) { return check(sqlite3_bind_blob64(statement_, place, bytes, size, SQLITE_TRANSIENT)); }
    void run() {
        if (sqlite3_step(statement_) != SQLITE_DONE) fail();
        sqlite3_reset(statement_);
    }

private:
    Statement& check(int code) {
        if (code != SQLITE_OK) fail();
        return *this;
    }
    [[noreturn]] void fail() const { throw std::runtime_error(sqlite3_errmsg(database_)); }

    sqlite3* database_;
    sqlite3_stmt* statement_ = nullptr;
};

/// What the sessions in the file begin as: one for each device, last seen within the last minute, as where a service has been running.
class Beginnings {
public:

    Beginnings(std::size_t users, std::size_t sessions, std::uint64_t seed) : users_(users), ids_(sessions) {
        std::mt19937_64 random(seed);
        boost::uuids::basic_random_generator<std::mt19937_64> make(random);
        for (auto& id : ids_) id = make();
    }

    /// A ledger that knows just these. Their tokens follow from their numbers, so that each run can have a ledger of its own.
    void enter(Ledger& ledger) const {
        for (std::size_t device = 0; device < ids_.size(); ++device) {
            auto credential = ledger.credential_for(device);
            credential->session->id = ids_[device];
            ledger.device(device).take(std::move(credential));
        }
    }

    /// Makes the file.
    void write(const std::string& path, const larder::HashKey& hash) const {
        const larder::SqliteFile file(path);
        larder::create_tables<larder::Session>(file).value();
        sqlite3* database = nullptr;
        if (sqlite3_open(path.c_str(), &database) != SQLITE_OK) throw std::runtime_error("the database can not be opened");
        const std::unique_ptr<sqlite3, int (*)(sqlite3*)> closing(database, &sqlite3_close);
        Statement(database, "BEGIN").run();
        {
            Statement user(database, "INSERT INTO users (id, email, username, version) VALUES (?1, ?2, ?3, 1)");
            for (std::size_t i = 1; i <= users_; ++i)
                user.bind(1, static_cast<std::int64_t>(i)).bind(2, fmt::format("user{}@example.org", i)).bind(3, fmt::format("user{}", i)).run();
            Statement session(database, "INSERT INTO sessions (id, user_id, refresh_token, jti, created_at, last_seen_at, access_expires_at, refresh_expires_at, ip_address, "
                                        "user_agent, version) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 1)");
            Ledger ledger(users_, ids_.size());
            enter(ledger);
            using namespace std::chrono;
            const auto now = floor<milliseconds>(system_clock::now()).time_since_epoch();
            for (std::size_t device = 0; device < ids_.size(); ++device) {
                const auto credential = ledger.device(device).current();
                const auto token = hash(credential->refresh_token).digest();
                session.bind(1, ids_[device].begin(), ids_[device].size())
                    .bind(2, ledger.user_of(device))
                    .bind(3, token.data(), token.size())
                    .bind(4, credential->jti)
                    .bind(5, milliseconds(now - 24h).count())
                    .bind(6, milliseconds(now - milliseconds(device * 7919 % 60'000)).count())
                    .bind(7, milliseconds(now + 15min).count())
                    .bind(8, milliseconds(now + 24h * 30).count())
                    .bind(9, fmt::format("192.0.2.{}", device % 256))
                    .bind(10, user_agent)
                    .run();
            }
        }
        Statement(database, "COMMIT").run();
    }

private:
    std::size_t users_;
    std::vector<larder::Uuid> ids_;
};

} // namespace example
