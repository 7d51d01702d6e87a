// SPDX-License-Identifier: BSL-1.0
#include <larder/database/author.hpp>

#include <larder/testing/sample.hpp>

#include <doctest/doctest.h>

#include <string>
#include <type_traits>

using namespace larder;
using larder::testing::Holder;
using larder::testing::Pass;
using larder::testing::Setting;

namespace {

template <auto... Members>
constexpr std::size_t count(MemberList<Members...>) {
    return sizeof...(Members);
}

} // namespace

TEST_CASE("refusals have the code of their cause, and name tables and columns") {
    const auto check = [](const Error& error, errc code, const std::string& words) {
        CHECK(error == code);
        CHECK(error.text.substr(0, words.size()) == words);
    };
    check(Refusal<Pass>::duplicate_key<space_of_v<Pass, &Pass::code>>(), errc::duplicate_key, "passes.code ");
    check(Refusal<Pass>::no_such_row(), errc::no_such_row, "passes: ");
    check(Refusal<Pass>::revoked(), errc::revoked, "passes: ");
    check(Refusal<Pass>::version_conflict(), errc::version_conflict, "passes: ");
    check(Refusal<Pass>::deadline_passed(), errc::deadline_passed, "passes: ");
    check(Refusal<Pass>::missing_relation<&Pass::holder>(), errc::missing_relation, "passes.holder: ");
    check(Refusal<Pass>::referred_to(), errc::missing_relation, "passes: ");
    check(Refusal<Pass>::not_revoking(), errc::invalid_options, "passes: ");
}

TEST_CASE("a generated key is wanted where there is none, and set") {
    Holder row;
    CHECK(wants_generated_key(row));
    set_generated_key(row, 7);
    CHECK(row.id == 7);
    CHECK(!wants_generated_key(row));
    Setting named = larder::testing::sample_row<Setting>(1);
    const Setting before = named;
    CHECK(!wants_generated_key(named));
    set_generated_key(named, 7);
    CHECK(named == before);
}

TEST_CASE("members that are listed are taken apart by the library's own lists") {
    CHECK(count(MemberList<&Pass::revoked_at, &Pass::note>()) == 2);
    static_assert(std::is_same_v<schema_of<Pass>::revoked_members, MemberList<&Pass::revoked_at>>);
}
