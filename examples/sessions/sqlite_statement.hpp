// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace example {

/// A statement of SQLite's C interface, for what is faster in one go than row by row.
class Statement {
public:
    Statement(sqlite3* database, const char* text) : database_(database) {
        if (sqlite3_prepare_v2(database, text, -1, &statement_, nullptr) != SQLITE_OK) fail();
    }
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;
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

using SqliteHandle = std::unique_ptr<sqlite3, int (*)(sqlite3*)>;

/// Opens a file, which is made if there is none.
inline SqliteHandle open_sqlite(const std::string& path) {
    sqlite3* database = nullptr;
    const int opened = sqlite3_open(path.c_str(), &database);
    SqliteHandle owned(database, &sqlite3_close);
    if (opened != SQLITE_OK) throw std::runtime_error("the database can not be opened");
    return owned;
}

} // namespace example
