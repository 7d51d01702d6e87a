// SPDX-License-Identifier: BSL-1.0
#include <larder/engine/heat_sketch.hpp>
#include <larder/entity/key.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <memory>

using larder::detail::HeatSketch;

TEST_CASE("a sketch counts the accesses of a key, and never too few") {
    const auto sketch = std::make_unique<HeatSketch>();
    for (std::uint32_t access = 1; access <= 10; ++access) CHECK(sketch->add(larder::hash_key(std::int64_t{1})) == access);
    CHECK(sketch->add(larder::hash_key(std::int64_t{2})) == 1);
    for (std::int64_t key = 100; key < 10'100; ++key) CHECK_UNARY(sketch->add(larder::hash_key(key)) >= 1);
    CHECK(sketch->add(larder::hash_key(std::int64_t{1})) >= 11);
}

TEST_CASE("a sketch tells keys apart though there are many") {
    const auto sketch = std::make_unique<HeatSketch>();
    for (std::int64_t key = 0; key < 20'000; ++key) sketch->add(larder::hash_key(key));
    std::size_t exact = 0;
    for (std::int64_t key = 0; key < 20'000; ++key) exact += sketch->add(larder::hash_key(key)) == 2;
    CHECK(exact > 19'000);
}

TEST_CASE("a sketch forgets: what was hot long ago is less so") {
    const auto sketch = std::make_unique<HeatSketch>();
    const std::uint64_t hot = larder::hash_key(std::int64_t{-1});
    std::uint32_t before = 0;
    for (int access = 0; access < 200; ++access) before = sketch->add(hot);
    CHECK(before == 200);
    std::int64_t key = 0;
    for (std::size_t i = 0; i < std::size_t{1} << 20; ++i) sketch->add(larder::hash_key(++key));
    CHECK(sketch->add(hot) < before);
}

TEST_CASE("a count does not run over") {
    const auto sketch = std::make_unique<HeatSketch>();
    for (int access = 0; access < 1000; ++access) sketch->add(5);
    CHECK(sketch->add(5) >= 255);
}
