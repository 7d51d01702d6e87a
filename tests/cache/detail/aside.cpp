// SPDX-License-Identifier: BSL-1.0
#include <larder/cache/detail/aside.hpp>

#include <doctest/doctest.h>

#include <utility>
#include <vector>

using larder::detail::Aside;

TEST_CASE("a part aside is there once it is made, and its copies are deep") {
    Aside<std::vector<int>> part;
    CHECK_FALSE(part);
    const auto nothing = part;
    CHECK_FALSE(nothing);
    part.made() = {1, 2};
    REQUIRE(part);
    CHECK(&part.made() == &*part);
    auto copy = part;
    copy->push_back(3);
    CHECK(part->size() == 2);
    CHECK(copy->size() == 3);
    part = copy;
    CHECK(part->size() == 3);
    CHECK(&*part != &*copy);
    part = nothing;
    CHECK_FALSE(part);
    const auto moved = std::move(copy);
    CHECK(moved->size() == 3);
    part.made();
    part.reset();
    CHECK_FALSE(part);
    CHECK(part.made().empty());
}
