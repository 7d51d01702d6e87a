// SPDX-License-Identifier: BSL-1.0
#include <larder/entity/key.hpp>
#include <larder/testing/sample.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace {

using namespace larder;
using testing::sample_row;

template <class Entity, std::size_t Space>
void check_space() {
    const auto key = [](std::int64_t number, Version version = 1) { return key_of<Space>(sample_row<Entity>(number, version)); };
    CAPTURE((detail::describe_key<Entity, Space>()));
    REQUIRE(key(1).has_value());
    CHECK(key(1) == key(1));
    CHECK(key(1) == key(1, 2));
    if constexpr (Space < schema_of<Entity>::alias_end)
        CHECK(key(1) != key(2));
    else
        CHECK(key(1) == key(2));
    CHECK(key(1) != key(11));
}

TEST_CASE_TEMPLATE("sample rows differ in their keys, and share groups by the ten", Entity, testing::Holder, testing::Pass, testing::Reading, testing::Setting) {
    [&]<std::size_t... Space>(std::index_sequence<Space...>) { (check_space<Entity, Space>(), ...); }(std::make_index_sequence<schema_of<Entity>::space_count>{});
    CHECK(sample_row<Entity>(1) == sample_row<Entity>(1));
    CHECK(sample_row<Entity>(1, 1) != sample_row<Entity>(1, 2));
    if constexpr (schema_of<Entity>::has_version) CHECK(schema_of<Entity>::version_of(sample_row<Entity>(1, 5)) == 5);
}

} // namespace
