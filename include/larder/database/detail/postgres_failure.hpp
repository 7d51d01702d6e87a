// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/detail/postgres_call.hpp>
#include <larder/error.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {

inline std::string diagnosis(const PGresult* result, int field) {
    const char* text = PQresultErrorField(result, field);
    return text ? text : "";
}

/// libpq's own words in one line.
inline std::string one_line(std::string_view words) {
    std::string line;
    for (const char letter : words)
        if (letter != '\n' && letter != '\t')
            line += letter;
        else if (!line.empty() && line.back() != ' ')
            line += ' ';
    while (!line.empty() && line.back() == ' ') line.pop_back();
    return line;
}

/// The columns that the detail of a violated key names: `Key (a, "b c")=(1, 2) ...`, in whatever language.
inline std::vector<std::string> key_columns_in(std::string_view detail) {
    std::vector<std::string> columns;
    const auto from = detail.find('(');
    const auto to = detail.find(")=(");
    if (from == std::string_view::npos || to == std::string_view::npos || to < from) return columns;
    std::string name;
    bool quoted = false;
    for (const char letter : detail.substr(from + 1, to - from - 1)) {
        if (letter == '"') {
            quoted = !quoted;
        } else if (letter == ',' && !quoted) {
            columns.push_back(std::exchange(name, {}));
        } else if (letter != ' ' || quoted) {
            name += letter;
        }
    }
    columns.push_back(std::move(name));
    std::sort(columns.begin(), columns.end());
    return columns;
}

/// What a server's refusal says, without the values that it may tell.
inline PostgresFailure refusal_in(const PGresult* result) {
    PostgresFailure failure;
    failure.kind = PostgresFailure::Kind::refused;
    failure.state = diagnosis(result, PG_DIAG_SQLSTATE);
    failure.said = one_line(diagnosis(result, PG_DIAG_MESSAGE_PRIMARY));
    failure.column = diagnosis(result, PG_DIAG_COLUMN_NAME);
    failure.constraint = diagnosis(result, PG_DIAG_CONSTRAINT_NAME);
    failure.key_columns = key_columns_in(diagnosis(result, PG_DIAG_MESSAGE_DETAIL));
    return failure;
}

/// Whether a refusal is one that ends the connection.
inline bool is_fatal(const PGresult* result) {
    const std::string severity = diagnosis(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    return severity == "FATAL" || severity == "PANIC";
}

/// What a failure means, but for what depends on the entity's keys. \param table what it was about.
inline Error error_of(const PostgresFailure& failure, const std::string& table, bool is_write) {
    using Kind = PostgresFailure::Kind;
    const std::string& state = failure.state;
    const auto of_class = [&](std::string_view digits) { return state.starts_with(digits); };
    const auto what = [&](errc code, std::string words) { return Error(code, table + ": " + std::move(words)); };
    switch (failure.kind) {
    case Kind::none: return {};
    case Kind::unsent: return {failure.error.code, failure.error.text.starts_with(table) ? failure.error.text : table + ": " + failure.error.text};
    case Kind::lost:
        return is_write ? what(errc::outcome_unknown, "the connection to the server was lost before it answered")
                        : what(errc::database_unavailable, "the connection to the server was lost: " + failure.error.text);
    case Kind::late:
        return is_write ? what(errc::outcome_unknown, "the server did not answer within the time limit") : what(errc::timed_out, "the server did not answer within the time limit");
    case Kind::refused: break;
    }
    if (state == "23505") return what(errc::duplicate_key, "a unique key that the schema does not name already belongs to another row (constraint " + failure.constraint + ")");
    if (state == "23503") return what(errc::missing_relation, "a foreign key names a row that does not exist (constraint " + failure.constraint + ")");
    if (state == "23502") return {errc::schema_mismatch, table + "." + failure.column + " can not be null, and has no value"};
    if (of_class("23")) return what(errc::database_failure, "the constraint " + failure.constraint + " refuses the row");
    if (state == "42501") return what(errc::database_failure, failure.said);
    if (of_class("42")) return what(errc::schema_mismatch, failure.said);
    if (state == "22001" || state == "54000") return what(errc::value_too_large, "a value is larger than its column or an index of it can hold");
    if (state == "22003" || state == "22P02" || state == "22007" || state == "22008") return what(errc::schema_mismatch, "a value is none of its column's type (SQLSTATE " + state + ")");
    if (state == "57014") return what(errc::timed_out, "the server gave the statement up after the time limit, or on request; nothing was changed");
    if (state == "55P03") return what(errc::database_busy, "a lock was not to be had in time");
    if (state == "40001" || state == "40P01") return what(errc::database_busy, "other transactions stood in the way time and again (SQLSTATE " + state + ")");
    if (state == "25006") return what(errc::database_unavailable, "the server is read-only, as a standby is");
    if (of_class("08") || of_class("57P") || of_class("53")) return what(errc::database_unavailable, failure.said);
    return what(errc::database_failure, "the server refused with SQLSTATE " + state);
}

} // namespace detail
} // namespace v0
} // namespace larder
