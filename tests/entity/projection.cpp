// SPDX-License-Identifier: BSL-1.0
#include <larder/entity/projection.hpp>
#include <larder/testing/sample.hpp>

#include <doctest/doctest.h>

#include <string>
#include <tuple>

using namespace larder;
using larder::testing::Pass;
using larder::testing::Reading;

TEST_CASE("a projection holds copies of some fields") {
    using Brief = Projection<Pass, larder::detail::MemberList<&Pass::code, &Pass::id, &Pass::badge>>;
    Pass row;
    row.id = 7;
    row.code = "code";
    row.note = "note";
    const Brief brief(row);
    row.code = "changed";
    CHECK(brief.get<&Pass::code>() == "code");
    CHECK(brief.get<&Pass::id>() == 7);
    CHECK(!brief.get<&Pass::badge>());
    const auto partial = brief.partial_row();
    CHECK(partial.id == 7);
    CHECK(partial.code == "code");
    CHECK(partial.note.empty());
    const Brief taken(std::tuple(std::string("x"), std::int64_t{1}, std::optional<std::string>("y")));
    CHECK(taken.get<&Pass::badge>() == "y");
    CHECK(taken.heap() == 0);
    row.code = std::string(100, 'x');
    CHECK(Brief(row).heap() > 100);
}

TEST_CASE("a warm row holds what the schema names and what the library needs to answer honestly") {
    Pass row;
    row.id = 3;
    row.holder_id = 4;
    row.code = "code";
    row.badge = "badge";
    row.version = 5;
    row.expires_at = TimePoint(std::chrono::milliseconds(6));
    row.revoked_at = TimePoint(std::chrono::milliseconds(7));
    row.note = "note";
    const auto partial = WarmRow<Pass>(row).partial_row();
    CHECK(primary_key_of(partial) == 3);
    CHECK(has_key<space_of_v<Pass, &Pass::code>>(partial, std::string_view("code")));
    CHECK(has_key<space_of_v<Pass, &Pass::badge>>(partial, std::string_view("badge")));
    CHECK(has_key<space_of_v<Pass, &Pass::holder_id>>(partial, 4));
    CHECK(schema_of<Pass>::version_of(partial) == 5);
    CHECK(schema_of<Pass>::expiry_of(partial) == schema_of<Pass>::expiry_of(row));
    CHECK(schema_of<Pass>::is_revoked(partial));
    CHECK(partial.note.empty());

    Reading reading;
    reading.tenant = "acme";
    reading.label = "label";
    reading.value = 2;
    const auto warm = WarmRow<Reading>(reading).partial_row();
    CHECK(primary_key_of(warm) == primary_key_of(reading));
    CHECK(warm.label == "label");
    CHECK(warm.value == 0);
}
