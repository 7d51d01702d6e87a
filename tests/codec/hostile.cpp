// SPDX-License-Identifier: BSL-1.0
#include "envelope.hpp"
#include "glass.hpp"

#include <larder/codec/fingerprint.hpp>
#include <larder/codec/json.hpp>
#include <larder/codec/packed.hpp>
#include <larder/testing/codec_sample.hpp>
#include <larder/testing/sample.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

using namespace larder;
using codec_tests::json_envelope;
using codec_tests::packed_envelope;
using testing::Locker;

namespace {

/// What a forged packed locker is decoded as, and how large a text it made.
DecodeOutcome packed(const std::string& body, Locker& locker) {
    return PackedCodec().decode(packed_envelope(fingerprint_v<Locker>, body), locker);
}

DecodeOutcome json(const std::string& text, Locker& locker) { return JsonCodec().decode(json_envelope(fingerprint_v<Locker>, text), locker); }

} // namespace

TEST_CASE("a forged packed value is decoded where it is sound, and refused where it is not") {
    Locker locker;
    using namespace std::string_literals;
    CHECK(packed("\x06\x02" "ab" "\x00" "\x05"s, locker) == DecodeOutcome::decoded);
    CHECK(locker == Locker{3, "ab", "", 5});
    CHECK(packed("\x06\x02" "ab" "\x00"s, locker) == DecodeOutcome::corrupted);
    CHECK(packed("\x06\x02" "ab" "\x00\x05\x00"s, locker) == DecodeOutcome::corrupted);
    CHECK(packed(""s, locker) == DecodeOutcome::corrupted);
}

TEST_CASE("a length that the bytes do not bear out is refused before anything is allocated") {
    for (const std::uint64_t length : {std::uint64_t{4}, std::uint64_t{1} << 20, std::uint64_t{1} << 32, std::uint64_t{1} << 63, std::numeric_limits<std::uint64_t>::max()}) {
        std::string body = "\x06";
        auto rest = length;
        for (; rest >= 0x80; rest >>= 7) body += static_cast<char>(rest | 0x80);
        body += static_cast<char>(rest);
        body += "abc";
        Locker locker;
        CHECK(packed(body, locker) == DecodeOutcome::corrupted);
        CHECK(locker.owner.capacity() <= 15);
    }
}

TEST_CASE("a number that does not fit is refused") {
    using namespace std::string_literals;
    Locker locker;
    const std::string most = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s, beyond = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"s, endless = std::string(11, '\xff');
    CHECK(packed(most + "\0\0\0"s, locker) == DecodeOutcome::decoded);
    CHECK(locker.id == std::numeric_limits<std::int64_t>::min());
    CHECK(packed(beyond + "\0\0\0"s, locker) == DecodeOutcome::corrupted);
    CHECK(packed(endless + "\0\0\0"s, locker) == DecodeOutcome::corrupted);
    CHECK(packed("\0\0\0"s + most, locker) == DecodeOutcome::decoded);
    CHECK(locker.version == std::numeric_limits<std::uint64_t>::max());
}

TEST_CASE("a packed value's size is part of it") {
    std::string bytes;
    REQUIRE(PackedCodec().encode(Locker{1, "a", "b", 2}, bytes));
    Locker locker;
    CHECK(PackedCodec().decode(bytes.substr(0, bytes.size() - 1), locker) == DecodeOutcome::truncated);
    CHECK(PackedCodec().decode(bytes + 'x', locker) == DecodeOutcome::corrupted);
    CHECK(PackedCodec().decode("", locker) == DecodeOutcome::truncated);
    CHECK(PackedCodec().decode("{\"larder\":1}", locker) == DecodeOutcome::other_format);
}

TEST_CASE("forged JSON is decoded where it is sound, and refused where it is not") {
    Locker locker;
    CHECK(json(R"({"id":3,"owner":"ab","note":"\u00e9","version":5})", locker) == DecodeOutcome::decoded);
    CHECK(locker == Locker{3, "ab", "\xc3\xa9", 5});
    for (const std::string_view text :
         {R"({"id":3,"owner":"ab","note":""})", R"({"id":3,"owner":"ab","note":"","version":5,"more":1})", R"({"owner":"ab","id":3,"note":"","version":5})",
          R"({"id":3.0,"owner":"ab","note":"","version":5})", R"({"id":"3","owner":"ab","note":"","version":5})", R"({"id":3,"owner":null,"note":"","version":5})",
          R"({"id":3,"owner":7,"note":"","version":5})", R"({"id":3,"owner":"ab","note":"","version":-5})", R"({"id":9223372036854775808,"owner":"ab","note":"","version":5})",
          R"({"id":3,"owner":"ab","note":"","version":18446744073709551616})", R"({"id":3,"owner":"ab","note":"","version":5}})", R"([3,"ab","",5])", "7", "", "{", "null",
          R"({"id":3,"owner":"\ud800","note":"","version":5})"}) {
        CAPTURE(std::string(text));
        CHECK(json(std::string(text), locker) == DecodeOutcome::corrupted);
    }
    CHECK(json(std::string(100000, '['), locker) == DecodeOutcome::corrupted);
    CHECK(json(std::string(100000, '9'), locker) == DecodeOutcome::corrupted);
}

TEST_CASE("JSON that is of another codec, cut off, or edited is told apart") {
    std::string bytes;
    const JsonCodec codec;
    REQUIRE(codec.encode(Locker{1, "a", "b", 2}, bytes));
    Locker locker;
    CHECK(codec.decode("", locker) == DecodeOutcome::truncated);
    CHECK(codec.decode("{\"lar", locker) == DecodeOutcome::truncated);
    CHECK(codec.decode("{\"larder\":2,\"fingerprint\":\"", locker) == DecodeOutcome::other_format);
    CHECK(codec.decode("\xa1 packed bytes, for example, and more", locker) == DecodeOutcome::other_format);
    CHECK(codec.decode(bytes.substr(0, 50), locker) == DecodeOutcome::truncated);
    CHECK(codec.decode(bytes.substr(0, bytes.size() - 3), locker) == DecodeOutcome::truncated);
    CHECK(codec.decode(bytes + ' ', locker) != DecodeOutcome::decoded);
    auto edited = bytes;
    edited.replace(edited.find("\"a\""), 3, "\"z\"");
    CHECK(codec.decode(edited, locker) == DecodeOutcome::corrupted);
    CHECK(codec.decode(bytes, locker) == DecodeOutcome::decoded);
}

TEST_CASE("what a cipher opens is no more trusted than the rest") {
    using testing::Vault;
    const PackedCodec<codec_tests::Glass> codec{codec_tests::Glass{}};
    std::string bytes;
    REQUIRE(codec.encode(Vault{}, bytes));
    const std::string body = bytes.substr(21);
    Vault vault;
    CHECK(codec.decode(packed_envelope(fingerprint_v<Vault>, body), vault) == DecodeOutcome::decoded);
    CHECK(codec.decode(packed_envelope(fingerprint_v<Vault>, body + 'x'), vault) == DecodeOutcome::corrupted);
    CHECK(codec.decode(packed_envelope(fingerprint_v<Vault>, body.substr(0, body.size() - 1)), vault) == DecodeOutcome::corrupted);
    CHECK(codec.decode(packed_envelope(fingerprint_v<Vault>, body.substr(0, body.size() - 3)), vault) == DecodeOutcome::corrupted);
}
