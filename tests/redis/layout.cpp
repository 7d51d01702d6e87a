// SPDX-License-Identifier: BSL-1.0
#include <larder/cache/detail/redis_layout.hpp>
#include <larder/entity/schema.hpp>
#include <larder/testing/sample.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>

namespace redis_layout_tests {

enum class Kind : std::uint8_t { first, second };

/// A row whose keys are of every kind of storage; one of them is secret.
struct Odd {
    larder::Uuid id{};
    double weight = 0;
    larder::Hashed<std::string> token;
    std::string word;
    Kind kind{};
    larder::TimePoint at{};
};
BOOST_DESCRIBE_STRUCT(Odd, (), (id, weight, token, word, kind, at))

} // namespace redis_layout_tests

template <>
struct larder::entity_traits<redis_layout_tests::Odd>
    : larder::schema<"odd/rows", larder::primary<&redis_layout_tests::Odd::id>, larder::unique<&redis_layout_tests::Odd::weight>, larder::unique<&redis_layout_tests::Odd::token>,
                     larder::unique<&redis_layout_tests::Odd::word>, larder::unique<&redis_layout_tests::Odd::kind, &redis_layout_tests::Odd::at>,
                     larder::secret<&redis_layout_tests::Odd::word, &redis_layout_tests::Odd::token>> {};

using namespace larder;
using detail::RedisFacts;
using detail::RedisKeyText;
using redis_layout_tests::Kind;
using redis_layout_tests::Odd;
using testing::Pass;
using testing::Reading;
using testing::Setting;

namespace {

/// The text of a key, which must lead back to it.
template <class Entity, std::size_t Space>
std::string there_and_back(const space_key_t<Entity, Space>& key) {
    std::string parts;
    RedisKeyText<Entity, Space>::append_parts(parts, key, nullptr);
    const auto back = RedisKeyText<Entity, Space>::parse_parts(parts);
    REQUIRE(back);
    CHECK(*back == key);
    return RedisKeyText<Entity, Space>::full(key, nullptr);
}

} // namespace

TEST_CASE("keys are text that people can read and that leads back to the key") {
    CHECK(there_and_back<Pass, 0>(42) == "passes/id{42}");
    CHECK(there_and_back<Pass, 0>(std::numeric_limits<std::int64_t>::min()) == "passes/id{-9223372036854775808}");
    constexpr std::size_t code = space_of_v<Pass, &Pass::code>;
    CHECK(there_and_back<Pass, code>("plain_text-1.x@y") == "passes/code{plain_text-1.x@y}");
    CHECK(there_and_back<Pass, code>("a b,{c}%=") == "passes/code{a%20b%2c%7bc%7d%25%3d}");
    CHECK(there_and_back<Pass, code>("") == "passes/code{}");
    CHECK(there_and_back<Pass, code>(std::string("\0\xff\n", 3)) == "passes/code{%00%ff%0a}");
    CHECK(there_and_back<Reading, 0>({"ten,ant", -1, 7}) == "readings/station+number{ten%2cant,-1,7}");
    for (const double weight : {0.0, -0.0, 1.5, std::numeric_limits<double>::max(), std::numeric_limits<double>::denorm_min()}) there_and_back<Odd, 1>(weight);
    CHECK(there_and_back<Odd, 0>(Uuid{{1, 2, 255}}) == "odd%2frows/id{0102ff00000000000000000000000000}");
    there_and_back<Odd, 4>({Kind::second, TimePoint(std::chrono::milliseconds(-5))});
}

TEST_CASE("texts that are no key's are not taken for one") {
    using Numbers = RedisKeyText<Pass, 0>;
    for (const char* text : {"", "x", "1x", "1,2", "99999999999999999999", " 1"}) CHECK(!Numbers::parse_parts(text));
    for (const char* text : {"%", "%4", "%GG", "a,b"}) CHECK(!RedisKeyText<Pass, 1>::parse_parts(text));
    for (const char* text : {"", "00", "zz", "0102ff0000000000000000000000000"}) CHECK(!RedisKeyText<Odd, 0>::parse_parts(text));
    for (const char* text : {"a", "a,1", "a,1,2,3", "a,b,1"}) CHECK(!RedisKeyText<Reading, 0>::parse_parts(text));
}

TEST_CASE("parts of keys that are secret are keyed hashes, and those that are hashes already stay as they are") {
    const HashKey first("first"), second("second");
    using Words = RedisKeyText<Odd, 3>;
    static_assert(Words::hidden && !RedisKeyText<Odd, 2>::hidden && !RedisKeyText<Pass, 1>::hidden);
    const std::string text = Words::full("open sesame", &first);
    CHECK(text.find("sesame") == std::string::npos);
    CHECK(text == Words::full("open sesame", &first));
    CHECK(text != Words::full("open sesame", &second));
    CHECK(text != Words::full("open sesames", &first));
    CHECK(!Words::parse_parts("#00"));
    const auto token = first("refresh");
    CHECK(there_and_back<Odd, 2>(token).find("refresh") == std::string::npos);
}

TEST_CASE("the facts of a value") {
    const auto facts = RedisFacts::parse("7 1 2 3 0 =key f18446744073709551615");
    REQUIRE(facts);
    CHECK(facts->version == 7);
    CHECK(facts->loaded == 1);
    CHECK(facts->serve == 2);
    CHECK(facts->refresh == 3);
    CHECK(facts->fallback == 0);
    CHECK(facts->about == "=key");
    CHECK(facts->note == "f18446744073709551615");
    for (const char* text : {"", " ", "7", "7 1 2 3 0", "7 1 2 3 0 .", "7 1 2 3 0 . ", "x 1 2 3 0 . -", "-7 1 2 3 0 . -", "7 1 2 3 99999999999999999999 . -"}) CHECK(!RedisFacts::parse(text));
}

TEST_CASE("spans are rounded down and bounded") {
    CHECK(detail::redis_span(std::chrono::nanoseconds(1999)) == 1);
    CHECK(detail::redis_span(std::chrono::nanoseconds(-1)) == -1);
    constexpr double exact = 9007199254740992.0;
    const double moment = 4e15;
    CHECK(moment + 2 * static_cast<double>(detail::redis_span(Duration::max())) < exact);
    CHECK(detail::redis_span(Duration::min()) == -detail::redis_span(Duration::max()));
}
