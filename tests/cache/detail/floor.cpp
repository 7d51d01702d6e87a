// SPDX-License-Identifier: BSL-1.0
#include <larder/cache/detail/floor.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <string>

namespace {

using namespace larder::detail;

TEST_CASE("one floor") {
    OneFloor floors;
    CHECK(floors.empty());
    floors.set({}, {5, 7});
    CHECK_FALSE(floors.empty());
    CHECK(floors.of({}).version == 5);
    CHECK(floors.of({}).newest == 7);
    CHECK(floors.heap() == 0);
    floors.set({}, {0, 7});
    CHECK(floors.empty());
    CHECK(floors.of({}).newest == 0);
    floors.set({}, {5, 5});
    floors.clear();
    CHECK(floors.empty());
}

TEST_CASE("a floor for each row that an alias led to") {
    FloorPerRow<std::string> floors;
    const std::string first = "first";
    const std::string second = "second";
    CHECK(floors.of(&first).version == 0);
    CHECK(floors.of(nullptr).version == 0);
    floors.set(nullptr, {9, 9});
    floors.set(&second, {0, 3});
    CHECK(floors.empty());
    floors.set(&first, {5, 0});
    floors.set(&second, {1, 2});
    floors.set(&first, {6, 6});
    CHECK(floors.of(&first).version == 6);
    CHECK(floors.of(&second).newest == 2);
    CHECK(floors.heap() > 0);
    floors.set(&first, {});
    CHECK(floors.of(&first).version == 0);
    CHECK(floors.of(&second).version == 1);
    floors.clear();
    CHECK(floors.empty());
}

TEST_CASE("what an alias is about") {
    using Rules = AliasRules<int>;
    const int row = 1;
    const int other = 2;
    CHECK(*Rules::subject(std::optional(1)) == 1);
    CHECK(Rules::subject(std::nullopt) == nullptr);
    CHECK(Rules::is_about(std::optional(1), &row));
    CHECK_FALSE(Rules::is_about(std::optional(1), &other));
    CHECK_FALSE(Rules::is_about(std::optional(1), nullptr));
    CHECK(Rules::is_about(std::nullopt, &row));
}

} // namespace
