// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/database.hpp>
#include <larder/error.hpp>
#include <larder/testing/conformance.hpp>
#include <larder/testing/database_sample.hpp>
#include <larder/testing/sample.hpp>

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

/// The database of an entity that a world of a factory makes.
template <class World, class Entity>
using database_of_t = std::remove_cvref_t<decltype(std::declval<World&>().template database<Entity>())>;

/// Whether a database keeps versions for an entity: it can write conditionally and the schema has a version.
template <class Database, class Entity>
inline constexpr bool keeps_versions_v = Database::conditional_writes && schema_of<Entity>::has_version;

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
