// SPDX-License-Identifier: BSL-1.0
#include <larder/entity/fixed_string.hpp>
#include <larder/entity/member.hpp>

#include <boost/describe/class.hpp>
#include <doctest/doctest.h>

#include <string_view>
#include <type_traits>

using larder::FixedString;
using larder::detail::described;
using larder::detail::described_name;
using larder::detail::join_members_t;
using larder::detail::MemberList;

namespace {

struct Point {
    int x = 0, y = 0, hidden = 0;
    double z = 0;
};
BOOST_DESCRIBE_STRUCT(Point, (), (x, y, z))

struct Plain {
    int x = 0;
};

template <FixedString Name>
constexpr std::string_view text_of() {
    return larder::detail::described_name<&Point::x>() == Name.view() ? "same" : "other";
}

} // namespace

static_assert(described<Point> && !described<Plain>);
static_assert(std::is_same_v<larder::detail::owner_t<&Point::x>, Point> && std::is_same_v<larder::detail::member_t<&Point::z>, double>);
static_assert(larder::detail::same_member<&Point::x, &Point::x>() && !larder::detail::same_member<&Point::x, &Point::y>() && !larder::detail::same_member<&Point::x, &Point::z>() &&
              !larder::detail::same_member<&Point::x, &Plain::x>());
static_assert(larder::detail::contains_v<&Point::y, MemberList<&Point::x, &Point::y>> && !larder::detail::contains_v<&Point::z, MemberList<&Point::x, &Point::y>>);
static_assert(std::is_same_v<join_members_t<MemberList<&Point::x>, MemberList<&Point::y, &Point::x, &Point::z>>, MemberList<&Point::x, &Point::y, &Point::z>>);
static_assert(std::is_same_v<join_members_t<MemberList<>, MemberList<&Point::y, &Point::y>>, MemberList<&Point::y>>);

TEST_CASE("a described field has its name, another none") {
    CHECK(described_name<&Point::x>() == "x");
    CHECK(described_name<&Point::z>() == "z");
    CHECK(described_name<&Point::hidden>().empty());
}

TEST_CASE("a text literal is a template argument") {
    CHECK(text_of<"x">() == "same");
    CHECK(text_of<"y">() == "other");
    CHECK(FixedString("abc").view() == "abc");
    CHECK(FixedString("").view().empty());
}
