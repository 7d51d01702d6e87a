// SPDX-License-Identifier: BSL-1.0
#include "../counting_new.hpp"

#include <larder/codec/packed.hpp>
#include <larder/testing/codec_conformance.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <string>

using namespace larder;

TEST_CASE("the packed codec allocates nothing where the bytes and the value have room already") {
    testing::codec_suite::RandomValues random(1);
    const PackedCodec codec;
    std::string bytes(4096, '\0');
    testing::Crate crate, back;
    std::size_t allocations = 0;
    for (int i = 0; i < 100; ++i) {
        random.fill(crate);
        bytes.clear();
        auto before = counting_new::made;
        CHECK(codec.encode(crate, bytes));
        allocations += counting_new::made - before;
        CHECK(codec.decode(bytes, back) == DecodeOutcome::decoded);
        before = counting_new::made;
        CHECK(codec.decode(bytes, back) == DecodeOutcome::decoded);
        allocations += counting_new::made - before;
    }
    CHECK(allocations == 0);
}

TEST_CASE("a lie about a length costs no allocation") {
    const PackedCodec codec;
    std::string bytes;
    REQUIRE(codec.encode(testing::Locker{1, std::string(1000, 'x'), "", 1}, bytes));
    bytes.resize(100);
    testing::Locker locker;
    const auto before = counting_new::made;
    const auto outcome = codec.decode(bytes, locker);
    const auto made = counting_new::made - before;
    CHECK(outcome == DecodeOutcome::truncated);
    CHECK(made == 0);
}
