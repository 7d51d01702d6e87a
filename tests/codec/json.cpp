// SPDX-License-Identifier: BSL-1.0
#include "check_codec.hpp"

#include <larder/codec/aes_gcm.hpp>
#include <larder/codec/json.hpp>
#include <larder/testing/codec_conformance.hpp>

#include <doctest/doctest.h>

using namespace larder;

TEST_CASE("the JSON codec meets the contract") { codec_tests::check_rules(testing::codec_conformance(JsonCodec())); }

TEST_CASE("the JSON codec meets the contract with a cipher") {
    const JsonCodec codec{AesGcm(SealKey{.id = 1})};
    codec_tests::check_rules(testing::codec_conformance(codec));
    codec_tests::check_rules(testing::codec_secret_conformance(codec));
}
