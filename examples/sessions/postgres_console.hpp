// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <libpq-fe.h>

#include <exception>
#include <memory>
#include <stdexcept>
#include <string>

namespace example {

/// A connection to PostgreSQL that blocks, for what is faster in one go than row by row.
class PostgresConsole {
public:
    explicit PostgresConsole(const std::string& conninfo) : handle_(PQconnectdb(conninfo.c_str()), &PQfinish) {
        if (PQstatus(handle_.get()) != CONNECTION_OK) fail();
        PQsetNoticeProcessor(handle_.get(), [](void*, const char*) {}, nullptr);
    }

    void run(const std::string& sql) { finish(PQexec(handle_.get(), sql.c_str())); }
    /// Begins to copy rows into a table, line by line.
    void begin_copy(const std::string& target) { finish(PQexec(handle_.get(), ("COPY " + target + " FROM STDIN").c_str())); }
    void line(const std::string& text) {
        if (PQputCopyData(handle_.get(), text.data(), static_cast<int>(text.size())) != 1) fail();
    }
    void end_copy() {
        if (PQputCopyEnd(handle_.get(), nullptr) != 1) fail();
        finish(PQgetResult(handle_.get()));
    }

    /// Whether there is a connection to be had. For whoever must not throw.
    static bool try_run(const std::string& conninfo, const std::string& sql) noexcept {
        try {
            PostgresConsole(conninfo).run(sql);
            return true;
        } catch (const std::exception&) {
            return false;
        }
    }

private:
    void finish(PGresult* result) const {
        const std::unique_ptr<PGresult, void (*)(PGresult*)> owned(result, &PQclear);
        const auto status = PQresultStatus(result);
        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_COPY_IN) fail();
    }
    [[noreturn]] void fail() const {
        std::string said = PQerrorMessage(handle_.get());
        while (!said.empty() && said.back() == '\n') said.pop_back();
        throw std::runtime_error("PostgreSQL: " + said);
    }

    std::unique_ptr<PGconn, void (*)(PGconn*)> handle_;
};

} // namespace example
