// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/testing/detail/database_rows.hpp>
#include <larder/testing/detail/database_suite.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {
namespace detail {

/// What is read: rows by each kind of key, alone and many at once, and values of each kind.
template <class Factory>
void check_database_reading(DatabaseSuite<Factory>& suite) {

    suite.template add<Has<Holder>>("an absent row is a value, not a failure", [](auto& world) {
        auto holders = world.template database<Holder>();
        for (const auto mode : {ReadMode::plain, ReadMode::settled}) {
            const auto absent = holders.load(17, mode);
            succeeds(absent, "a look-up of a row that does not exist should succeed");
            equals(*absent, std::nullopt, "it should find nothing");
        }
        const auto many = holders.load_many(std::vector<std::int64_t>{17, 18}, ReadMode::plain);
        succeeds(many, "a look-up of many rows that do not exist should succeed");
        equals(many->size(), 2, "there should be an answer for each key");
        for (const auto& row : *many) equals(row, std::nullopt, "each answer should be nothing");
    });

    suite.template add<Has<Crate>>("values of every kind come back as they were written", [](auto& world) {
        auto crates = world.template database<Crate>();
        for (const auto& row : crates_at_the_ends()) {
            const auto stored = crates.insert(row);
            succeeds(stored, "a row with values at the ends of their kinds should be inserted");
            Crate expected = row;
            expected.version = stored->version;
            equals(*stored, expected, "insert should answer the row as it was given");
            for (const auto mode : {ReadMode::plain, ReadMode::settled}) {
                const auto found = crates.load(row.id, mode);
                succeeds(found, "the row should be loaded");
                equals(*found, expected, "load should answer the row as it was inserted");
            }
            const auto many = crates.load_many(std::vector<Uuid>{row.id}, ReadMode::plain);
            succeeds(many, "the row should be loaded among many");
            equals(many->size(), 1, "there should be one answer");
            equals(many->front(), expected, "load_many should answer the row as it was inserted");
        }
    });

    suite.template add<Has<Reading>>("a key of several members finds its row only as a whole", [](auto& world) {
        auto readings = world.template database<Reading>();
        for (const auto& row : {reading_row("a", 1, 2), reading_row("a", 2, 1), reading_row("b", 1, 2)})
            succeeds(readings.insert(row), "rows whose keys differ in one member should be inserted");
        const auto found = readings.load({"b", 1, 2}, ReadMode::plain);
        succeeds(found, "a row should be loaded");
        equals(field(*found, &Reading::tenant), "b", "it should be the one whose whole key was asked for");
        const auto absent = readings.load({"b", 2, 1}, ReadMode::plain);
        succeeds(absent, "a look-up of an absent row should succeed");
        equals(*absent, std::nullopt, "another tenant's row should not be found");
    });

    suite.template add<Has<Holder>, Has<Pass>, LoadBy<Pass, &Pass::code>, LoadBy<Pass, &Pass::badge>>("rows are found by each alternate key", [](auto& world) {
        constexpr auto by_code = space_of_v<Pass, &Pass::code>;
        constexpr auto by_badge = space_of_v<Pass, &Pass::badge>;
                    auto passes = world.template database<Pass>();
        const auto holder = world.template database<Holder>().insert(holder_row(1));
        succeeds(holder, "an embedded row should be inserted");
        for (int i = 0; i < 4; ++i) {
            auto row = pass_row(holder->id, i);
            if (i % 2 == 0) row.badge = secret("badge", i);
            succeeds(passes.insert(row), "rows should be inserted, several with a null alternate key among them");
        }
        for (const auto mode : {ReadMode::plain, ReadMode::settled}) {
            const auto coded = passes.template load_by<by_code>(secret("code", 1), mode);
            succeeds(coded, "a row should be found by its code");
            equals(field(*coded, &Pass::code), secret("code", 1), "it should be the one with that code");
            equals(field(*coded, &Pass::holder), *holder, "its embedded row should come with it");
            const auto badged = passes.template load_by<by_badge>(secret("badge", 2), mode);
            succeeds(badged, "a row should be found by its badge");
            equals(field(*badged, &Pass::code), secret("code", 2), "it should be the one with that badge");
            const auto absent = passes.template load_by<by_badge>(secret("badge", 1), mode);
            succeeds(absent, "a look-up by an absent key should succeed");
            equals(*absent, std::nullopt, "a null key should not be found");
        }
    });

    suite.template add<Has<Reading>, LoadBy<Reading, &Reading::label>>("an alternate key belongs to its scope", [](auto& world) {
        constexpr auto by_label = space_of_v<Reading, &Reading::label>;
                    auto readings = world.template database<Reading>();
        for (const auto* tenant : {"a", "b"})
            succeeds(readings.insert(reading_row(tenant, 1, 1)), "the same key should be free in another scope");
        const auto found = readings.template load_by<by_label>({"b", reading_row("b", 1, 1).label}, ReadMode::plain);
        succeeds(found, "a row should be found");
        equals(field(*found, &Reading::tenant), "b", "it should be the one of the scope that was asked for");
        const auto absent = readings.template load_by<by_label>({"c", reading_row("b", 1, 1).label}, ReadMode::plain);
        succeeds(absent, "a look-up in another scope should succeed");
        equals(*absent, std::nullopt, "it should find nothing");
    });

    suite.template add<Has<Setting>>("many rows come in the order of their keys, however many", [](auto& world) {
        auto settings = world.template database<Setting>();
        constexpr int rows = 40;
        for (int i = 0; i < rows; ++i)
            succeeds(settings.insert(setting_row(i)), "a row should be inserted");
        for (const std::size_t size : {0U, 1U, 2U, 3U, 5U, 100U, 3000U}) {
            std::vector<std::string> keys;
            for (std::size_t i = 0; i < size; ++i) keys.push_back(secret("name", static_cast<int>(i * 7 % (rows * 2))));
            const auto found = settings.load_many(keys, ReadMode::plain);
            succeeds(found, "many rows should be loaded");
            equals(found->size(), size, "there should be an answer for each key");
            for (std::size_t i = 0; i < size; ++i) {
                const int number = static_cast<int>(i * 7 % (rows * 2));
                const auto there = number < rows ? std::optional(setting_row(number)) : std::nullopt;
                equals((*found)[i], there, fmt::format("answer {} of {} should be the row of its key or nothing, repeated keys included", i, size));
            }
        }
    });

    suite.template add<Has<Reading>>("many rows are found by keys of several members", [](auto& world) {
        auto readings = world.template database<Reading>();
        for (int i = 0; i < 5; ++i)
            succeeds(readings.insert(reading_row("a", i, i * i)), "a row should be inserted");
        const std::vector<primary_key_t<Reading>> keys{{"a", 3, 9}, {"a", 3, 1}, {"a", 1, 1}, {"b", 1, 1}, {"a", 3, 9}};
        const auto found = readings.load_many(keys, ReadMode::settled);
        succeeds(found, "many rows should be loaded by keys of several members");
        equals(found->size(), keys.size(), "there should be an answer for each key");
        constexpr std::optional<std::int64_t> numbers[] = {9, std::nullopt, 1, std::nullopt, 9};
        for (std::size_t i = 0; i < keys.size(); ++i)
            equals(field((*found)[i], &Reading::number), numbers[i], fmt::format("answer {} should be the row of its key or nothing", i));
    });

    suite.template add<Has<Coupon>, Probes<Coupon>>("a version is read alone", [](auto& world) {
        auto coupons = world.template database<Coupon>();
        const auto stored = coupons.insert({secret("name", 1), 10, 0});
        succeeds(stored, "a row should be inserted");
        const auto version = coupons.load_version(stored->name);
        succeeds(version, "its version should be read");
        equals(*version, stored->version, "it should be the row's");
        const auto absent = coupons.load_version(secret("name", 2));
        succeeds(absent, "the version of an absent row should be asked for without failure");
        equals(*absent, std::nullopt, "it should be nothing");
    });
}

} // namespace detail
} // namespace testing
} // namespace v0
} // namespace larder
