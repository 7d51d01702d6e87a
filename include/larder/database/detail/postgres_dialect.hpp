// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/entity/schema_of.hpp>
#include <larder/entity/value.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ratio>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {

/// What a field's values are in PostgreSQL.
enum class PostgresForm : std::uint8_t { boolean, integer, real, text, bytes, moment, uuid };

template <class Value>
struct PostgresFormOf {
    static constexpr PostgresForm value = value_traits<Value>::storage == Storage::integer ? PostgresForm::integer
                                          : value_traits<Value>::storage == Storage::real  ? PostgresForm::real
                                          : value_traits<Value>::storage == Storage::text  ? PostgresForm::text
                                                                                           : PostgresForm::bytes;
};
template <>
struct PostgresFormOf<bool> {
    static constexpr PostgresForm value = PostgresForm::boolean;
};
template <>
struct PostgresFormOf<Uuid> {
    static constexpr PostgresForm value = PostgresForm::uuid;
};
/// A moment whose unit is whole microseconds, which is what PostgreSQL counts; others are kept as numbers.
template <class Unit>
    requires(std::ratio_divide<typename Unit::period, std::micro>::den == 1)
struct PostgresFormOf<std::chrono::sys_time<Unit>> {
    static constexpr PostgresForm value = PostgresForm::moment;
};

template <class Value>
inline constexpr PostgresForm postgres_form_v = PostgresFormOf<Value>::value;

/// The SQL dialect of PostgreSQL (`sql_dialect`).
struct PostgresDialect {
    static void parameter(std::string& sql, std::size_t number) { (sql += '$') += std::to_string(number); }

    static constexpr std::string_view greatest = "greatest";
    static constexpr std::string_view is_same = "IS NOT DISTINCT FROM";
    static constexpr std::string_view clock = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
    static constexpr std::size_t clock_grain = 0;
    static constexpr std::string_view given_key = " OVERRIDING SYSTEM VALUE";

    template <class Value>
    static constexpr std::string_view column_type() noexcept {
        switch (postgres_form_v<Value>) {
        case PostgresForm::boolean: return "boolean";
        case PostgresForm::integer: return "bigint";
        case PostgresForm::real: return "double precision";
        case PostgresForm::text: return "text";
        case PostgresForm::moment: return "timestamptz";
        case PostgresForm::uuid: return "uuid";
        case PostgresForm::bytes: break;
        }
        return "bytea";
    }

    template <class Value>
    static constexpr std::string_view generated_key() noexcept { return "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY"; }

    /// Each part of the keys is one parameter, an array; so the statement is the same for any number of keys.
    static void keys_source(std::string& sql, std::size_t parts, std::size_t, const std::vector<std::string_view>& types) {
        std::string names, arrays;
        for (std::size_t part = 0; part < parts; ++part) {
            (names += "p") += std::to_string(part) + ", ";
            parameter(arrays += part == 0 ? "" : ", ", part + 1);
            ((arrays += "::") += types[part]) += "[]";
        }
        ((sql += "larder_keys(") += names) += "i) AS (SELECT ";
        for (std::size_t part = 0; part < parts; ++part) (sql += "p") += std::to_string(part) + ", ";
        (((sql += "o - 1 FROM unnest(") += arrays) += ") WITH ORDINALITY AS k(") += names;
        sql += "o))";
    }
};

} // namespace detail
} // namespace v0
} // namespace larder
