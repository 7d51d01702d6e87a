// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/testing/detail/database_rows.hpp>
#include <larder/testing/detail/database_suite.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <type_traits>

namespace larder {
inline namespace v0 {
namespace testing {
namespace detail {

/// What one row's insertion, change and removal do, and what refuses them.
template <class Factory>
void check_database_writing(DatabaseSuite<Factory>& suite) {
    suite.template add<Has<Holder>>("an insert answers the row as it is stored", [](auto& world) {
        auto holders = world.template database<Holder>();
        const auto first = holders.insert(holder_row(1));
        const auto second = holders.insert(holder_row(2));
        succeeds(first, "a row with a generated key should be inserted");
        succeeds(second, "and a second one");
        expect(first->id != 0 && second->id != 0 && first->id != second->id, fmt::format("each should have a key of its own, but these are {} and {}", first->id, second->id));
        equals(first->name, holder_row(1).name, "the other fields should be as given");
        const auto loaded = holders.load(second->id, ReadMode::plain);
        succeeds(loaded, "the row should be loaded");
        equals(*loaded, *second, "load should answer what insert answered");
        Holder given = holder_row(3);
        given.id = 1'000;
        const auto third = holders.insert(given);
        succeeds(third, "a row with a key of the caller's own should be inserted");
        equals(third->id, given.id, "its key should be as given");
    });

    suite.template add<Has<Holder>>("a generated key is never given twice", [](auto& world) {
        auto holders = world.template database<Holder>();
        const auto first = holders.insert(holder_row(1));
        succeeds(first, "a row should be inserted");
        succeeds(holders.erase(first->id, first->version, {}), "and erased");
        const auto second = holders.insert(holder_row(2));
        succeeds(second, "another row should be inserted");
        expect(second->id != first->id, fmt::format("it should not have the key of the erased one, but it is {} again", first->id));
    });

    suite.template add<Has<Reading>>("a duplicate key is refused and named", [](auto& world) {
        auto readings = world.template database<Reading>();
        const auto kept = readings.insert(reading_row("a", 1, 1));
        succeeds(kept, "a row should be inserted");
        auto same_primary = reading_row("a", 2, 2);
        same_primary.station = 1;
        same_primary.number = 1;
        fails(readings.insert(same_primary), errc::duplicate_key, "a second row of the same primary key should be refused", "readings.station");
        auto same_label = reading_row("a", 2, 2);
        same_label.label = kept->label;
        fails(readings.insert(same_label), errc::duplicate_key, "a second row of the same alternate key should be refused", "readings.label");
        const auto absent = readings.load({"a", 2, 2}, ReadMode::plain);
        succeeds(absent, "a look-up should succeed");
        equals(*absent, std::nullopt, "a refused row should leave nothing behind");
        const auto other = readings.insert(reading_row("a", 2, 2));
        succeeds(other, "the row should be inserted under a label of its own");
        same_label.version = other->version;
        fails(readings.update(same_label, other->version, {}), errc::duplicate_key, "an update to another row's alternate key should be refused", "readings.label");
        const auto unchanged = readings.load({"a", 2, 2}, ReadMode::plain);
        succeeds(unchanged, "the row should be loaded");
        equals(*unchanged, *other, "a refused update should change nothing");
    });

    suite.template add<Has<Reading>>("an update writes every column but the primary key", [](auto& world) {
        auto readings = world.template database<Reading>();
        const auto stored = readings.insert(reading_row("a", 1, 1));
        succeeds(stored, "a row should be inserted");
        succeeds(readings.insert(reading_row("a", 1, 2)), "and another one");
        Reading changed = *stored;
        changed.label = secret("label", 99);
        changed.batch = "batch";
        changed.value = 2.5;
        const auto version = readings.update(changed, stored->version, {});
        succeeds(version, "the row should be updated");
        const auto loaded = readings.load({"a", 1, 1}, ReadMode::plain);
        succeeds(loaded, "the row should be loaded");
        expect(loaded->has_value(), "it should be there");
        changed.version = (*loaded)->version;
        equals(**loaded, changed, "every field should be as it was written");
        const auto other = readings.load({"a", 1, 2}, ReadMode::plain);
        succeeds(other, "the other row should be loaded");
        equals(field(*other, &Reading::label), reading_row("a", 1, 2).label, "no other row should change");
    });

    suite.template add<Has<Holder>, Versions<Holder>>("a row begins at version 1", [](auto& world) {
        const auto stored = world.template database<Holder>().insert(holder_row(1));
        succeeds(stored, "a row should be inserted");
        equals(stored->version, 1, "its version should be the first");
    });

    suite.template add<Has<Reading>, Versions<Reading>>("a version moves by one with each write", [](auto& world) {
        auto readings = world.template database<Reading>();
        const auto stored = readings.insert(reading_row("a", 1, 1));
        succeeds(stored, "a row should be inserted");
        const auto version = readings.update(*stored, stored->version, {});
        succeeds(version, "the row should be updated");
        equals(*version, stored->version + 1, "update should answer the next version");
        const auto loaded = readings.load({"a", 1, 1}, ReadMode::plain);
        succeeds(loaded, "the row should be loaded");
        equals(field(*loaded, &Reading::version), *version, "the stored version should be the one that update answered");
        const auto tombstone = readings.erase({"a", 1, 1}, *version, {});
        succeeds(tombstone, "the row should be erased");
        equals(*tombstone, *version + 1, "the tombstone should be one version above the row");
    });

    suite.template add<Has<Reading>, LoadBy<Reading, &Reading::label>>("an alternate key moves with an update", [](auto& world) {
        constexpr auto by_label = space_of_v<Reading, &Reading::label>;
        auto readings = world.template database<Reading>();
        const auto stored = readings.insert(reading_row("a", 1, 1));
        succeeds(stored, "a row should be inserted");
        Reading changed = *stored;
        changed.label = secret("label", 99);
        succeeds(readings.update(changed, stored->version, {}), "its alternate key should be updated");
        const auto before = readings.template load_by<by_label>({"a", stored->label}, ReadMode::plain);
        const auto after = readings.template load_by<by_label>({"a", changed.label}, ReadMode::plain);
        succeeds(before, "a look-up by the old key should succeed");
        equals(*before, std::nullopt, "the old alternate key should lead nowhere");
        succeeds(after, "a look-up by the new key should succeed");
        equals(field(*after, &Reading::label), changed.label, "the new alternate key should lead to the row");
    });

    suite.template add<Has<Setting>>("a row without a version that does not exist can be neither changed nor removed", [](auto& world) {
        auto settings = world.template database<Setting>();
        fails(settings.update(setting_row(1), 0, {}), errc::no_such_row, "an update of an absent row should be refused", "settings");
        fails(settings.erase(setting_row(1).name, 0, {}), errc::no_such_row, "the removal of an absent row should be refused", "settings");
    });

    suite.template add_for_versioned<Has>("a row that does not exist can be neither changed nor removed", []<class Entity>(auto& world, std::type_identity<Entity>) {
        constexpr auto table = schema_of<Entity>::table;
        auto rows = world.template database<Entity>();
        Entity absent = versioned_row<Entity>(world, 1);
        set_generated_key(absent, 1'000);
        schema_of<Entity>::set_version(absent, 1);
        fails(rows.update(absent, 1, {}), errc::no_such_row, "an update of an absent row should be refused", table);
        fails(rows.erase(primary_key_of(absent), 1, {}), errc::no_such_row, "the removal of an absent row should be refused", table);
    });

    suite.template add<Has<Setting>>("an entity without a version is written unconditionally", [](auto& world) {
        auto settings = world.template database<Setting>();
        succeeds(settings.insert(setting_row(1)), "a row should be inserted");
        auto changed = setting_row(1);
        changed.value = "other";
        const auto version = settings.update(changed, 5, {});
        succeeds(version, "whatever version is expected, it should be updated");
        equals(*version, 0, "the answer should be version 0");
        const auto loaded = settings.load(changed.name, ReadMode::plain);
        succeeds(loaded, "it should be loaded");
        equals(*loaded, changed, "as it was written");
        const auto tombstone = settings.erase(changed.name, 7, {});
        succeeds(tombstone, "and erased");
        equals(*tombstone, 0, "the answer should be version 0");
        succeeds(settings.insert(setting_row(1)), "its key should be free again");
    });

    suite.template add<Has<Reading>>("a removed row is gone and its keys are free", [](auto& world) {
        auto readings = world.template database<Reading>();
        const auto stored = readings.insert(reading_row("a", 1, 1));
        succeeds(stored, "a row should be inserted");
        const auto tombstone = readings.erase({"a", 1, 1}, stored->version, {});
        succeeds(tombstone, "it should be erased");
        const auto absent = readings.load({"a", 1, 1}, ReadMode::plain);
        succeeds(absent, "a look-up should succeed");
        equals(*absent, std::nullopt, "the row should be gone");
        auto other = reading_row("a", 2, 2);
        other.label = stored->label;
        succeeds(readings.insert(other), "its alternate key should be free");
    });

    suite.template add_for_versioned<Versions>("a write on another version is refused and changes nothing", []<class Entity>(auto& world, std::type_identity<Entity>) {
        constexpr auto table = schema_of<Entity>::table;
        auto rows = world.template database<Entity>();
        const auto stored = rows.insert(versioned_row<Entity>(world, 1));
        succeeds(stored, "a row should be inserted");
        const auto key = primary_key_of(*stored);
        const Version first = schema_of<Entity>::version_of(*stored);
        fails(rows.update(marked(*stored, 20), first + 1, {}), errc::version_conflict, "an update on a version to come should be refused", table);
        Entity changed = marked(*stored, 20);
        const auto version = rows.update(changed, first, {});
        succeeds(version, "an update on the row's version should succeed");
        fails(rows.update(marked(*stored, 30), first, {}), errc::version_conflict, "an update on a version gone by should be refused", table);
        fails(rows.erase(key, first, {}), errc::version_conflict, "so should a removal", table);
        const auto loaded = rows.load(key, ReadMode::plain);
        succeeds(loaded, "the row should be loaded");
        schema_of<Entity>::set_version(changed, *version);
        equals(*loaded, changed, "it should be as the one accepted update left it");
    });

    suite.template add<Has<Coupon>, Versions<Coupon>>("a reusable key goes on above the version of its grave", [](auto& world) {
        auto coupons = world.template database<Coupon>();
        Version last = 0;
        for (int round = 0; round < 3; ++round) {
            const auto stored = coupons.insert({secret("name", 1), round, 0});
            succeeds(stored, "the row should be inserted");
            equals(stored->version, last + 1, "its version should follow the last one that the key had");
            const auto version = coupons.update(*stored, stored->version, {});
            succeeds(version, "it should be updated");
            const auto tombstone = coupons.erase(stored->name, *version, {});
            succeeds(tombstone, "and erased");
            last = *tombstone;
        }
    });

    suite.template add<Has<Holder>, Has<Pass>, Versions<Pass>>("a revoked row can not be written any more, but removed", [](auto& world) {
        auto passes = world.template database<Pass>();
        const auto holder = world.template database<Holder>().insert(holder_row(1));
        succeeds(holder, "an embedded row should be inserted");
        const auto stored = passes.insert(pass_row(holder->id, 1));
        succeeds(stored, "a row should be inserted");
        Pass revoked = *stored;
        revoked.revoked_at = TimePoint(std::chrono::hours(1));
        const auto version = passes.update(revoked, stored->version, {});
        succeeds(version, "a row should be revoked by an update");
        Pass back = revoked;
        back.revoked_at.reset();
        fails(passes.update(back, *version, {}), errc::revoked, "an update of the revoked row should be refused, on its own version too", "passes");
        fails(passes.update(back, stored->version, {}), errc::revoked, "and on an older one", "passes");
        const auto loaded = passes.load(stored->id, ReadMode::plain);
        succeeds(loaded, "the revoked row should be loaded");
        revoked.version = *version;
        equals(*loaded, revoked, "as the revocation left it");
        succeeds(passes.erase(stored->id, *version, {}), "it should be erased");
    });

    suite.template add<Has<Holder>, Has<Pass>, Touches<Pass>>("a touch moves its column forward alone, and no version", [](auto& world) {
        auto passes = world.template database<Pass>();
        const auto holder = world.template database<Holder>().insert(holder_row(1));
        succeeds(holder, "an embedded row should be inserted");
        const auto stored = passes.insert(pass_row(holder->id, 1));
        succeeds(stored, "a row should be inserted");
        const auto at = [](int ms) { return WallTime(std::chrono::milliseconds(ms)); };
        const auto moves = [&](WallTime moment, bool expected, std::string_view what) {
            const auto moved = passes.touch(stored->id, moment);
            succeeds(moved, "a touch should succeed");
            equals(*moved, expected, what);
        };
        moves(at(100), true, "the first touch should move the column");
        moves(at(100), false, "a touch at the same moment should not");
        moves(at(50), false, "a touch back in time should not");
        moves(at(200) + std::chrono::microseconds(999), true, "a later touch should");
        Pass expected = *stored;
        expected.last_seen = TimePoint(std::chrono::milliseconds(200));
        auto loaded = passes.load(stored->id, ReadMode::plain);
        succeeds(loaded, "the row should be loaded");
        equals(*loaded, expected, "nothing but the touch column should have changed, and that to the newest moment");
        Pass stale = *stored;
        stale.note = "changed";
        const auto version = passes.update(stale, stored->version, {});
        succeeds(version, "a row read before the touch should be updated");
        loaded = passes.load(stored->id, ReadMode::plain);
        succeeds(loaded, "the row should be loaded");
        equals(field(*loaded, &Pass::note), stale.note, "the update should write the other columns");
        equals(field(*loaded, &Pass::last_seen), expected.last_seen, "an update should not move the touch column back");
        stale.last_seen = TimePoint(std::chrono::milliseconds(150));
        const auto again = passes.update(stale, *version, {});
        succeeds(again, "a row with an older touch should be updated");
        loaded = passes.load(stored->id, ReadMode::plain);
        succeeds(loaded, "the row should be loaded");
        equals(field(*loaded, &Pass::last_seen), expected.last_seen, "nor should this one");
        stale.last_seen = TimePoint(std::chrono::milliseconds(300));
        stale.revoked_at = TimePoint(std::chrono::hours(1));
        succeeds(passes.update(stale, *again, {}), "a row with a newer touch should be updated");
        loaded = passes.load(stored->id, ReadMode::plain);
        succeeds(loaded, "the row should be loaded");
        equals(field(*loaded, &Pass::last_seen), stale.last_seen, "which should move it forward");
        moves(at(400), false, "a revoked row should not be touched");
        const auto absent = passes.touch(stored->id + 1, at(400));
        succeeds(absent, "a touch of an absent row should succeed");
        equals(*absent, false, "and move nothing");
    });

    suite.template add_for_versioned<Clock>("a write after its deadline is refused and changes nothing", []<class Entity>(auto& world, std::type_identity<Entity>) {
        constexpr auto table = schema_of<Entity>::table;
        auto rows = world.template database<Entity>();
        const auto stored = rows.insert(versioned_row<Entity>(world, 1));
        const auto now = rows.clock();
        succeeds(stored, "a row should be inserted");
        succeeds(now, "the database should tell its time");
        const auto key = primary_key_of(*stored);
        const Version first = schema_of<Entity>::version_of(*stored);
        const WriteCondition past{*now - std::chrono::seconds(1)};
        const WriteCondition future{*now + std::chrono::hours(1)};
        const Entity changed = marked(*stored, 20);
        fails(rows.update(changed, first, past), errc::deadline_passed, "an update after its deadline should be refused", table);
        fails(rows.erase(key, first, past), errc::deadline_passed, "so should a removal", table);
        const auto loaded = rows.load(key, ReadMode::plain);
        succeeds(loaded, "the row should be loaded");
        equals(*loaded, *stored, "it should not have changed");
        if constexpr (Versions<Entity>::template there<std::remove_cvref_t<decltype(world)>>())
            fails(rows.update(changed, first + 1, past), errc::version_conflict, "a version conflict should be told before a passed deadline");
        const auto version = rows.update(changed, first, future);
        succeeds(version, "an update before its deadline should succeed");
        succeeds(rows.erase(key, *version, future), "so should a removal");
    });
}

} // namespace detail
} // namespace testing
} // namespace v0
} // namespace larder
