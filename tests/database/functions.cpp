// SPDX-License-Identifier: BSL-1.0
#include "worlds.hpp"

#include <larder/database/functions.hpp>
#include <larder/testing/database_sample.hpp>
#include <larder/testing/sample.hpp>

#include <boost/asio/thread_pool.hpp>
#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

using namespace larder_tests;
using larder::testing::Coupon;
using larder::testing::Holder;
using larder::testing::Reading;
using larder::testing::Setting;

namespace {

using Settings = FunctionDatabase<Setting>;
using Coupons = VersionedFunctionDatabase<Coupon>;
constexpr auto by_alias = space_of_v<Setting, &Setting::alias>;
constexpr auto by_section = space_of_v<Setting, &Setting::section>;

/// Data access as a program may have had it before: plain functions over a map.
struct Store {
    std::map<std::string, Setting> rows;

    Settings::Config functions() {
        return {
            .load =
                [this](const std::string& name) -> std::optional<Setting> {
                const auto found = rows.find(name);
                return found == rows.end() ? std::nullopt : std::optional(found->second);
            },
            .insert = [this](const Setting& row) { rows[row.name] = row; },
            .update = [this](const Setting& row) { rows[row.name] = row; },
            .erase = [this](const std::string& name) { return rows.erase(name) != 0; },
        };
    }
};

} // namespace

static_assert(database<Settings, Setting> && !Settings::conditional_writes);
static_assert(database<Coupons, Coupon> && Coupons::conditional_writes);
static_assert(loads_by<Settings, Setting, by_alias> && lists_groups<Settings, Setting, by_section>);
static_assert(!probes_versions<Coupons, Coupon> && !tells_time<Coupons>);

TEST_CASE("four plain functions are a database") {
    Store store;
    Settings settings(store.functions());
    const Setting row{"name", "section", "alias", "value"};
    CHECK(*settings.insert(row) == row);
    CHECK(*settings.load("name", ReadMode::plain) == row);
    CHECK(!*settings.load("other", ReadMode::plain));
    const auto many = settings.load_many(std::vector<std::string>{"other", "name"}, ReadMode::plain);
    CHECK((!(*many)[0] && (*many)[1] == row));
    CHECK(*settings.update({"name", "s", "a", "v"}, 0, {}) == 0);
    CHECK(store.rows["name"].value == "v");
    CHECK(*settings.erase("name", 0, {}) == 0);
    check_fails(settings.erase("name", 0, {}), errc::no_such_row, "settings");
    CHECK(!settings.executor());
}

TEST_CASE("a required function that is missing is named at construction, another when it is needed") {
    Store store;
    const auto check_missing = [](Settings::Config functions, const std::string& name) {
        try {
            Settings settings(std::move(functions));
            FAIL_CHECK("nothing was thrown for " << name);
        } catch (const Failure& failure) {
            CHECK(failure.error() == errc::invalid_options);
            CHECK(failure.error().text == "the function '" + name + "' given for settings is missing");
        }
    };
    auto functions = store.functions();
    functions.load = {};
    check_missing(functions, "load");
    functions = store.functions();
    functions.insert = {};
    check_missing(functions, "insert");
    functions = store.functions();
    functions.update = {};
    check_missing(functions, "update");
    functions = store.functions();
    functions.erase = {};
    check_missing(functions, "erase");
    Settings settings(store.functions());
    check_fails(settings.load_by<by_alias>("x", ReadMode::plain), errc::invalid_options, "'load_by' given for settings.alias is missing");
    check_fails(settings.list<by_section>("x"), errc::invalid_options, "'list' given for settings.section is missing");
}

TEST_CASE("functions may answer outcomes, pointers, keys and rows") {
    const Setting row{"name", "section", "alias", "value"};
    Setting* absent = nullptr;
    Settings settings({
        .load = [&](const std::string& name) { return name == "name" ? std::make_shared<Setting>(row) : nullptr; },
        .insert = [&](const Setting& given) -> Outcome<Setting> {
            if (given.name == "taken") return Error(errc::duplicate_key, "settings.name already belongs to another row");
            Setting stored = given;
            stored.value = "stored";
            return stored;
        },
        .update = [](const Setting&) -> Outcome<void> { return Error(errc::database_busy, "later"); },
        .erase = [](const std::string&) -> Outcome<bool> { return false; },
        .load_many = [&](std::span<const std::string>) { return std::vector<Setting>{row}; },
        .load_by = {by<&Setting::alias>([&](std::string_view alias) { return alias == "alias" ? &row : absent; })},
        .list = {by<&Setting::section>([&](const std::string&) { return std::vector<Setting>{{"z", "", "", ""}, row}; })},
    });
    CHECK(*settings.load("name", ReadMode::plain) == row);
    CHECK(!*settings.load("other", ReadMode::plain));
    CHECK(settings.insert(row)->value == "stored");
    check_fails(settings.insert({"taken", "", "", ""}), errc::duplicate_key, "settings.name");
    check_fails(settings.update(row, 0, {}), errc::database_busy, "later");
    check_fails(settings.erase("name", 0, {}), errc::no_such_row, "settings");
    const auto many = settings.load_many(std::vector<std::string>{"a", "name", "name"}, ReadMode::plain);
    CHECK((many->size() == 3 && !(*many)[0] && (*many)[1] == row && (*many)[2] == row));
    CHECK(*settings.load_by<by_alias>("alias", ReadMode::plain) == row);
    CHECK(!*settings.load_by<by_alias>("other", ReadMode::plain));
    const auto listed = settings.list<by_section>("section");
    CHECK((listed->size() == 2 && (*listed)[0].key == "name" && (*listed)[1].key == "z"));
}

TEST_CASE("what a function throws becomes an error that names it, memory's end excepted") {
    Store store;
    auto functions = store.functions();
    functions.load = [](const std::string& name) -> std::optional<Setting> {
        if (name == "failure") throw Failure(Error(errc::database_unavailable, "gone"));
        if (name == "number") throw 5;
        if (name == "memory") throw std::bad_alloc();
        throw std::runtime_error("the wire is cut");
    };
    Settings settings(functions);
    check_fails(settings.load("x", ReadMode::plain), errc::exception_thrown, "the function 'load' given for settings threw: the wire is cut");
    check_fails(settings.load("failure", ReadMode::plain), errc::database_unavailable, "gone");
    check_fails(settings.load("number", ReadMode::plain), errc::exception_thrown, "not a std::exception");
    check_fails(settings.load_many(std::vector<std::string>{"x"}, ReadMode::plain), errc::exception_thrown, "the wire is cut");
    CHECK_THROWS_AS((void)settings.load("memory", ReadMode::plain), std::bad_alloc);
}

TEST_CASE("an inserted row that can not be read back is an unknown outcome, and a wrong number of rows a failure") {
    Store store;
    auto functions = store.functions();
    functions.insert = [](const Setting&) { return std::string("elsewhere"); };
    functions.load_many = [](std::span<const std::string>) { return std::vector<std::optional<Setting>>(1); };
    Settings settings(functions);
    check_fails(settings.insert({"name", "", "", ""}), errc::outcome_unknown, "settings");
    check_fails(settings.load_many(std::vector<std::string>{"a", "b"}, ReadMode::plain), errc::database_failure, "1 rows for 2 keys");
    store.rows["elsewhere"] = {"elsewhere", "", "", "found"};
    CHECK(settings.insert({"name", "", "", ""})->value == "found");
}

TEST_CASE("functions are given the read mode and the write's condition if they take them") {
    Store store;
    auto functions = store.functions();
    std::vector<ReadMode> modes;
    std::vector<WriteCondition> conditions;
    functions.load = [&](const std::string&, ReadMode mode) {
        modes.push_back(mode);
        return std::optional<Setting>();
    };
    functions.update = [&](const Setting&, const WriteCondition& condition) { conditions.push_back(condition); };
    Settings settings(functions);
    CHECK(succeeds(settings.load("x", ReadMode::settled)));
    CHECK(modes == std::vector{ReadMode::settled});
    const DatabaseTime moment{std::chrono::seconds(5)};
    CHECK(succeeds(settings.update({}, 0, {moment})));
    REQUIRE(conditions.size() == 1);
    CHECK(conditions.front().not_after == moment);
}

TEST_CASE("conditional functions answer whether they wrote, or the version; the row tells why they did not") {
    std::map<std::string, Coupon> rows;
    const auto load = [&](const std::string& name) -> std::optional<Coupon> {
        const auto found = rows.find(name);
        return found == rows.end() ? std::nullopt : std::optional(found->second);
    };
    Coupons coupons({
        .load = load,
        .insert = [&](Coupon row) {
            row.version = 1;
            return rows[row.name] = row;
        },
        .update = [&](const Coupon& row, Version expected) {
            const auto found = rows.find(row.name);
            if (found == rows.end() || found->second.version != expected) return false;
            found->second = row;
            ++found->second.version;
            return true;
        },
        .erase = [&](const std::string& name, Version expected) -> std::optional<Version> {
            const auto found = rows.find(name);
            if (found == rows.end() || found->second.version != expected) return std::nullopt;
            rows.erase(found);
            return expected + 5;
        },
    });
    CHECK(coupons.insert({"a", 1, 0})->version == 1);
    CHECK(*coupons.update({"a", 2, 1}, 1, {}) == 2);
    check_fails(coupons.update({"a", 2, 1}, 1, {}), errc::version_conflict, "coupons");
    check_fails(coupons.update({"b", 2, 1}, 1, {}), errc::no_such_row, "coupons");
    check_fails(coupons.erase("a", 1, {}), errc::version_conflict, "coupons");
    CHECK(*coupons.erase("a", 2, {}) == 7);
    check_fails(coupons.erase("a", 2, {}), errc::no_such_row, "coupons");
}

TEST_CASE("the asynchronous form runs on the executor that the functions come with") {
    boost::asio::thread_pool pool(1);
    Store store;
    auto functions = store.functions();
    functions.executor = pool.get_executor();
    CHECK(Settings(functions).executor() == boost::asio::any_io_executor(pool.get_executor()));
}
