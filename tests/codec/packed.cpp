// SPDX-License-Identifier: BSL-1.0
#include "check_codec.hpp"
#include "custom_type.hpp"

#include <larder/codec/aes_gcm.hpp>
#include <larder/codec/packed.hpp>
#include <larder/testing/codec_conformance.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <string_view>

using namespace larder;

TEST_CASE("the packed codec meets the contract") { codec_tests::check_rules(testing::codec_conformance(PackedCodec())); }

TEST_CASE("the packed codec meets the contract with a cipher") {
    const PackedCodec codec{AesGcm(SealKey{.id = 1})};
    codec_tests::check_rules(testing::codec_conformance(codec));
    codec_tests::check_rules(testing::codec_secret_conformance(codec));
}

namespace {

std::string hexadecimal(std::string_view bytes) {
    std::string text;
    for (const char byte : bytes) {
        text += "0123456789abcdef"[static_cast<unsigned char>(byte) >> 4];
        text += "0123456789abcdef"[static_cast<unsigned char>(byte) & 15];
    }
    return text;
}

} // namespace

TEST_CASE("packed bytes are these, from every compiler and for good: another program may have written them") {
    std::string bytes;
    REQUIRE(PackedCodec().encode(testing::Locker{-3, "Ann", "", 300}, bytes));
    CHECK(hexadecimal(bytes) == "a11d000000" "16160989d97e4299" "7915a771cd036d97" "0503416e6e00ac02");
    bytes.clear();
    REQUIRE(PackedCodec().encode(testing::sample_row<testing::Pass>(12), bytes));
    CHECK(hexadecimal(bytes) == "a153000000d59b6d10a77812290b0bf2e3cbd43bf0180407636f6465203132010862616467652031320965646974696f6e203180c0a993c8b7010000010408686f6c6465722032010965646974696f6e203101");
}

TEST_CASE("types of the user's own are written as they are stored, and what they refuse is refused") {
    const codec_tests::Town town{'z', {"de"}, {31500}, codec_tests::Celsius{-20000}, 9};
    std::string bytes;
    REQUIRE(PackedCodec().encode(town, bytes));
    codec_tests::Town back;
    CHECK(PackedCodec().decode(bytes, back) == DecodeOutcome::decoded);
    CHECK(back == town);
    for (const auto& wrong : {codec_tests::Town{'z', {"deu"}, {}, {}, 9}, codec_tests::Town{'z', {"de"}, {-300000}, {}, 9}}) {
        bytes.clear();
        REQUIRE(PackedCodec().encode(wrong, bytes));
        CHECK(PackedCodec().decode(bytes, back) == DecodeOutcome::corrupted);
    }
}
