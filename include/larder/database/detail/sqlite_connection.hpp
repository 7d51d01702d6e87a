// SPDX-License-Identifier: BSL-1.0
#pragma once

#if !__has_include(<sqlite3.h>)
#error "larder: the SQLite adapter needs SQLite's header sqlite3.h (Debian: libsqlite3-dev)"
#endif
#include <sqlite3.h>
#if SQLITE_VERSION_NUMBER < 3035000
#error "larder: the SQLite adapter needs SQLite 3.35 or newer"
#endif

#include <larder/error.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <limits>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {

/// The number of a statement, by which each connection keeps its prepared form. `Text` is the function that makes its SQL.
template <auto Text>
std::size_t statement_slot();

inline std::size_t next_statement_slot() noexcept {
    static std::atomic<std::size_t> next{0};
    return next.fetch_add(1, std::memory_order_relaxed);
}

template <auto Text>
std::size_t statement_slot() {
    static const std::size_t slot = next_statement_slot();
    return slot;
}

/// One connection to a SQLite database with its prepared statements. Not thread-safe: whoever leased it uses it alone.
class SqliteConnection {
public:
    /// How a connection is opened.
    struct Settings {
        std::string path;
        std::chrono::milliseconds busy_timeout{};
        std::size_t max_value_bytes = 0;
    };

    /// Opens a database. \param flags `SQLITE_OPEN_...` beyond threading and extended codes.
    static Outcome<std::unique_ptr<SqliteConnection>> open(const Settings& settings, int flags) {
        std::unique_ptr<SqliteConnection> made(new SqliteConnection(settings));
        const int opened = sqlite3_open_v2(settings.path.c_str(), &made->handle_, flags | SQLITE_OPEN_NOMUTEX, nullptr);
        if (!made->handle_) throw std::bad_alloc();
        sqlite3_extended_result_codes(made->handle_, 1);
        if (opened != SQLITE_OK) return made->failure(opened);
        sqlite3_busy_timeout(made->handle_, static_cast<int>(settings.busy_timeout.count()));
        // A misspelt column must be an error, not the text of its name.
        sqlite3_db_config(made->handle_, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
        sqlite3_db_config(made->handle_, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
        return made;
    }

    SqliteConnection(const SqliteConnection&) = delete;
    SqliteConnection& operator=(const SqliteConnection&) = delete;

    ~SqliteConnection() {
        for (auto* statement : statements_) sqlite3_finalize(statement);
        sqlite3_close_v2(handle_);
    }

    sqlite3* handle() const noexcept { return handle_; }
    std::size_t max_value_bytes() const noexcept { return settings_.max_value_bytes; }

    /// The prepared form of a statement, made on first use. On failure null, with `error` set.
    template <auto Text>
    sqlite3_stmt* statement(Error& error) {
        const std::size_t slot = statement_slot<Text>();
        if (slot < statements_.size() && statements_[slot]) [[likely]]
            return statements_[slot];
        if (slot >= statements_.size()) statements_.resize(slot + 1);
        const std::string sql = Text();
        const int prepared = sqlite3_prepare_v3(handle_, sql.c_str(), static_cast<int>(sql.size() + 1), SQLITE_PREPARE_PERSISTENT, &statements_[slot], nullptr);
        if (prepared != SQLITE_OK) error = failure(prepared);
        return statements_[slot];
    }

    /// Runs statements that answer nothing of interest.
    Error execute(const std::string& sql) {
        const int executed = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
        return executed == SQLITE_OK ? Error() : failure(executed);
    }

    /// A failed call as an error, told by its code and SQLite's own words. \pre no other call was made since.
    Error failure(int code) const {
        const std::string said = sqlite3_errmsg(handle_);
        switch (code & 0xff) {
        case SQLITE_NOMEM: throw std::bad_alloc();
        case SQLITE_IOERR:
            if (code == SQLITE_IOERR_NOMEM) throw std::bad_alloc();
            return {errc::database_unavailable, settings_.path + ": " + said + " (SQLite's code " + std::to_string(code) + ")"};
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return {errc::database_busy,
                    settings_.path + ": locked by another connection for longer than the busy timeout of " + std::to_string(settings_.busy_timeout.count()) + " ms"};
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return {errc::database_corrupt, settings_.path + ": " + said};
        case SQLITE_CANTOPEN: return {errc::database_unavailable, settings_.path + ": " + said};
        case SQLITE_TOOBIG: return {errc::value_too_large, settings_.path + ": a value is larger than SQLite's own bound"};
        case SQLITE_MISMATCH: return {errc::schema_mismatch, settings_.path + ": " + said};
        case SQLITE_ERROR: return {names_schema(said) ? errc::schema_mismatch : errc::database_failure, settings_.path + ": " + said};
        default: return {errc::database_failure, settings_.path + ": " + said};
        }
    }

private:
    explicit SqliteConnection(const Settings& settings) : settings_(settings) {}

    static bool names_schema(std::string_view said) noexcept {
        return said.starts_with("no such table") || said.starts_with("no such column") || said.find("has no column named") != std::string_view::npos ||
               said.starts_with("ON CONFLICT clause does not match");
    }

    const Settings settings_;
    sqlite3* handle_ = nullptr;
    std::vector<sqlite3_stmt*> statements_;
};

} // namespace detail
} // namespace v0
} // namespace larder
