// SPDX-License-Identifier: BSL-1.0
#include "check_codec.hpp"
#include "custom_type.hpp"
#include "envelope.hpp"

#include <larder/codec/aes_gcm.hpp>
#include <larder/codec/fingerprint.hpp>
#include <larder/codec/json.hpp>
#include <larder/testing/codec_conformance.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <string_view>

using namespace larder;

TEST_CASE("the JSON codec meets the contract") { codec_tests::check_rules(testing::codec_conformance(JsonCodec())); }

TEST_CASE("the JSON codec meets the contract with a cipher") {
    const JsonCodec codec{AesGcm(SealKey{.id = 1})};
    codec_tests::check_rules(testing::codec_conformance(codec));
    codec_tests::check_rules(testing::codec_secret_conformance(codec));
}

TEST_CASE("JSON is this text") {
    std::string text;
    REQUIRE(JsonCodec().encode(testing::Locker{-3, "Ann \"the\" Lee\n", "", 300}, text));
    CHECK(text == R"({"larder":1,"fingerprint":"976d03cd71a71579","checksum":"fb14878626960803","value":{"id":-3,"owner":"Ann \"the\" Lee\n","note":"","version":300}})");
    text.clear();
    testing::Crate crate;
    crate.sealed = true;
    crate.high = 18446744073709551615U;
    crate.price = 0.1;
    crate.material = testing::Material::paper;
    crate.content.assign(2, std::byte{0xab});
    REQUIRE(JsonCodec().encode(crate, text));
    CHECK(text.find(R"("value":{"id":"00000000-0000-0000-0000-000000000000","sealed":true,"shelf":0,"count":0,"low":0,"high":18446744073709551615,"weight":0E0,)"
                    R"("price":1E-1,"material":300,"label":"","content":"abab",)") != std::string::npos);
    CHECK(text.ends_with(R"("version":0,"pass":null}})"));
}

TEST_CASE("types of the user's own are written as they are stored, and what they refuse is refused") {
    const codec_tests::Town town{'z', {"de"}, {31500}, codec_tests::Celsius{-20000}, 9};
    std::string text;
    REQUIRE(JsonCodec().encode(town, text));
    CHECK(text.ends_with(R"("value":{"grade":122,"country":"de","warmest":31500,"coldest":-20000,"id":9}})"));
    codec_tests::Town back;
    CHECK(JsonCodec().decode(text, back) == DecodeOutcome::decoded);
    CHECK(back == town);
    for (const char* wrong : {R"({"grade":300,"country":"de","warmest":0,"coldest":null,"id":9})", R"({"grade":122,"country":"deu","warmest":0,"coldest":null,"id":9})",
                              R"({"grade":122,"country":"de","warmest":-300000,"coldest":null,"id":9})"})
        CHECK(JsonCodec().decode(codec_tests::json_envelope(fingerprint_v<codec_tests::Town>, wrong), back) == DecodeOutcome::corrupted);
    CHECK(JsonCodec().decode(codec_tests::json_envelope(fingerprint_v<codec_tests::Town>, R"({"grade":122,"country":"de","warmest":0,"coldest":null,"id":9})"), back) ==
          DecodeOutcome::decoded);
}
