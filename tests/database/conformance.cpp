// SPDX-License-Identifier: BSL-1.0
#include "worlds.hpp"

#include <larder/testing/database_conformance.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

using namespace larder_tests;
using larder::testing::Coupon;
using larder::testing::Crate;
using larder::testing::Holder;
using larder::testing::Pass;
using larder::testing::Reading;
using larder::testing::Setting;

namespace {

/// A world of one entity only.
struct CouponWorld {
    using leaves_out = testing::Entities<Holder, Pass, Reading, Setting, Crate>;
    MemoryWorld behind;

    template <std::same_as<Coupon> Entity>
    MemoryDatabase<Entity> database() {
        return behind.database<Entity>();
    }
};

/// What a rule says that is broken; nothing if it holds.
std::string said_by(const testing::ConformanceCase& rule) {
    try {
        rule.run();
    } catch (const testing::ConformanceFailure& failure) {
        return failure.what();
    }
    return {};
}

bool contains(std::string_view text, std::string_view words) { return text.find(words) != text.npos; }

const std::vector<std::string> all_but_coupons = {"Holder", "Pass", "Reading", "Setting", "Crate"};

/// A database of coupons that stores another percentage than it is given.
struct Wrong : MemoryDatabase<Coupon> {
    using MemoryDatabase<Coupon>::MemoryDatabase;
    Outcome<Version> update(Coupon row, Version expected, const WriteCondition& condition) {
        row.percent = 7;
        return MemoryDatabase<Coupon>::update(row, expected, condition);
    }
};
struct WrongWorld {
    using leaves_out = CouponWorld::leaves_out;
    MemoryWorld behind;
    template <std::same_as<Coupon> Entity>
    Wrong database() {
        return Wrong(behind.tables);
    }
};

/// A database that says it honours the version that a write expects, and does not.
template <class Entity>
struct Unconditional : MemoryDatabase<Entity> {
    using MemoryDatabase<Entity>::MemoryDatabase;
    Outcome<Version> update(const Entity& row, Version, const WriteCondition& condition) {
        const auto stored = this->load(primary_key_of(row), ReadMode::plain);
        return MemoryDatabase<Entity>::update(row, stored && *stored ? schema_of<Entity>::version_of(**stored) : 0, condition);
    }
};
/// A world of the simplest entities, as an author begins with.
template <template <class> class Database>
struct SimpleWorld {
    using leaves_out = testing::Entities<Pass, Setting, Crate, Coupon>;
    MemoryWorld behind;
    template <class Entity>
    Database<Entity> database() {
        return Database<Entity>(behind.tables);
    }
};

/// The rules that a world breaks, each named once.
template <class World>
std::vector<std::string> broken_rules(const std::vector<std::string>& lacking) {
    std::vector<std::string> names;
    for (const auto& rule : testing::database_conformance([] { return World(); }, lacking))
        if (!said_by(rule).empty()) names.push_back(rule.name);
    return names;
}

} // namespace

TEST_CASE("whichever entities a world has, writes that are not conditional are noticed on each of them") {
    const std::vector<std::string> lacking = {"Pass", "Setting", "Crate", "Coupon"};
    CHECK(broken_rules<SimpleWorld<MemoryDatabase>>(lacking).empty());
    const auto broken = broken_rules<SimpleWorld<Unconditional>>(lacking);
    const auto noticed = [&](std::string_view name) { return std::find(broken.begin(), broken.end(), name) != broken.end(); };
    CHECK(noticed("a write on another version is refused and changes nothing (Holder)"));
    CHECK(noticed("a write on another version is refused and changes nothing (Reading)"));
    CHECK(noticed("of concurrent updates on one version exactly one wins (Holder)"));
    CHECK(noticed("of concurrent updates on one version exactly one wins (Reading)"));
}

TEST_CASE("a world may leave entities out, and is told which rules are not checked then") {
    const auto suite = testing::database_conformance([] { return CouponWorld(); }, all_but_coupons);
    for (const auto& rule : suite) CHECK_MESSAGE(said_by(rule).empty(), rule.name);
    const auto whole = testing::database_conformance([] { return MemoryWorld(); });
    CHECK(whole.left_out.empty());
    CHECK(suite.size() < whole.size());
    CHECK(suite.size() + suite.left_out.size() == whole.size());
    const auto left_out = [&](std::string_view name) { return std::find_if(suite.left_out.begin(), suite.left_out.end(), [&](const auto& each) { return each.name == name; }); };
    REQUIRE(left_out("values of every kind come back as they were written") != suite.left_out.end());
    CHECK(left_out("values of every kind come back as they were written")->lacking == "Crate");
    CHECK(left_out("a version is read alone") == suite.left_out.end());
}

TEST_CASE("what is left out and was not named fails, with the names of the rules concerned") {
    const auto suite = testing::database_conformance([] { return CouponWorld(); }, {"Holder", "Pass", "Reading", "Setting"});
    const std::string said = said_by(suite.cases.back());
    CHECK(contains(said, "\"values of every kind come back as they were written\", for want of \"Crate\""));
    CHECK(!contains(said, "Reading"));
    const auto functions = testing::database_conformance([] { return FunctionWorld<VersionedFunctionDatabase>(); });
    CHECK(contains(said_by(functions.cases.back()), "\"a touch moves its column forward alone, and no version\", for want of \"Pass: touch\""));
}

TEST_CASE("what is named and is not lacking fails") {
    const auto suite = testing::database_conformance([] { return MemoryWorld(); }, {"Pass: touch"});
    CHECK(contains(said_by(suite.cases.back()), "nothing is left out for want of:\n  \"Pass: touch\""));
}

TEST_CASE("a broken rule says what was expected and what came") {
    std::string said;
    for (const auto& rule : testing::database_conformance([] { return WrongWorld(); }, all_but_coupons))
        if (rule.name == "a write on another version is refused and changes nothing (Coupon)") said = said_by(rule);
    CHECK(contains(said, "expected: it should be as the one accepted update left it, but its percent is 7 instead of 20"));
}

TEST_CASE("values are told in words") {
    using namespace larder::testing::detail;
    CHECK(shown(3) == "3");
    CHECK(shown(std::string("a")) == "\"a\"");
    CHECK(shown(std::string(100, 'a')).size() < 70);
    CHECK(shown(std::optional<int>()) == "nothing");
    CHECK(shown(std::optional<int>(4)) == "4");
    CHECK(shown(Coupon{"x", 1, 2}) == "{name: \"x\", percent: 1, version: 2}");
    CHECK(difference(Coupon{"x", 1, 2}, Coupon{"y", 1, 3}) == "its name is \"x\" instead of \"y\"; its version is 2 instead of 3");
    CHECK_NOTHROW(equals(std::uint64_t{1}, 1, "one"));
    CHECK_THROWS_WITH_AS(equals(std::optional<Coupon>(), Coupon{}, "there should be a row"), doctest::Contains("there should be a row, but there is no row"), testing::ConformanceFailure);
}
