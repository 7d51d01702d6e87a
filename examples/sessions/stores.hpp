// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "beginnings.hpp"
#include "conninfo.hpp"
#include "postgres_console.hpp"
#include "service.hpp"
#include "sqlite_statement.hpp"
#include "temp_folder.hpp"

#include <larder/database/postgres_schema.hpp>
#include <larder/database/sqlite.hpp>
#include <larder/database/sqlite_schema.hpp>
#include <larder/session/session.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <unistd.h>

namespace example {

/// A database with the sessions as they begin, of which each code gets a copy.
class Store {
public:
    Store() = default;
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;
    virtual ~Store() = default;

    /// Makes a copy, and says in the site where it is.
    virtual void copy_for(std::string_view code, Site& site) = 0;
    /// Removes it.
    virtual void remove(std::string_view code) = 0;
};

/// When the sessions were last seen, as seen from the moment at which a code gets its copy: the same for each.
class Seen {
public:
    /// \returns for how long it has not been told.
    larder::TimePoint::duration move_on() {
        const auto before = std::exchange(told_, wall_clock());
        return told_ - before;
    }

private:
    larder::TimePoint told_ = wall_clock();
};

/// SQLite files in a folder.
class SqliteStore final : public Store {
public:
    SqliteStore(const TempFolder& folder, const Beginnings& beginnings, const larder::HashKey& hash) : folder_(folder) {
        const larder::SqliteFile file(folder_.file(original));
        larder::create_tables<larder::Session>(file).value();
        const auto opened = open();
        sqlite3* const database = opened.get();
        Statement(database, "BEGIN").run();
        {
            Statement user(database, "INSERT INTO users (id, email, username, version) VALUES (?1, ?2, ?3, 1)");
            beginnings.each_user([&](const larder::User& row) { user.bind(1, row.id).bind(2, row.email).bind(3, row.username).run(); });
            Statement session(database, "INSERT INTO sessions (id, user_id, refresh_token, jti, created_at, last_seen_at, access_expires_at, refresh_expires_at, ip_address, "
                                        "user_agent, version) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 1)");
            beginnings.each_session(hash, [&](const larder::Session& row) {
                const auto& token = row.refresh_token.digest();
                session.bind(1, row.id.begin(), row.id.size())
                    .bind(2, row.user_id)
                    .bind(3, token.data(), token.size())
                    .bind(4, row.jti)
                    .bind(5, moment(row.created_at.time_since_epoch()))
                    .bind(6, moment(row.last_seen_at.time_since_epoch()))
                    .bind(7, moment(row.access_expires_at.time_since_epoch()))
                    .bind(8, moment(row.refresh_expires_at.time_since_epoch()))
                    .bind(9, row.ip_address)
                    .bind(10, row.user_agent)
                    .run();
            });
        }
        Statement(database, "COMMIT").run();
    }

    void copy_for(std::string_view code, Site& site) override {
        Statement(open().get(), "UPDATE sessions SET last_seen_at = last_seen_at + ?1").bind(1, moment(seen_.move_on())).run();
        site.sqlite = folder_.file(code);
        std::filesystem::copy_file(folder_.file(original), site.sqlite);
    }
    void remove(std::string_view code) override {
        for (const char* part : {"", "-wal", "-shm", "-writer"}) std::filesystem::remove(folder_.file(std::string(code) + part));
    }

private:
    static constexpr std::string_view original = "sessions";

    static std::int64_t moment(larder::TimePoint::duration since) { return std::chrono::floor<std::chrono::milliseconds>(since).count(); }

    SqliteHandle open() const { return open_sqlite(folder_.file(original)); }

    const TempFolder& folder_;
    Seen seen_;
};

/// Schemas of a PostgreSQL database, with names that no other run has.
class PostgresStore final : public Store {
public:
    PostgresStore(std::string conninfo, const Beginnings& beginnings, const larder::HashKey& hash) : conninfo_(std::move(conninfo)) {
        try {
            make(original);
            PostgresConsole console(within(original));
            console.begin_copy("users (id, email, username, version)");
            beginnings.each_user([&](const larder::User& row) { console.line(fmt::format("{}\t{}\t{}\t1\n", row.id, row.email, row.username)); });
            console.end_copy();
            console.begin_copy("sessions (id, user_id, refresh_token, jti, created_at, last_seen_at, access_expires_at, refresh_expires_at, ip_address, user_agent, version)");
            const auto moment = [](larder::TimePoint point) { return fmt::format("{:%Y-%m-%d %H:%M:%S}+00", std::chrono::floor<std::chrono::milliseconds>(point)); };
            beginnings.each_session(hash, [&](const larder::Session& row) {
                std::string token;
                for (const auto byte : row.refresh_token.digest()) token += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
                console.line(fmt::format("{}\t{}\t\\\\x{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t1\n", boost::uuids::to_string(row.id), row.user_id, token, row.jti, moment(row.created_at),
                                         moment(row.last_seen_at), moment(row.access_expires_at), moment(row.refresh_expires_at), row.ip_address, row.user_agent));
            });
            console.end_copy();
        } catch (...) {
            drop(original);
            throw;
        }
    }
    ~PostgresStore() override {
        if (!code_.empty()) drop(code_);
        drop(original);
    }

    void copy_for(std::string_view code, Site& site) override {
        code_ = code;
        make(code);
        PostgresConsole console(within(code));
        console.run(fmt::format("UPDATE \"{}\".sessions SET last_seen_at = last_seen_at + interval '{} milliseconds'", schema(original),
                                std::chrono::floor<std::chrono::milliseconds>(seen_.move_on()).count()));
        for (const char* table : {"users", "sessions"}) console.run(fmt::format("INSERT INTO {0} OVERRIDING SYSTEM VALUE SELECT * FROM \"{1}\".{0}; ANALYZE {0}", table, schema(original)));
        site.postgres = within(code);
    }
    void remove(std::string_view code) override {
        drop(code);
        code_.clear();
    }

private:
    static constexpr std::string_view original = "original rows";

    std::string schema(std::string_view code) const { return fmt::format("larder {} {}", ::getpid(), code); }

    void make(std::string_view code) {
        PostgresConsole(conninfo_).run(fmt::format("CREATE SCHEMA \"{}\"", schema(code)));
        boost::asio::io_context unused;
        larder::create_tables<larder::Session>(larder::PostgresPool(unused.get_executor(), {.conninfo = within(code)})).value();
    }
    void drop(std::string_view code) const { PostgresConsole::try_run(conninfo_, fmt::format("DROP SCHEMA IF EXISTS \"{}\" CASCADE", schema(code))); }

    /// How to connect so that a schema's tables are found.
    std::string within(std::string_view code) const {
        std::string path = "-c search_path=\"";
        for (const char letter : schema(code)) (path += letter == ' ' ? "\\" : "") += letter;
        path += '"';
        Conninfo place(conninfo_);
        const auto options = place.get("options");
        place.set("options", options.empty() ? path : options + " " + path);
        return place.text();
    }

    std::string conninfo_;
    std::string code_; ///< Whose copy there is.
    Seen seen_;
};

} // namespace example
