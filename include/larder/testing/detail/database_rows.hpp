// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/database.hpp>
#include <larder/error.hpp>
#include <larder/testing/conformance.hpp>
#include <larder/testing/database_sample.hpp>
#include <larder/testing/sample.hpp>

#include <boost/mp11/algorithm.hpp>

#include <fmt/format.h>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {
namespace detail {

/// Words that no error text may contain: a part of the keys and other values that the suite writes.
inline constexpr std::string_view secret_mark = "s3cr3t";

inline std::string described(const Error& error) { return error.code.message() + " (" + error.text + ")"; }

/// Expects that an operation succeeded. \param expectation what should be so, in words.
template <class T>
void succeeds(const Outcome<T>& outcome, std::string_view expectation, const std::source_location& where = std::source_location::current()) {
    if (!outcome) expect(false, std::string(expectation) + ", but: " + described(outcome.error()), where);
}

/// Expects that an operation failed with a code, and with a text that contains `words` and no value.
template <class T>
void fails(const Outcome<T>& outcome, errc code, std::string_view expectation, std::string_view words = {}, const std::source_location& where = std::source_location::current()) {
    if (outcome) expect(false, std::string(expectation) + ", but it succeeded", where);
    const Error& error = outcome.error();
    expect(error == code, std::string(expectation) + ", but: " + described(error), where);
    expect(!error.text.empty() && error.text.find(words) != std::string::npos, "a text that contains \"" + std::string(words) + "\", but it is: " + error.text, where);
    expect(error.text.find(secret_mark) == std::string::npos, "a text without values, but it is: " + error.text, where);
}

/// A value in words, for the text of a failure.
template <class T>
std::string shown(const T& value) {
    if constexpr (std::same_as<T, std::nullopt_t>) {
        return "nothing";
    } else if constexpr (requires { value.has_value(); *value; }) {
        return value.has_value() ? shown(*value) : "nothing";
    } else if constexpr (entity<T>) {
        std::string words;
        boost::mp11::mp_for_each<larder::detail::descriptors_t<T>>([&](auto member) {
            words += words.empty() ? "{" : ", ";
            words += std::string(member.name) + ": " + shown(value.*member.pointer);
        });
        return words + "}";
    } else if constexpr (std::convertible_to<const T&, std::string_view>) {
        const std::string_view text(value);
        return '"' + std::string(text.substr(0, 60)) + (text.size() > 60 ? "...\"" : "\"");
    } else if constexpr (std::is_enum_v<T>) {
        return shown(static_cast<std::underlying_type_t<T>>(value));
    } else if constexpr (std::is_arithmetic_v<T>) {
        return fmt::format("{}", value);
    } else if constexpr (requires { value.time_since_epoch().count(); }) {
        return fmt::format("{} since 1970", value.time_since_epoch().count());
    } else if constexpr (requires { value.size(); }) {
        return fmt::format("{} elements", value.size());
    } else {
        return "(a value)";
    }
}

/// The members in which two rows differ, in words.
template <entity Entity>
std::string difference(const Entity& came, const Entity& expected) {
    std::string words;
    boost::mp11::mp_for_each<larder::detail::descriptors_t<Entity>>([&](auto member) {
        const auto& one = came.*member.pointer;
        const auto& other = expected.*member.pointer;
        if (one == other) return;
        if (!words.empty()) words += "; ";
        words += "its " + std::string(member.name) + " is " + shown(one) + " instead of " + shown(other);
    });
    return words;
}

/// Expects that a value is what it should be, and says what it is if not.
template <class Came, class Expected>
void equals(const Came& came, const Expected& expected, std::string_view expectation, const std::source_location& where = std::source_location::current()) {
    if constexpr (std::integral<Came> && std::integral<Expected> && !std::same_as<Came, bool>) {
        if (std::cmp_equal(came, expected)) return;
    } else {
        if (came == expected) return;
    }
    std::string words(expectation);
    if constexpr (entity<Came> && std::same_as<Came, Expected>)
        words += ", but " + difference(came, expected);
    else if constexpr (entity<Expected> && std::same_as<Came, std::optional<Expected>>)
        words += came ? ", but " + difference(*came, expected) : ", but there is no row";
    else
        words += ", but it is " + shown(came) + " instead of " + shown(expected);
    expect(false, words, where);
}

/// A field of a row that was looked up; nothing if there is no row.
template <class Entity, class Value>
std::optional<Value> field(const std::optional<Entity>& row, Value Entity::*member) {
    return row ? std::optional<Value>((*row).*member) : std::nullopt;
}

/// A value that no error text may contain.
inline std::string secret(std::string_view kind, int number) {
    return std::string(secret_mark) + "-" + std::string(kind) + "-" + std::to_string(number);
}

inline Holder holder_row(int number) { return {.id = 0, .name = secret("name", number), .motto = std::nullopt, .version = 0}; }

inline Pass pass_row(std::int64_t holder, int number) {
    Pass row;
    row.holder_id = holder;
    row.code = secret("code", number);
    row.note = secret("note", number);
    row.expires_at = TimePoint(std::chrono::hours(1'000'000));
    return row;
}

inline Reading reading_row(std::string_view tenant, std::int64_t station, std::int64_t number, std::optional<std::string> batch = std::nullopt) {
    Reading row;
    row.tenant = std::string(tenant);
    row.station = station;
    row.number = number;
    row.label = secret("label", static_cast<int>(station * 1000 + number));
    row.batch = std::move(batch);
    return row;
}

inline Setting setting_row(int number) {
    return {.name = secret("name", number), .section = "section", .alias = secret("alias", number), .value = secret("value", number)};
}

inline Uuid uuid_of(int number) {
    Uuid id{};
    id.begin()[0] = static_cast<std::uint8_t>(number >> 8);
    id.begin()[1] = static_cast<std::uint8_t>(number);
    id.begin()[15] = 0xff;
    return id;
}

inline Hashed<std::string> hash_of(int number) {
    typename Hashed<std::string>::Digest digest{};
    digest[0] = static_cast<std::byte>(number >> 8);
    digest[1] = static_cast<std::byte>(number);
    return Hashed<std::string>(digest);
}

inline Crate crate_row(int number) {
    Crate row;
    row.id = uuid_of(number);
    row.label = secret("label", number);
    row.token = hash_of(number);
    return row;
}

/// A row of an entity that has a version, to be inserted; what it embeds is inserted by it. Rows of different numbers share no key.
template <class Entity, class World>
Entity versioned_row(World& world, int number) {
    if constexpr (std::same_as<Entity, Holder>) {
        return holder_row(number);
    } else if constexpr (std::same_as<Entity, Pass>) {
        const auto holder = world.template database<Holder>().insert(holder_row(number));
        succeeds(holder, "an embedded row should be inserted");
        return pass_row(holder->id, number);
    } else if constexpr (std::same_as<Entity, Reading>) {
        return reading_row("a", 1, number);
    } else if constexpr (std::same_as<Entity, Crate>) {
        return crate_row(number);
    } else {
        return {secret("name", number), 10, 0};
    }
}

/// A row of `versioned_row` with one column, that is no key, as a number has it.
template <class Entity>
Entity marked(Entity row, int number) {
    if constexpr (std::same_as<Entity, Holder>)
        row.motto = secret("motto", number);
    else if constexpr (std::same_as<Entity, Pass>)
        row.note = secret("note", number);
    else if constexpr (std::same_as<Entity, Reading>)
        row.value = number;
    else if constexpr (std::same_as<Entity, Crate>)
        row.remark = secret("remark", number);
    else
        row.percent = number;
    return row;
}

/// Crates with the values at the ends of each kind.
inline std::vector<Crate> crates_at_the_ends() {
    Bytes every_byte(256);
    for (std::size_t i = 0; i < every_byte.size(); ++i) every_byte[i] = static_cast<std::byte>(i);

    Crate low = crate_row(1);
    low.shelf = std::numeric_limits<std::int8_t>::min();
    low.low = std::numeric_limits<std::int64_t>::min();
    low.weight = std::numeric_limits<float>::lowest();
    low.price = -std::numeric_limits<double>::infinity();
    low.material = Material::wood;
    low.label = "";
    low.packed_at = TimePoint(std::chrono::milliseconds(-1));
    low.due = std::chrono::sys_seconds(std::chrono::hours(-24 * 365 * 100));

    Crate high = crate_row(2);
    high.sealed = true;
    high.shelf = std::numeric_limits<std::int8_t>::max();
    high.count = std::numeric_limits<std::uint32_t>::max();
    high.low = std::numeric_limits<std::int64_t>::max();
    high.high = std::numeric_limits<std::uint64_t>::max();
    high.weight = std::numeric_limits<float>::max();
    high.price = std::numeric_limits<double>::denorm_min();
    high.material = Material::paper;
    high.label = "it's \"quoted\"; -- \xc3\xa4\xe2\x82\xac\xf0\x9f\x93\xa6\n\t\\";
    high.content = every_byte;
    high.owner = uuid_of(65535);
    high.packed_at = TimePoint(std::chrono::hours(24 * 365 * 1000));
    high.checked = true;
    high.height = 0.1;
    high.lining = Material::paper;
    high.remark = std::string(100'000, 'x');
    high.picture = every_byte;
    high.twin = uuid_of(7);
    high.opened_at = TimePoint(std::chrono::milliseconds(1));
    high.old_token = hash_of(300);

    Crate empty = crate_row(3);
    empty.checked = false;
    empty.height = 0;
    empty.lining = Material::steel;
    empty.remark = "";
    empty.picture = Bytes();
    empty.twin = Uuid{};
    empty.opened_at = TimePoint{};
    empty.old_token = Hashed<std::string>();
    return {low, high, empty};
}

} // namespace detail
} // namespace testing
} // namespace v0
} // namespace larder
