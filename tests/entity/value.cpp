// SPDX-License-Identifier: BSL-1.0
#include <larder/clock.hpp>
#include <larder/entity/value.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

using namespace larder;

namespace {

enum class Small : std::uint8_t { none = 0, all = 255 };

/// Whether a value comes back from its stored form.
template <class T>
bool comes_back(const T& value) {
    T back{};
    return value_traits<T>::from(value_traits<T>::to(value), back) && back == value;
}

template <class T>
bool refused(typename value_traits<T>::Stored stored) {
    T value{};
    return !value_traits<T>::from(stored, value);
}

} // namespace

static_assert(column_value<int> && column_value<bool> && column_value<double> && column_value<std::string> && column_value<Uuid> && column_value<Bytes>);
static_assert(column_value<TimePoint> && column_value<Hashed<std::string>> && column_value<Small> && column_value<std::optional<Small>>);
static_assert(!column_value<std::list<int>> && !column_value<int*> && !column_value<std::optional<std::vector<int>>>);
static_assert(is_nullable_v<std::optional<int>> && !is_nullable_v<int>);
static_assert(std::is_same_v<bare_value_t<std::optional<int>>, int>);

TEST_CASE_TEMPLATE("integers come back, and numbers out of their range are refused", T, std::int8_t, std::uint8_t, std::int16_t, std::uint16_t, std::int32_t, std::uint32_t, char,
                   signed char) {
    using Limits = std::numeric_limits<T>;
    CHECK(comes_back<T>(Limits::min()));
    CHECK(comes_back<T>(Limits::max()));
    CHECK(comes_back<T>(T{1}));
    CHECK(refused<T>(static_cast<std::int64_t>(Limits::max()) + 1));
    CHECK(refused<T>(static_cast<std::int64_t>(Limits::min()) - 1));
    CHECK(value_traits<T>::storage == Storage::integer);
    CHECK(value_traits<T>::heap(Limits::max()) == 0);
}

TEST_CASE_TEMPLATE("64-bit integers use every bit", T, std::int64_t, std::uint64_t, long, unsigned long, long long, unsigned long long) {
    CHECK(comes_back<T>(std::numeric_limits<T>::min()));
    CHECK(comes_back<T>(std::numeric_limits<T>::max()));
    CHECK(comes_back<T>(std::numeric_limits<T>::max() / 2 + 1));
}

TEST_CASE("any number but 0 is true") {
    CHECK(comes_back(true));
    CHECK(comes_back(false));
    bool value = false;
    CHECK(value_traits<bool>::from(-1, value));
    CHECK(value);
}

TEST_CASE("enumerations are kept as their numbers") {
    CHECK(comes_back(Small::all));
    CHECK(comes_back(Small::none));
    CHECK(value_traits<Small>::to(Small::all) == 255);
    CHECK(refused<Small>(256));
    CHECK(refused<Small>(-1));
}

TEST_CASE("floating-point numbers come back") {
    for (const double value : {0.0, -0.1, std::numeric_limits<double>::max(), std::numeric_limits<double>::infinity()}) CHECK(comes_back(value));
    CHECK(comes_back(std::numeric_limits<float>::lowest()));
    CHECK(value_traits<float>::storage == Storage::real);
}

TEST_CASE("texts, bytes and identifiers come back, and a wrong size is refused") {
    CHECK(comes_back(std::string()));
    CHECK(comes_back(std::string("a\0b", 3)));
    CHECK(comes_back(Bytes{std::byte{0}, std::byte{255}}));
    CHECK(comes_back(Bytes{}));
    Uuid id{};
    id.begin()[15] = 7;
    CHECK(comes_back(id));
    const std::byte bytes[33]{};
    CHECK(refused<Uuid>(std::span(bytes).first(15)));
    CHECK(refused<Uuid>(std::span(bytes).first(17)));
    CHECK(comes_back(HashKey("key")("secret")));
    CHECK(refused<Hashed<std::string>>(std::span(bytes).first(31)));
    CHECK(refused<Hashed<std::string>>(std::span(bytes).first(33)));
}

TEST_CASE("moments are kept as counts of their own unit") {
    CHECK(value_traits<TimePoint>::to(TimePoint(std::chrono::milliseconds(-5))) == -5);
    CHECK(comes_back(TimePoint::max()));
    CHECK(comes_back(WallTime::min()));
    CHECK(comes_back(std::chrono::sys_days(std::chrono::days(20'000))));
    using Days = std::chrono::sys_time<std::chrono::duration<std::int32_t, std::ratio<86400>>>;
    CHECK(comes_back(Days::max()));
    CHECK(refused<Days>(std::int64_t{1} << 40));
}

TEST_CASE("the weight of a value is what it owns beyond itself") {
    using larder::detail::heap_bytes;
    CHECK(heap_bytes(std::string("short")) == 0);
    const std::string text(1000, 'x');
    CHECK(heap_bytes(text) == text.capacity() + 1);
    CHECK(heap_bytes(std::optional<std::string>()) == 0);
    CHECK(heap_bytes(std::optional(text)) >= 1001);
    CHECK(heap_bytes(Bytes(77)) >= 77);
    CHECK(heap_bytes(5) == 0);
}

TEST_CASE("a value and its view have one hash, and other values others") {
    using larder::detail::hash_part;
    CHECK(hash_part(std::string("abc")) == hash_part(std::string_view("abc")));
    CHECK(hash_part(std::string("abc")) != hash_part(std::string("abd")));
    CHECK(hash_part(Bytes{std::byte{1}}) != hash_part(Bytes{std::byte{2}}));
    CHECK(hash_part(0.0) == hash_part(-0.0));
    CHECK(hash_part(Small::all) == 255);
    CHECK(hash_part(TimePoint(std::chrono::milliseconds(9))) == 9);
}
