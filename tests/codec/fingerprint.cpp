// SPDX-License-Identifier: BSL-1.0
#include <larder/codec/codec.hpp>
#include <larder/codec/fingerprint.hpp>
#include <larder/testing/codec_sample.hpp>
#include <larder/testing/database_sample.hpp>
#include <larder/testing/sample.hpp>

#include <boost/describe/class.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

using namespace larder;

namespace {

/// FNV-1a as its authors (Fowler, Noll, Vo) define it.
constexpr std::uint64_t fnv1a(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char letter : text) hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3;
    return hash;
}

enum class Colour : std::uint8_t { red };
enum class Shade : std::int64_t { dark };

struct Inner {
    std::uint16_t small = 0;
    std::optional<std::string> word;
};
BOOST_DESCRIBE_STRUCT(Inner, (), (small, word))

struct Outer {
    bool flag = false;
    std::int32_t number = 0;
    float narrow = 0;
    double wide = 0;
    Colour colour{};
    Shade shade{};
    std::string text;
    Bytes bytes;
    Uuid id{};
    Hashed<std::string> token;
    std::chrono::sys_seconds second{};
    TimePoint moment{};
    std::optional<Inner> inner;
    Inner other;
};
BOOST_DESCRIBE_STRUCT(Outer, (), (flag, number, narrow, wide, colour, shade, text, bytes, id, token, second, moment, inner, other))

// Layouts of one field that differ in one respect each.
#define LARDER_LAYOUT(name, type, field)                                                                                         \
    struct name {                                                                                                                \
        type field{};                                                                                                            \
    };                                                                                                                           \
    BOOST_DESCRIBE_STRUCT(name, (), (field))
LARDER_LAYOUT(Plain, std::int32_t, a)
LARDER_LAYOUT(Twin, std::int32_t, a)
LARDER_LAYOUT(Renamed, std::int32_t, b)
LARDER_LAYOUT(Wider, std::int64_t, a)
LARDER_LAYOUT(Unsigned, std::uint32_t, a)
LARDER_LAYOUT(Maybe, std::optional<std::int32_t>, a)
LARDER_LAYOUT(Seconds, std::chrono::sys_seconds, a)
LARDER_LAYOUT(Millis, TimePoint, a)
LARDER_LAYOUT(Text, std::string, a)
LARDER_LAYOUT(Raw, Bytes, a)
LARDER_LAYOUT(Row, Plain, a)
LARDER_LAYOUT(Long, long, a)
LARDER_LAYOUT(LongLong, long long, a)
#undef LARDER_LAYOUT

} // namespace

static_assert(fingerprint_v<Plain> == fnv1a("row{a:i32;}"));
static_assert(fingerprint_v<Outer> == fnv1a("row{flag:bool;number:i32;narrow:f32;wide:f64;colour:u8;shade:i64;text:text;bytes:bytes;id:bytes128;token:hash256;"
                                            "second:i64*1/1;moment:i64*1/1000;inner:?{small:u16;word:?text;};other:{small:u16;word:?text;};}"));
static_assert(fingerprint_v<AliasTarget<testing::Reading>> == fnv1a("alias{tenant:text;station:i64;number:i64;}"));
static_assert(fingerprint_v<WarmRow<testing::Holder>> == fnv1a("fields{id:i64;version:u64;}"));
static_assert(fingerprint_v<testing::Keeper> == fnv1a("row{id:i64;name:text;password:!text;}"));
static_assert(fingerprint_v<testing::Vault> == fnv1a("row{id:i64;token:hash256;place:text;code:!text;seed:!?bytes;turns:!i32;keeper_id:?i64;version:u64;"
                                                     "keeper:?{id:i64;name:text;password:!text;};}"));

TEST_CASE("fingerprints are these numbers, from every compiler and for good: values in a shared tier carry them") {
    CHECK(fingerprint_v<testing::Crate> == 0x5bb448350e949f29);
    CHECK(fingerprint_v<AliasTarget<testing::Crate>> == 0x167846dea665b6a9);
    CHECK(fingerprint_v<WarmRow<testing::Crate>> == 0x0c466b8a03f96f67);
    CHECK(fingerprint_v<testing::Pass> == 0xf03bd4cbe3f20b0b);
    CHECK(fingerprint_v<testing::Vault> == 0x45df4f4a28c4f4a2);
}

TEST_CASE("a name, a width, a sign, a null, a unit and a kind make another layout; a type's name does not") {
    CHECK(fingerprint_v<Plain> == fingerprint_v<Twin>);
    CHECK(fingerprint_v<Long> == fingerprint_v<LongLong>);
    CHECK(fingerprint_v<Plain> != fingerprint_v<Renamed>);
    CHECK(fingerprint_v<Plain> != fingerprint_v<Wider>);
    CHECK(fingerprint_v<Plain> != fingerprint_v<Unsigned>);
    CHECK(fingerprint_v<Plain> != fingerprint_v<Maybe>);
    CHECK(fingerprint_v<Wider> != fingerprint_v<Seconds>);
    CHECK(fingerprint_v<Seconds> != fingerprint_v<Millis>);
    CHECK(fingerprint_v<Text> != fingerprint_v<Raw>);
    CHECK(fingerprint_v<Plain> != fingerprint_v<Row>);
}
