// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/entity/value.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {

/// The SQL dialect of SQLite (`sql_dialect`).
struct SqliteDialect {
    static void parameter(std::string& sql, std::size_t number) { (sql += '?') += std::to_string(number); }

    static constexpr std::string_view greatest = "max";
    static constexpr std::string_view is_same = "COLLATE BINARY IS";
    /// SQLite's clock counts milliseconds; as a Julian day it is a floating-point number that still tells them apart.
    static constexpr std::string_view clock = "CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000";
    static constexpr std::size_t clock_grain = 999;

    template <class Value>
    static constexpr std::string_view column_type() noexcept {
        switch (value_traits<Value>::storage) {
        case Storage::integer: return "INTEGER";
        case Storage::real: return "REAL";
        case Storage::text: return "TEXT";
        case Storage::bytes: break;
        }
        return "BLOB";
    }

    template <class Value>
    static constexpr std::string_view generated_key() noexcept { return "INTEGER PRIMARY KEY AUTOINCREMENT"; }

    static constexpr std::string_view given_key = "";

    static void keys_source(std::string& sql, std::size_t parts, std::size_t count, const std::vector<std::string_view>&) {
        sql += "larder_keys(i";
        for (std::size_t part = 0; part < parts; ++part) (sql += ", p") += std::to_string(part);
        sql += ") AS (VALUES ";
        for (std::size_t i = 0; i < count; ++i) {
            (sql += i == 0 ? "(" : ", (") += std::to_string(i);
            for (std::size_t part = 0; part < parts; ++part) parameter(sql += ", ", i * parts + part + 1);
            sql += ')';
        }
        sql += ')';
    }
};

} // namespace detail
} // namespace v0
} // namespace larder
