// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/testing/detail/database_rows.hpp>

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
void check_database_reading(std::vector<ConformanceCase>& cases, Factory make) {
    using World = decltype(make());

    cases.push_back({"an absent row is a value, not a failure", [make] {
        auto world = make();
        auto holders = world.template database<Holder>();
        for (const auto mode : {ReadMode::plain, ReadMode::settled}) {
            const auto absent = holders.load(17, mode);
            succeeds(absent, "a look-up of a row that does not exist should succeed");
            expect(!*absent, "it should find nothing");
        }
        const auto many = holders.load_many(std::vector<std::int64_t>{17, 18}, ReadMode::plain);
        succeeds(many, "a look-up of many rows that do not exist should succeed");
        expect(many->size() == 2 && !(*many)[0] && !(*many)[1], "it should answer nothing for each key");
    }});

    cases.push_back({"values of every kind come back as they were written", [make] {
        auto world = make();
        auto crates = world.template database<Crate>();
        for (const auto& row : crates_at_the_ends()) {
            const auto stored = crates.insert(row);
            succeeds(stored, "a row with values at the ends of their kinds should be inserted");
            Crate expected = row;
            expected.version = stored->version;
            expect(*stored == expected, "insert should answer the row as it was given");
            for (const auto mode : {ReadMode::plain, ReadMode::settled}) {
                const auto found = crates.load(row.id, mode);
                succeeds(found, "the row should be loaded");
                expect(*found && **found == expected, "load should answer the row as it was inserted");
            }
            const auto many = crates.load_many(std::vector<Uuid>{row.id}, ReadMode::plain);
            succeeds(many, "the row should be loaded among many");
            expect(many->size() == 1 && many->front() == expected, "load_many should answer the row as it was inserted");
        }
    }});

    cases.push_back({"a key of several members finds its row only as a whole", [make] {
        auto world = make();
        auto readings = world.template database<Reading>();
        for (const auto& row : {reading_row("a", 1, 2), reading_row("a", 2, 1), reading_row("b", 1, 2)})
            succeeds(readings.insert(row), "rows whose keys differ in one member should be inserted");
        const auto found = readings.load({"b", 1, 2}, ReadMode::plain);
        succeeds(found, "a row should be loaded");
        expect(*found && (*found)->tenant == "b", "it should be the one whose whole key was asked for");
        const auto absent = readings.load({"b", 2, 1}, ReadMode::plain);
        succeeds(absent, "a look-up of an absent row should succeed");
        expect(!*absent, "another tenant's row should not be found");
    }});

    if constexpr (loads_by<database_of_t<World, Pass>, Pass, space_of_v<Pass, &Pass::code>>)
        cases.push_back({"rows are found by each alternate key", [make] {
            constexpr auto by_code = space_of_v<Pass, &Pass::code>;
            constexpr auto by_badge = space_of_v<Pass, &Pass::badge>;
            auto world = make();
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
                expect(*coded && (*coded)->code == secret("code", 1) && (*coded)->holder == *holder, "it should be the one with that code, its embedded row with it");
                const auto badged = passes.template load_by<by_badge>(secret("badge", 2), mode);
                succeeds(badged, "a row should be found by its badge");
                expect(*badged && (*badged)->code == secret("code", 2), "it should be the one with that badge");
                const auto absent = passes.template load_by<by_badge>(secret("badge", 1), mode);
                succeeds(absent, "a look-up by an absent key should succeed");
                expect(!*absent, "a null key should not be found");
            }
        }});

    if constexpr (loads_by<database_of_t<World, Reading>, Reading, space_of_v<Reading, &Reading::label>>)
        cases.push_back({"an alternate key belongs to its scope", [make] {
            constexpr auto by_label = space_of_v<Reading, &Reading::label>;
            auto world = make();
            auto readings = world.template database<Reading>();
            for (const auto* tenant : {"a", "b"})
                succeeds(readings.insert(reading_row(tenant, 1, 1)), "the same key should be free in another scope");
            const auto found = readings.template load_by<by_label>({"b", reading_row("b", 1, 1).label}, ReadMode::plain);
            succeeds(found, "a row should be found");
            expect(*found && (*found)->tenant == "b", "it should be the one of the scope that was asked for");
            const auto absent = readings.template load_by<by_label>({"c", reading_row("b", 1, 1).label}, ReadMode::plain);
            succeeds(absent, "a look-up in another scope should succeed");
            expect(!*absent, "it should find nothing");
        }});

    cases.push_back({"many rows come in the order of their keys, however many", [make] {
        auto world = make();
        auto settings = world.template database<Setting>();
        constexpr int rows = 40;
        for (int i = 0; i < rows; ++i)
            succeeds(settings.insert(setting_row(i)), "a row should be inserted");
        for (const std::size_t size : {0U, 1U, 2U, 3U, 5U, 100U, 3000U}) {
            std::vector<std::string> keys;
            for (std::size_t i = 0; i < size; ++i) keys.push_back(secret("name", static_cast<int>(i * 7 % (rows * 2))));
            const auto found = settings.load_many(keys, ReadMode::plain);
            succeeds(found, "many rows should be loaded");
            expect(found->size() == size, "there should be an answer for each key");
            bool sound = true;
            for (std::size_t i = 0; i < size; ++i) {
                const int number = static_cast<int>(i * 7 % (rows * 2));
                sound = sound && (number < rows ? (*found)[i] == setting_row(number) : !(*found)[i]);
            }
            expect(sound, "each answer should be the row of its key or nothing, repeated keys included");
        }
        auto readings = world.template database<Reading>();
        for (int i = 0; i < 5; ++i)
            succeeds(readings.insert(reading_row("a", i, i * i)), "a row should be inserted");
        const std::vector<primary_key_t<Reading>> keys{{"a", 3, 9}, {"a", 3, 1}, {"a", 1, 1}, {"b", 1, 1}, {"a", 3, 9}};
        const auto found = readings.load_many(keys, ReadMode::settled);
        succeeds(found, "many rows should be loaded by keys of several members");
        expect(found->size() == 5 && (*found)[0] && (*found)[0]->number == 9 && !(*found)[1] && (*found)[2] && (*found)[2]->number == 1 && !(*found)[3] && (*found)[4],
                         "they should come in the order of the keys");
    }});

    if constexpr (probes_versions<database_of_t<World, Coupon>, Coupon>)
        cases.push_back({"a version is read alone", [make] {
            auto world = make();
            auto coupons = world.template database<Coupon>();
            const auto stored = coupons.insert({secret("name", 1), 10, 0});
            succeeds(stored, "a row should be inserted");
            const auto version = coupons.load_version(stored->name);
            succeeds(version, "its version should be read");
            expect(*version == stored->version, "it should be the row's");
            const auto absent = coupons.load_version(secret("name", 2));
            succeeds(absent, "the version of an absent row should be asked for without failure");
            expect(!*absent, "it should be nothing");
        }});
}

} // namespace detail
} // namespace testing
} // namespace v0
} // namespace larder
