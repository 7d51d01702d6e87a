// SPDX-License-Identifier: BSL-1.0
#include <larder/entity/key.hpp>
#include <larder/testing/database_sample.hpp>
#include <larder/testing/sample.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

using namespace larder;
using larder::testing::Coupon;
using larder::testing::Crate;
using larder::testing::Holder;
using larder::testing::Pass;
using larder::testing::Reading;

namespace {

constexpr auto by_code = space_of_v<Pass, &Pass::code>;
constexpr auto by_badge = space_of_v<Pass, &Pass::badge>;
constexpr auto of_holder = space_of_v<Pass, &Pass::holder_id>;
constexpr auto by_label = space_of_v<Reading, &Reading::label>;
constexpr auto of_batch = space_of_v<Reading, &Reading::batch>;

} // namespace

static_assert(space_of_v<Pass, &Pass::id> == 0 && by_code == 1 && by_badge == 2 && of_holder == 3);
static_assert(space_of_v<Reading, &Reading::station, &Reading::number> == 0 && space_of_v<Reading, &Reading::station> == 2);
static_assert(finds_one<Pass, &Pass::id> && finds_one<Pass, &Pass::badge> && !finds_one<Pass, &Pass::holder_id> && !finds_one<Pass, &Pass::note>);
static_assert(finds_group<Pass, &Pass::holder_id> && !finds_group<Pass, &Pass::code> && !finds_group<Pass, &Pass::note>);
static_assert(finds_one<Crate, &Crate::owner, &Crate::label> && !finds_one<Crate, &Crate::label, &Crate::owner> && !finds_one<Crate, &Crate::owner>);
static_assert(std::is_same_v<primary_key_t<Holder>, std::int64_t> && std::is_same_v<primary_key_t<Crate>, Uuid>);
static_assert(std::is_same_v<space_key_t<Pass, by_badge>, std::string> && std::is_same_v<space_view_t<Pass, by_badge>, std::string_view>);
static_assert(std::is_same_v<primary_key_t<Reading>, std::tuple<std::string, std::int64_t, std::int64_t>>);
static_assert(std::is_same_v<space_view_t<Reading, by_label>, std::tuple<std::string_view, std::string_view>>);

TEST_CASE("a row has a key in each space whose members are not null, the scope in front") {
    Reading row;
    row.tenant = "acme";
    row.station = 3;
    row.number = 4;
    row.label = "label";
    CHECK(primary_key_of(row) == std::tuple("acme", 3, 4));
    CHECK(key_of<0>(row) == std::tuple("acme", 3, 4));
    CHECK(key_of<by_label>(row) == std::tuple("acme", "label"));
    CHECK(!key_of<of_batch>(row));
    row.batch = "batch";
    CHECK(key_of<of_batch>(row) == std::tuple("acme", "batch"));

    Pass pass;
    pass.holder_id = 9;
    CHECK(key_of<of_holder>(pass) == 9);
    CHECK(!key_of<by_badge>(pass));
    pass.badge = "";
    CHECK(key_of<by_badge>(pass) == "");
}

TEST_CASE("a row is compared with a key or its view, and a null key is no key") {
    Pass pass;
    pass.code = "code";
    CHECK(has_key<by_code>(pass, std::string_view("code")));
    CHECK(!has_key<by_code>(pass, std::string("other")));
    CHECK(!has_key<by_badge>(pass, std::string_view("")));
    pass.badge = "badge";
    CHECK(has_key<by_badge>(pass, std::string_view("badge")));

    Reading row;
    row.tenant = "acme";
    row.batch = "batch";
    const space_key_t<Reading, of_batch> key("acme", "batch");
    CHECK(has_key<of_batch>(row, key));
    CHECK(has_key<of_batch>(row, view_of<Reading, of_batch>(key)));
    CHECK(!has_key<of_batch>(row, space_key_t<Reading, of_batch>("other", "batch")));
    row.batch.reset();
    CHECK(!has_key<of_batch>(row, key));
}

TEST_CASE("a key and its view are converted into each other and have one hash") {
    const space_key_t<Reading, by_label> key("acme", "label");
    const auto view = view_of<Reading, by_label>(key);
    CHECK(view == key);
    CHECK(own_key<Reading, by_label>(view) == key);
    CHECK(hash_key(view) == hash_key(key));
    CHECK(own_key<Pass, by_code>("text") == "text");
    CHECK(hash_key(std::string("text")) == hash_key(std::string_view("text")));
    CHECK(own_key<Holder>(5) == 5);
}

TEST_CASE("keys that differ in one part, or in the order of the parts, have different hashes") {
    const auto hash = [](std::string tenant, std::int64_t station, std::int64_t number) { return hash_key(primary_key_t<Reading>(std::move(tenant), station, number)); };
    CHECK(hash("a", 1, 2) != hash("a", 2, 1));
    CHECK(hash("a", 1, 2) != hash("b", 1, 2));
    CHECK(hash("a", 1, 2) == hash("a", 1, 2));
    CHECK(hash_key(std::int64_t{1}) != hash_key(std::int64_t{2}));
}

TEST_CASE("a key space is described by table and columns, never by a value") {
    CHECK(larder::detail::describe_key<Pass, by_code>() == "passes.code");
    CHECK(larder::detail::describe_key<Reading, 0>() == "readings.station.number");
    CHECK(larder::detail::describe_key<Crate, space_of_v<Crate, &Crate::owner, &Crate::label>>() == "Crates of \"store\".owner.Order");
}
