// SPDX-License-Identifier: BSL-1.0
#pragma once

#if __has_include(<libpq-fe.h>)
#include <libpq-fe.h>
#elif __has_include(<postgresql/libpq-fe.h>)
#include <postgresql/libpq-fe.h>
#else
#error "larder: the PostgreSQL adapter needs libpq's header libpq-fe.h (Debian: libpq-dev; pkg-config: libpq)"
#endif
#if !defined(LIBPQ_HAS_PIPELINING)
#error "larder: the PostgreSQL adapter needs libpq 14 or newer, which has pipelines"
#endif

#include <larder/database/detail/postgres_dialect.hpp>
#include <larder/database/detail/utf8.hpp>
#include <larder/entity/value.hpp>

#include <boost/endian/conversion.hpp>

#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace larder {
inline namespace v0 {
namespace detail {

/// The numbers of PostgreSQL's own types, which never change.
namespace postgres_type {
inline constexpr Oid infer = 0; ///< Lets the server find the type out.
inline constexpr Oid boolean = 16, bytea = 17, name = 19, int8 = 20, int2 = 21, int4 = 23, text = 25, json = 114, float4 = 700, float8 = 701, bpchar = 1042, varchar = 1043,
                     timestamp = 1114, timestamptz = 1184, uuid = 2950, jsonb = 3802;
inline constexpr Oid boolean_array = 1000, bytea_array = 1001, text_array = 1009, int8_array = 1016, float8_array = 1022, timestamptz_array = 1185, uuid_array = 2951;
/// The first number of a type that a user made: an enumeration, a domain, one of an extension.
inline constexpr Oid first_made = 16384;
} // namespace postgres_type

/// The type of a column for a form, and that of an array of it.
struct PostgresTypes {
    Oid one, many;
};
constexpr PostgresTypes postgres_types(PostgresForm form) noexcept {
    using namespace postgres_type;
    switch (form) {
    case PostgresForm::boolean: return {boolean, boolean_array};
    case PostgresForm::integer: return {int8, int8_array};
    case PostgresForm::real: return {float8, float8_array};
    case PostgresForm::text: return {text, text_array};
    case PostgresForm::bytes: return {bytea, bytea_array};
    case PostgresForm::moment: return {timestamptz, timestamptz_array};
    case PostgresForm::uuid: break;
    }
    return {uuid, uuid_array};
}

/// Moments as PostgreSQL counts them: microseconds since 2000. The last and the first of a unit stand for its two infinities.
template <class Unit>
struct PostgresMoment {
    using Moment = std::chrono::sys_time<Unit>;
    static constexpr std::int64_t infinity = std::numeric_limits<std::int64_t>::max();
    static constexpr std::int64_t minus_infinity = std::numeric_limits<std::int64_t>::min();
    static constexpr std::int64_t epoch = 946'684'800'000'000;  ///< From 1970 to 2000.
    static constexpr std::int64_t first = -211'813'488'000'000'000; ///< PostgreSQL's first moment (4714 BC), from 2000 on.
    static constexpr std::int64_t end = 9'223'371'331'200'000'000;  ///< The first moment behind its last one (294276 AD).
    static constexpr std::int64_t scale = std::ratio_divide<typename Unit::period, std::micro>::num;

    /// Nothing if PostgreSQL has no such moment.
    static constexpr std::optional<std::int64_t> to(Moment moment) noexcept {
        if (moment == Moment::max()) return infinity;
        if (moment == Moment::min()) return minus_infinity;
        std::int64_t count = 0;
        if (__builtin_mul_overflow(static_cast<std::int64_t>(moment.time_since_epoch().count()), scale, &count) || __builtin_sub_overflow(count, epoch, &count)) return std::nullopt;
        if (count < first || count >= end) return std::nullopt;
        return count;
    }

    /// Rounds down to the unit. False if the unit has no such moment.
    static constexpr bool from(std::int64_t count, Moment& moment) noexcept {
        if (count == infinity || count == minus_infinity) {
            moment = count == infinity ? Moment::max() : Moment::min();
            return true;
        }
        if (__builtin_add_overflow(count, epoch, &count)) return false;
        std::int64_t units = count / scale;
        if (count % scale < 0) --units;
        if (units < static_cast<std::int64_t>(std::numeric_limits<typename Unit::rep>::min()) || units > static_cast<std::int64_t>(std::numeric_limits<typename Unit::rep>::max())) return false;
        moment = Moment(Unit(static_cast<typename Unit::rep>(units)));
        return true;
    }
};

/// Appends numbers to a text in PostgreSQL's order of bytes.
inline void put_i32(std::string& bytes, std::int32_t number) {
    char raw[4];
    boost::endian::store_big_s32(reinterpret_cast<unsigned char*>(raw), number);
    bytes.append(raw, sizeof raw);
}
inline void put_i64(std::string& bytes, std::int64_t number) {
    char raw[8];
    boost::endian::store_big_s64(reinterpret_cast<unsigned char*>(raw), number);
    bytes.append(raw, sizeof raw);
}

/// Why a value can not be sent.
enum class Unsendable : std::uint8_t { none, too_large, no_text, no_such_moment };

/// Appends a value in its binary form.
template <class T>
Unsendable put_value(std::string& bytes, const T& value, std::size_t most_bytes) {
    constexpr PostgresForm form = postgres_form_v<T>;
    if constexpr (form == PostgresForm::boolean) {
        bytes += value ? '\1' : '\0';
    } else if constexpr (form == PostgresForm::moment) {
        const auto count = PostgresMoment<typename T::duration>::to(value);
        if (!count) return Unsendable::no_such_moment;
        put_i64(bytes, *count);
    } else {
        const auto stored = value_traits<T>::to(value);
        if constexpr (form == PostgresForm::integer) {
            put_i64(bytes, stored);
        } else if constexpr (form == PostgresForm::real) {
            put_i64(bytes, std::bit_cast<std::int64_t>(stored));
        } else {
            if (stored.size() > most_bytes) return Unsendable::too_large;
            const auto* data = reinterpret_cast<const char*>(stored.data());
            if constexpr (form == PostgresForm::text)
                if (!is_utf8_text({data, stored.size()})) return Unsendable::no_text;
            if (!stored.empty()) bytes.append(data, stored.size());
        }
    }
    return Unsendable::none;
}

} // namespace detail
} // namespace v0
} // namespace larder
