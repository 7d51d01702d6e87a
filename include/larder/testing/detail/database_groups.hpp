// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/testing/detail/database_rows.hpp>
#include <larder/testing/detail/database_suite.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {
namespace detail {

inline constexpr std::size_t of_holder = space_of_v<Pass, &Pass::holder_id>;
inline constexpr std::size_t of_batch = space_of_v<Reading, &Reading::batch>;

/// What groups of rows and embedded rows do.
template <class Factory>
void check_database_groups(DatabaseSuite<Factory>& suite) {
    suite.template add<Has<Reading>, Lists<Reading, &Reading::batch>>("a group lists its rows in the order of their primary keys", [](auto& world) {
        auto readings = world.template database<Reading>();
        for (const auto& row : {reading_row("a", 10, 1, "x"), reading_row("a", 9, 5, "x"), reading_row("a", 9, -5, "x"), reading_row("b", 1, 1, "x"), reading_row("a", 1, 1, "y"),
                                reading_row("a", 2, 1)})
            succeeds(readings.insert(row), "a row should be inserted");
        const auto listed = readings.template list<of_batch>({"a", "x"});
        succeeds(listed, "a group should be listed");
        equals(listed->size(), 3, "it should list each row of the group, and no row of another scope, of another group or of none");
        const std::vector<primary_key_t<Reading>> keys{{"a", 9, -5}, {"a", 9, 5}, {"a", 10, 1}};
        for (std::size_t i = 0; i < keys.size(); ++i) expect((*listed)[i].key == keys[i], fmt::format("it should list them in the order of their primary keys, but number {} is another", i));
        const auto stored = readings.load({"a", 9, 5}, ReadMode::plain);
        succeeds(stored, "a row should be loaded");
        expect(stored->has_value(), "it should be there");
        equals((*listed)[1].version, (*stored)->version, "the list should have its version");
        const auto empty = readings.template list<of_batch>({"a", "z"});
        succeeds(empty, "an empty group should be listed");
        equals(empty->size(), 0U, "it should have no rows");
    });

    suite.template add<Has<Holder>, Has<Pass>, Lists<Pass, &Pass::holder_id>>("a group lists its revoked rows, too", [](auto& world) {
        auto passes = world.template database<Pass>();
        const auto holder = world.template database<Holder>().insert(holder_row(1));
        succeeds(holder, "an embedded row should be inserted");
        for (int i = 0; i < 3; ++i) {
            auto row = pass_row(holder->id, i);
            if (i == 1) row.revoked_at = TimePoint(std::chrono::hours(1));
            succeeds(passes.insert(row), "a row should be inserted");
        }
        const auto listed = passes.template list<of_holder>(holder->id);
        succeeds(listed, "the group should be listed");
        equals(listed->size(), 3, "it should list each row of the group, the revoked one included");
    });

    suite.template add<Has<Holder>, Has<Pass>, ListsDue<Pass, &Pass::expires_at>, ListsDue<Pass, &Pass::revoked_at>, ListsDue<Pass, &Pass::last_seen>>(
        "rows whose time is due are listed, the earliest first of all", [](auto& world) {
            auto passes = world.template database<Pass>();
            const auto holder = world.template database<Holder>().insert(holder_row(1));
            succeeds(holder, "an embedded row should be inserted");
            const auto at = [](int hour) { return TimePoint(std::chrono::hours(hour)); };
            std::vector<Pass> rows;
            for (int i = 0; i < 6; ++i) {
                auto row = pass_row(holder->id, i);
                row.expires_at = at(10 - i);
                row.revoked_at.reset();
                row.last_seen.reset();
                if (i == 3 || i == 4) row.revoked_at = at(i);
                if (i < 4) row.last_seen = at(i);
                const auto stored = passes.insert(row);
                succeeds(stored, "a row should be inserted");
                rows.push_back(*stored);
            }
            const auto check = [&](const auto& listed, std::initializer_list<std::size_t> expected, const char* what) {
                succeeds(listed, what);
                equals(listed->size(), expected.size(), what);
                std::size_t i = 0;
                for (const std::size_t row : expected) {
                    equals((*listed)[i].key, rows[row].id, what);
                    equals((*listed)[i++].version, rows[row].version, what);
                }
            };
            check(passes.template list_due<&Pass::expires_at>(at(9), 10), {1, 2, 5}, "those up to the moment should be listed, in the order of their keys and without the revoked");
            check(passes.template list_due<&Pass::expires_at>(at(9), 2), {2, 5}, "the earliest should be listed if there are too many");
            check(passes.template list_due<&Pass::expires_at>(at(4), 10), {}, "before the first moment there should be none");
            check(passes.template list_due<&Pass::last_seen>(at(2), 10), {0, 1, 2}, "a null should never be due");
            check(passes.template list_due<&Pass::revoked_at>(at(3), 10), {3}, "by the column that says so the revoked should be listed");
            check(passes.template list_due<&Pass::revoked_at>(at(9), 1), {3}, "and of these the earliest");
        });

    suite.template add<Has<Holder>, Has<Pass>, RevokesAll<Pass, &Pass::holder_id>>("a group is revoked as a whole", [](auto& world) {
        auto holders = world.template database<Holder>();
        auto passes = world.template database<Pass>();
        const auto holder = holders.insert(holder_row(1));
        const auto other = holders.insert(holder_row(2));
        succeeds(holder, "an embedded row should be inserted");
        succeeds(other, "and another one");
        std::vector<Pass> rows;
        for (int i = 0; i < 4; ++i) {
            auto row = pass_row(i == 3 ? other->id : holder->id, i);
            if (i == 1) row.revoked_at = TimePoint(std::chrono::hours(1));
            const auto stored = passes.insert(row);
            succeeds(stored, "a row should be inserted");
            rows.push_back(*stored);
        }
        Pass pattern = pass_row(0, 9);
        fails(passes.template revoke_all<of_holder>(holder->id, pattern, typename schema_of<Pass>::revoked_members{}), errc::invalid_options,
                    "a revocation that revokes nothing should be refused", "passes");
        pattern.revoked_at = TimePoint(std::chrono::hours(2));
        pattern.note = "revoked";
        const auto done = passes.template revoke_all<of_holder>(holder->id, pattern, MemberList<&Pass::revoked_at, &Pass::note>{});
        succeeds(done, "a group should be revoked");
        equals(done->rows.size(), 2, "the revocation should tell the rows that it revoked, those revoked before left out");
        for (const std::size_t i : {0U, 1U}) {
            equals(done->rows[i].key, rows[2 * i].id, "with their keys in order");
            equals(done->rows[i].version, rows[2 * i].version + 1, "and their new versions");
        }
        for (const auto& row : rows) {
            const auto loaded = passes.load(row.id, ReadMode::plain);
            succeeds(loaded, "a row should be loaded");
            expect(loaded->has_value(), "it should be there");
            const bool hit = row.id == rows[0].id || row.id == rows[2].id;
            Pass expected = row;
            if (hit) {
                expected.revoked_at = pattern.revoked_at;
                expected.note = pattern.note;
                expected.version = row.version + 1;
            }
            equals(**loaded, expected, "the valid rows of the group should have the members that were listed, and the next version; all else should be as before");
        }
        const auto nothing = passes.template revoke_all<of_holder>(holder->id + 1000, pattern, typename schema_of<Pass>::revoked_members{});
        succeeds(nothing, "a group without rows should be revoked");
        equals(nothing->rows.size(), 0, "and nothing with it");
    });

    suite.template add<Has<Pass>, RevokesAll<Pass, &Pass::holder_id>, Epochs<Pass, &Pass::holder_id>>("a group's epoch moves with each operation on the group", [](auto& world) {
        auto passes = world.template database<Pass>();
        Pass pattern;
        pattern.revoked_at = TimePoint(std::chrono::hours(2));
        for (std::uint64_t round = 0; round < 3; ++round) {
            const auto epoch = passes.template load_epoch<of_holder>(1);
            succeeds(epoch, "an epoch should be read");
            equals(*epoch, round, "it should count the operations on the group, from 0");
            const auto done = passes.template revoke_all<of_holder>(1, pattern, typename schema_of<Pass>::revoked_members{});
            succeeds(done, "the group should be revoked");
            equals(done->epoch, round + 1, "the revocation should tell the new epoch");
        }
        const auto other = passes.template load_epoch<of_holder>(2);
        succeeds(other, "another group's epoch should be read");
        equals(*other, 0, "it should not have moved");
    });

    suite.template add<Has<Holder>, Has<Pass>>("an embedded row comes with its row, and is not written with it", [](auto& world) {
        auto holders = world.template database<Holder>();
        auto passes = world.template database<Pass>();
        auto holder = holders.insert(holder_row(1));
        const auto other = holders.insert(holder_row(2));
        succeeds(holder, "an embedded row should be inserted");
        succeeds(other, "and another one");
        auto given = pass_row(holder->id, 1);
        given.holder.name = "not written";
        auto stored = passes.insert(given);
        succeeds(stored, "a row should be inserted");
        equals(stored->holder, *holder, "insert should answer the embedded row as its own table has it");
        stored->holder.name = "not written either";
        const auto version = passes.update(*stored, stored->version, {});
        succeeds(version, "the row should be updated");
        auto loaded = passes.load(stored->id, ReadMode::plain);
        succeeds(loaded, "the row should be loaded");
        equals(field(*loaded, &Pass::holder), *holder, "an update should not write the embedded row");
        stored->holder_id = other->id;
        stored->version = (*loaded)->version;
        succeeds(passes.update(*stored, stored->version, {}), "the foreign key should be updated");
        loaded = passes.load(stored->id, ReadMode::plain);
        succeeds(loaded, "the row should be loaded");
        equals(field(*loaded, &Pass::holder), *other, "with the row that the foreign key names now");
        auto renamed = *other;
        renamed.motto = secret("motto", 2);
        const auto renamed_version = holders.update(renamed, other->version, {});
        succeeds(renamed_version, "the embedded row should be updated on its own");
        const auto many = passes.load_many(std::vector<std::int64_t>{stored->id}, ReadMode::plain);
        succeeds(many, "many rows should be loaded");
        equals(many->front() ? many->front()->holder.motto : std::nullopt, renamed.motto, "with their embedded rows as these are now");
    });

    suite.template add<Has<Holder>, Has<Pass>>("a row whose embedded row is missing is refused, and told", [](auto& world) {
        auto passes = world.template database<Pass>();
        const auto holder = world.template database<Holder>().insert(holder_row(1));
        succeeds(holder, "an embedded row should be inserted");
        fails(passes.insert(pass_row(holder->id + 1, 1)), errc::missing_relation, "a row whose embedded row does not exist should be refused", "passes.holder");
        auto stored = passes.insert(pass_row(holder->id, 1));
        succeeds(stored, "its keys should be free, as if it had never been");
        Pass changed = *stored;
        changed.holder_id = holder->id + 1;
        fails(passes.update(changed, stored->version, {}), errc::missing_relation, "so should an update to a foreign key that names no row", "passes.holder");
        const auto loaded = passes.load(stored->id, ReadMode::plain);
        succeeds(loaded, "the row should be loaded");
        equals(*loaded, *stored, "as it was before");
    });

    suite.template add<Has<Holder>, Has<Pass>, Has<Crate>>("an embedded row that may be missing is there or not, with its own", [](auto& world) {
        auto crates = world.template database<Crate>();
        const auto holder = world.template database<Holder>().insert(holder_row(1));
        succeeds(holder, "an embedded row should be inserted");
        const auto pass = world.template database<Pass>().insert(pass_row(holder->id, 1));
        succeeds(pass, "and one that embeds it");
        auto without = crate_row(1);
        without.pass = *pass;
        auto with = crate_row(2);
        with.pass_id = pass->id;
        const auto first = crates.insert(without);
        const auto second = crates.insert(with);
        succeeds(first, "a row without an embedded row should be inserted");
        equals(first->pass, std::nullopt, "its member should be empty");
        succeeds(second, "a row with one should be inserted");
        equals(second->pass, *pass, "its member should hold the row, and that the row which it embeds");
        const auto loaded = crates.load_many(std::vector<Uuid>{with.id, without.id}, ReadMode::plain);
        succeeds(loaded, "both should be loaded");
        equals((*loaded)[0], *second, "the one with its embedded row");
        equals((*loaded)[1], *first, "the other without");
    });

    suite.template add<Has<Holder>, Has<Pass>, Parents<Pass, &Pass::holder>>("the rows that embed a row are listed", [](auto& world) {
        auto holders = world.template database<Holder>();
        auto passes = world.template database<Pass>();
        const auto holder = holders.insert(holder_row(1));
        const auto other = holders.insert(holder_row(2));
        succeeds(holder, "an embedded row should be inserted");
        succeeds(other, "and another one");
        std::vector<Pass> rows;
        for (int i = 0; i < 3; ++i) {
            auto row = pass_row(i == 1 ? other->id : holder->id, i);
            if (i == 2) row.revoked_at = TimePoint(std::chrono::hours(1));
            const auto stored = passes.insert(row);
            succeeds(stored, "a row should be inserted");
            rows.push_back(*stored);
        }
        const auto parents = passes.template parents_of<&Pass::holder>(holder->id);
        succeeds(parents, "its parents should be listed");
        equals(parents->size(), 2, "all of them, revoked ones included");
        for (const std::size_t i : {0U, 1U}) {
            equals((*parents)[i].key, rows[2 * i].id, "with their keys in order");
            equals((*parents)[i].version, rows[2 * i].version, "and their versions");
        }
        const auto none = passes.template parents_of<&Pass::holder>(holder->id + 1000);
        succeeds(none, "the parents of an absent row should be listed");
        equals(none->size(), 0U, "as none");
    });
}

} // namespace detail
} // namespace testing
} // namespace v0
} // namespace larder
