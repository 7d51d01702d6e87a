// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/entity/schema.hpp>
#include <larder/entity/value.hpp>

#include <boost/describe/class.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace bench {

/// \name Keys that are made from numbers, and lead back to them, so that no table of rows is needed behind the caches
/// @{

inline larder::Uuid uuid_of(std::uint64_t number) noexcept {
    std::uint64_t halves[2];
    halves[0] = number + 0x9e3779b97f4a7c15ULL; // splitmix64 (Steele, Lea, Flood, 2014)
    halves[0] = (halves[0] ^ (halves[0] >> 30)) * 0xbf58476d1ce4e5b9ULL;
    halves[0] = (halves[0] ^ (halves[0] >> 27)) * 0x94d049bb133111ebULL;
    halves[0] ^= halves[0] >> 31;
    halves[1] = halves[0] ^ number;
    larder::Uuid made;
    std::memcpy(&*made.begin(), halves, sizeof halves);
    return made;
}

inline std::uint64_t number_of(const larder::Uuid& made) noexcept {
    std::uint64_t halves[2];
    std::memcpy(halves, &*made.begin(), sizeof halves);
    return halves[0] ^ halves[1];
}

/// The 36 characters of a UUID.
inline std::string text_of(std::uint64_t number) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(36);
    for (const auto byte : uuid_of(number)) {
        if (text.size() == 8 || text.size() == 13 || text.size() == 18 || text.size() == 23) text += '-';
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

inline std::uint64_t number_of(std::string_view text) noexcept {
    larder::Uuid made;
    auto byte = made.begin();
    const auto value = [](char digit) { return static_cast<unsigned>(digit <= '9' ? digit - '0' : digit - 'a' + 10); };
    for (std::size_t i = 0; i + 1 < text.size() && byte != made.end();) {
        if (text[i] == '-') {
            ++i;
            continue;
        }
        *byte++ = static_cast<std::uint8_t>(value(text[i]) << 4 | value(text[i + 1]));
        i += 2;
    }
    return number_of(made);
}
/// @}

/// A row with everything that a session has to be checked for on a hit: found by a UUID, or by a text of 36 characters.
struct UuidRow {
    larder::Uuid id{};
    std::string code{};
    std::int64_t owner = 0;
    larder::TimePoint expires_at{};
    std::optional<larder::TimePoint> revoked_at{};
    std::uint64_t version = 0;
};
BOOST_DESCRIBE_STRUCT(UuidRow, (), (id, code, owner, expires_at, revoked_at, version))

/// The same, but for its primary key, a text of 36 characters, and its other key, a UUID.
struct TextRow {
    std::string id{};
    larder::Uuid code{};
    std::int64_t owner = 0;
    larder::TimePoint expires_at{};
    std::optional<larder::TimePoint> revoked_at{};
    std::uint64_t version = 0;
};
BOOST_DESCRIBE_STRUCT(TextRow, (), (id, code, owner, expires_at, revoked_at, version))

/// A key of a kind, from a number.
template <class Key>
Key key_from(std::uint64_t number) {
    if constexpr (std::is_same_v<Key, larder::Uuid>)
        return uuid_of(number);
    else
        return text_of(number);
}

/// The row of a number.
template <class Row>
Row row_of(std::uint64_t number, std::uint64_t version) {
    Row row;
    row.id = key_from<decltype(row.id)>(number);
    row.code = key_from<decltype(row.code)>(number);
    row.owner = static_cast<std::int64_t>(number / 4);
    row.expires_at = larder::TimePoint(std::chrono::hours(24 * 365 * 100));
    row.version = version;
    return row;
}

} // namespace bench

template <>
struct larder::entity_traits<bench::UuidRow>
    : larder::schema<"uuid_rows", larder::primary<&bench::UuidRow::id>, larder::unique<&bench::UuidRow::code>, larder::group<&bench::UuidRow::owner>,
                     larder::version<&bench::UuidRow::version>, larder::expires<&bench::UuidRow::expires_at>, larder::revoked<&bench::UuidRow::revoked_at>> {};

template <>
struct larder::entity_traits<bench::TextRow>
    : larder::schema<"text_rows", larder::primary<&bench::TextRow::id>, larder::unique<&bench::TextRow::code>, larder::group<&bench::TextRow::owner>,
                     larder::version<&bench::TextRow::version>, larder::expires<&bench::TextRow::expires_at>, larder::revoked<&bench::TextRow::revoked_at>> {};
