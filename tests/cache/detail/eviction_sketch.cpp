// SPDX-License-Identifier: BSL-1.0
#include <larder/cache/detail/eviction_sketch.hpp>
#include <larder/entity/key.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>

namespace {

using larder::hash_key;
using larder::detail::FrequencySketch;

TEST_CASE("a sketch counts up to fifteen, never too low, and seldom too high") {
    FrequencySketch sketch;
    constexpr std::size_t records = 1000;
    sketch.suit(records);
    for (std::int64_t key = 0; key < 1000; ++key)
        for (std::int64_t times = 0; times < key % 8; ++times) sketch.add(hash_key(key), records);
    int wrong = 0;
    for (std::int64_t key = 0; key < 1000; ++key) {
        const auto expected = static_cast<unsigned>(key % 8);
        REQUIRE(sketch.estimate(hash_key(key)) >= expected);
        wrong += sketch.estimate(hash_key(key)) != expected;
    }
    CHECK(wrong < 100);
    for (int times = 0; times < 100; ++times) sketch.add(hash_key(std::int64_t{1}), records);
    CHECK(sketch.estimate(hash_key(std::int64_t{1})) == 15);
}

TEST_CASE("after ten times as many keys as there are records, counts are halved") {
    FrequencySketch sketch;
    constexpr std::size_t records = 100;
    sketch.suit(records);
    for (int times = 0; times < 8; ++times) sketch.add(hash_key(std::int64_t{-1}), records);
    for (std::int64_t key = 0; key < 10 * static_cast<std::int64_t>(records) - 9; ++key) sketch.add(hash_key(key), records);
    CHECK(sketch.estimate(hash_key(std::int64_t{-1})) >= 8);
    sketch.add(hash_key(std::int64_t{-2}), records);
    CHECK(sketch.estimate(hash_key(std::int64_t{-1})) < 8);
    CHECK(sketch.estimate(hash_key(std::int64_t{-1})) >= 4);
}

TEST_CASE("a sketch without a table knows nothing; one that grows keeps what it knows") {
    FrequencySketch sketch;
    sketch.add(hash_key(std::int64_t{1}), 10);
    CHECK(sketch.estimate(hash_key(std::int64_t{1})) == 0);
    sketch.suit(10);
    sketch.add(hash_key(std::int64_t{1}), 10);
    CHECK(sketch.estimate(hash_key(std::int64_t{1})) == 1);
    sketch.suit(1000);
    CHECK(sketch.estimate(hash_key(std::int64_t{1})) == 1);
    sketch.reset();
    CHECK(sketch.estimate(hash_key(std::int64_t{1})) == 0);
}

} // namespace
