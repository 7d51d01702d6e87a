// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/detail/postgres_values.hpp>
#include <larder/database/detail/sql_row.hpp>
#include <larder/entity/value.hpp>

#include <boost/endian/conversion.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

namespace larder {
inline namespace v0 {
namespace detail {

/// What a statement answered.
struct PostgresResultEnd {
    void operator()(PGresult* result) const noexcept { PQclear(result); }
};
using PostgresResult = std::unique_ptr<PGresult, PostgresResultEnd>;

/// One row of an answer in binary form, to be read column by column. Lives as long as the answer.
class PostgresRow {
public:
    PostgresRow(const PGresult* result, int row) noexcept : result_(result), row_(row) {}

    bool is_null(int column) const noexcept { return PQgetisnull(result_, row_, column) != 0; }

    /// Reads a column into a field, whatever related type the column has.
    template <column_value T>
    Cell read(int column, T& value) const {
        if constexpr (is_nullable_v<T>) {
            if (is_null(column)) {
                value.reset();
                return Cell::read;
            }
            return read_value(column, value.emplace());
        } else {
            return is_null(column) ? Cell::null : read_value(column, value);
        }
    }

private:
    std::span<const std::byte> bytes(int column) const noexcept {
        return {reinterpret_cast<const std::byte*>(PQgetvalue(result_, row_, column)), static_cast<std::size_t>(PQgetlength(result_, row_, column))};
    }
    const unsigned char* raw(int column) const noexcept { return reinterpret_cast<const unsigned char*>(PQgetvalue(result_, row_, column)); }

    std::optional<std::int64_t> integer(int column) const noexcept {
        switch (PQftype(result_, column)) {
        case postgres_type::int8: return boost::endian::load_big_s64(raw(column));
        case postgres_type::int4: return boost::endian::load_big_s32(raw(column));
        case postgres_type::int2: return boost::endian::load_big_s16(raw(column));
        default: return std::nullopt;
        }
    }

    template <class T>
    Cell read_value(int column, T& value) const {
        constexpr PostgresForm form = postgres_form_v<T>;
        const Oid type = PQftype(result_, column);
        bool sound = true;
        if constexpr (form == PostgresForm::boolean) {
            if (type == postgres_type::boolean) {
                value = raw(column)[0] != 0;
                return Cell::read;
            }
        }
        if constexpr (form == PostgresForm::boolean || form == PostgresForm::integer) {
            const auto number = integer(column);
            if (!number) return Cell::wrong_type;
            sound = value_traits<T>::from(*number, value);
        } else if constexpr (form == PostgresForm::real) {
            double number = 0;
            if (type == postgres_type::float8)
                number = std::bit_cast<double>(boost::endian::load_big_u64(raw(column)));
            else if (type == postgres_type::float4)
                number = static_cast<double>(std::bit_cast<float>(boost::endian::load_big_u32(raw(column))));
            else if (const auto whole = integer(column))
                number = static_cast<double>(*whole);
            else
                return Cell::wrong_type;
            sound = value_traits<T>::from(number, value);
        } else if constexpr (form == PostgresForm::moment) {
            if (type != postgres_type::timestamptz && type != postgres_type::timestamp) return Cell::wrong_type;
            sound = PostgresMoment<typename T::duration>::from(boost::endian::load_big_s64(raw(column)), value);
        } else if constexpr (form == PostgresForm::text) {
            auto text = bytes(column);
            switch (type) {
            case postgres_type::text:
            case postgres_type::varchar:
            case postgres_type::bpchar:
            case postgres_type::name:
            case postgres_type::json: break;
            case postgres_type::jsonb: text = text.subspan(text.empty() ? 0 : 1); break; // the number of its format
            default:
                if (type < postgres_type::first_made) return Cell::wrong_type;
            }
            sound = value_traits<T>::from(std::string_view(reinterpret_cast<const char*>(text.data()), text.size()), value);
        } else {
            if (type != (form == PostgresForm::uuid ? postgres_type::uuid : postgres_type::bytea)) return Cell::wrong_type;
            sound = value_traits<T>::from(bytes(column), value);
        }
        return sound ? Cell::read : Cell::wrong_value;
    }

    const PGresult* result_;
    int row_;
};

/// How many rows a writing statement changed.
inline std::size_t changed_rows(const PostgresResult& result) noexcept {
    std::size_t count = 0;
    for (const char* digit = PQcmdTuples(result.get()); *digit >= '0' && *digit <= '9'; ++digit) count = count * 10 + static_cast<std::size_t>(*digit - '0');
    return count;
}

} // namespace detail
} // namespace v0
} // namespace larder
