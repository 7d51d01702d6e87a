// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/detail/postgres_failure.hpp>
#include <larder/database/detail/postgres_result.hpp>
#include <larder/database/postgres_pool.hpp>
#include <larder/error.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {

/// A connection of its own that blocks, for what is done once: to make and to check tables. Not thread-safe.
///
/// Begins a transaction; what is not committed is undone in the end.
class PostgresSession {
public:
    explicit PostgresSession(const PostgresPool& pool) {
        std::vector<const char*> names, values;
        for (const auto& [name, value] : pool.state_->target.parameters) {
            names.push_back(name.c_str());
            values.push_back(value.c_str());
        }
        // libpq counts this one in seconds, of which it takes two at least.
        const auto limit = std::to_string(std::max<long long>(2, std::chrono::ceil<std::chrono::seconds>(pool.options().connect_timeout).count()));
        names.push_back("connect_timeout");
        values.push_back(limit.c_str());
        names.push_back(nullptr);
        values.push_back(nullptr);
        handle_.reset(PQconnectdbParams(names.data(), values.data(), 1));
        if (!handle_) throw std::bad_alloc();
        PQsetNoticeProcessor(handle_.get(), [](void*, const char*) {}, nullptr);
        if (PQstatus(handle_.get()) != CONNECTION_OK)
            error_ = {errc::database_unavailable, one_line(PQerrorMessage(handle_.get()))};
        else
            run("BEGIN");
    }

    /// The first failure; nothing is run after it.
    const Error& error() const noexcept { return error_; }

    /// Runs a statement; answers its first column, as texts. \param name what an error is to name.
    std::vector<std::string> run(const std::string& sql, const std::string& name = "PostgreSQL", const std::vector<std::string>& parameters = {}) {
        std::vector<std::string> answer;
        if (error_) return answer;
        std::vector<const char*> values;
        for (const auto& parameter : parameters) values.push_back(parameter.c_str());
        const PostgresResult result(PQexecParams(handle_.get(), sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(), nullptr, nullptr, 0));
        const auto status = PQresultStatus(result.get());
        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
            const auto failure = refusal_in(result.get());
            error_ = failure.state.empty() ? Error(errc::database_unavailable, name + ": the connection to the server was lost") : error_of(failure, name, false);
            // Statements that make tables hold no values, so neither do the server's words.
            if (error_ == errc::database_failure) error_.text = name + ": " + failure.said;
            return answer;
        }
        for (int i = 0; i < PQntuples(result.get()); ++i) answer.emplace_back(PQgetvalue(result.get(), i, 0), static_cast<std::size_t>(PQgetlength(result.get(), i, 0)));
        return answer;
    }

    Error commit() {
        run("COMMIT");
        return error_;
    }

private:
    struct End {
        void operator()(PGconn* handle) const noexcept { PQfinish(handle); }
    };
    std::unique_ptr<PGconn, End> handle_;
    Error error_;
};

} // namespace detail
} // namespace v0
} // namespace larder
