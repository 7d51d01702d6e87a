// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/testing/detail/policy_world.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {
namespace policy_suite {

/// A way to invalidate a row, and what is true of it afterwards.
template <class World>
struct Write {
    std::string_view name;
    std::function<void(World&, Pass&)> act; ///< Makes the row what it is after the write.
    Absence absence = Absence::none;
};

template <class World>
std::vector<Write<World>> writes_of_one_row() {
    return {
        {"an update", [](World& world, Pass& row) { row.version = world.passes->update(row.id, [](Pass& pass) { pass.note = "newer"; }).or_throw().version(), row.note = "newer"; }},
        {"a rotation", [](World& world, Pass& row) { row.version = world.passes->update(row.id, [](Pass& pass) { pass.code = "newer code"; }).or_throw().version(), row.code = "newer code"; }},
        {"a revocation", [](World& world, Pass& row) { world.passes->revoke(row.id).or_throw(); }, Absence::revoked},
        {"a revocation of the group", [](World& world, Pass&) { expect(!world.passes->template revoke_all_by<&Pass::holder_id>(world.holder()).failed(), "the group is revoked"); }, Absence::revoked},
        {"an erasure", [](World& world, Pass& row) { world.passes->erase(row.id).or_throw(); }, Absence::never_was},
        {"a change behind the repository and an expulsion", [](World& world, Pass& row) {
             row.note = "behind";
             row.version = MemoryDatabase<Pass>(world.tables).update(row, row.version, {}).value();
             expect(!world.passes->expel(row.id).failed(), "the row is expelled");
         }},
    };
}

/// A way to load a row.
template <class World>
struct LoadOf {
    std::string_view name;
    QueryKind kind;
    std::function<Found<Pass>(World&, const Pass&)> act;
};

template <class World>
std::vector<LoadOf<World>> loads_of_one_row() {
    return {
        {"find", QueryKind::load, [](World& world, const Pass& row) { return world.passes->find(row.id); }},
        {"find_by", QueryKind::load_by, [](World& world, const Pass& row) { return world.passes->template find_by<&Pass::code>(row.code); }},
        {"find_many", QueryKind::load_many, [](World& world, const Pass& row) {
             const std::vector<std::int64_t> keys{row.id};
             return world.passes->find_many(keys)[0];
         }},
        {"refresh", QueryKind::load, [](World& world, const Pass& row) { return world.passes->refresh(row.id); }},
        {"warm", QueryKind::load_many, [](World& world, const Pass& row) {
             const std::vector<std::int64_t> keys{row.id};
             expect(!world.passes->warm(keys).failed(), "the row is warmed");
             return Found<Pass>();
         }},
    };
}

/// What is read when a write comes in the middle of something else.
template <class Factory>
void add_race_rules(std::vector<ConformanceCase>& cases, const Factory& factory) {
    using World = policy_suite::World<Factory>;
    using Policy = typename World::Policy;

    const auto check = [](World& world, const Pass& row, const Pass& before, Absence absence, std::string_view when) {
        if (absence == Absence::none)
            world.expect_found(row, when);
        else
            world.expect_absent(row, absence, when);
        if (before.code != row.code) expect(!world.passes->template find_by<&Pass::code>(before.code), "the old key does not resolve");
        world.expect_free(before, when);
        world.expect_free(row, when);
    };

    for (const auto& load : loads_of_one_row<World>())
        for (const auto& write : writes_of_one_row<World>())
            for (const bool cached : {false, true}) {
                const std::string rule = std::string(write.name) + " that comes while a row " + (cached ? "that was cached is" : "is") + " loaded by " + std::string(load.name) +
                                         " leaves nothing older behind";
                cases.push_back({rule, [factory, load, write, cached, check] {
                                     World world(factory);
                                     Pass row = world.insert(1);
                                     if (!cached) {
                                         world.passes->expel(row.id);
                                         world.passes->template expel_by<&Pass::code>(row.code);
                                     }
                                     const Pass before = row;
                                     bool raced = false;
                                     world.database->once(load.kind, Stage::after, [&] {
                                         raced = true;
                                         write.act(world, row);
                                     });
                                     load.act(world, before);
                                     if (!raced) {
                                         // The row was answered from the cache: then the write comes after it.
                                         expect(cached && Policy::caches_rows, "a row that is not cached is loaded");
                                         world.database->forget();
                                         write.act(world, row);
                                     }
                                     check(world, row, before, write.absence, "after the race");
                                 }});
            }

    for (const bool by_alias : {false, true})
        for (const auto& write : writes_of_one_row<World>()) {
            const std::string rule = "who begins to read by " + std::string(by_alias ? "an alternate key" : "the primary key") + " after " + std::string(write.name) +
                                     " does not share a load that began before it";
            cases.push_back({rule, [factory, write, by_alias] {
                                 World world(factory);
                                 Pass row = world.insert(1);
                                 world.passes->expel(row.id);
                                 world.passes->template expel_by<&Pass::code>(row.code);
                                 const Pass before = row;
                                 std::optional<Found<Pass>> late;
                                 world.database->once(by_alias ? QueryKind::load_by : QueryKind::load, Stage::after, [&] {
                                     write.act(world, row);
                                     const auto keep = [&](const Error&, Found<Pass> found) { late = std::move(found); };
                                     if (by_alias)
                                         world.passes->template async_find_by<&Pass::code>(before.code, Read{}, keep);
                                     else
                                         world.passes->async_find(before.id, Read{}, keep);
                                 });
                                 if (by_alias)
                                     world.passes->template find_by<&Pass::code>(before.code);
                                 else
                                     world.passes->find(before.id);
                                 world.settle();
                                 expect(late.has_value(), "the late reader is answered");
                                 if (write.absence != Absence::none || (by_alias && before.code != row.code))
                                     expect(!*late, "it is not served what is no more");
                                 else
                                     expect(late->version() == row.version && (*late)->note == row.note, "it is answered with the row as it was written");
                                 world.expect_free(row, "after the late reader");
                             }});
        }

    cases.push_back({"a read while a write is under way sees one side of it, and caches nothing older", [factory] {
                         for (const auto stage : {Stage::before, Stage::after}) {
                             World world(factory);
                             Pass row = world.insert(1);
                             world.expect_found(row, "before the write");
                             const Version old = row.version;
                             world.database->once(QueryKind::update, stage, [&] {
                                 for (int round = 0; round < 2; ++round)
                                     for (const auto& way : World::ways(row)) {
                                         const auto found = way.read(*world.passes);
                                         expect(static_cast<bool>(found), "the row is found while it is written");
                                         expect(found.version() == old || (stage == Stage::after && found.version() == old + 1), "the answer is one side of the write");
                                         if (stage == Stage::after && World::guarantee.current_reads) expect(found.version() == old + 1, "where every read is current a commit is seen at once");
                                     }
                             });
                             row.version = world.passes->update(row.id, [](Pass& pass) { pass.note = "newer"; }).or_throw().version();
                             row.note = "newer";
                             world.expect_found(row, "after a write during which it was read");
                             world.expect_free(row, "after a write during which it was read");
                         }
                     }});

    if constexpr (Policy::fenced)
        cases.push_back({"while a fenced write is under way the tiers answer nothing and take nothing, under any key of the row", [factory] {
                             World world(factory);
                             const Pass row = world.insert(1);
                             world.expect_found(row, "before the write");
                             world.database->once(QueryKind::update, Stage::before, [&] {
                                 auto& tier = world.passes->core()->authority;
                                 const auto answer = [&]<std::size_t Space>(const space_key_t<Pass, Space>& key) { return tier.template lookup<Space>(key, Demand{}).answer; };
                                 expect(answer.template operator()<0>(row.id) == Answer::bypass, "the primary key is fenced");
                                 expect(answer.template operator()<space_of_v<Pass, &Pass::code>>(row.code) == Answer::bypass, "an alternate key is fenced");
                                 expect(answer.template operator()<space_of_v<Pass, &Pass::code>>("new code") == Answer::bypass, "an alternate key that the row will have is fenced");
                                 expect(answer.template operator()<space_of_v<Pass, &Pass::badge>>(*row.badge) == Answer::bypass, "an alternate key that does not change is fenced");
                             });
                             world.passes->update(row.id, [](Pass& pass) { pass.code = "new code"; }).or_throw();
                         }});

    cases.push_back({"a row that is inserted while its absence is looked up is found afterwards", [factory] {
                         const std::vector<std::pair<QueryKind, std::function<void(World&)>>> reads{
                             {QueryKind::load, [](World& world) { world.passes->find(1); }},
                             {QueryKind::load_by, [](World& world) { world.passes->template find_by<&Pass::code>("code 1"); }},
                             {QueryKind::load_many, [](World& world) {
                                  const std::vector<std::int64_t> keys{1};
                                  world.passes->find_many(keys);
                              }},
                         };
                         for (const auto& [kind, read] : reads) {
                             World world(factory);
                             std::optional<Pass> row;
                             world.database->once(kind, Stage::after, [&] { row = world.insert(1); });
                             read(world);
                             expect(row.has_value(), "the row was inserted meanwhile");
                             world.expect_found(*row, "after its insert");
                             world.expect_free(*row, "after its insert");
                         }
                     }});

    cases.push_back({"a change that meets another writer is made again on what that one wrote", [factory] {
                         World world(factory);
                         Pass row = world.insert(1);
                         world.expect_found(row, "before the writes");
                         auto other = world.repository();
                         int calls = 0;
                         const auto written = world.passes->update(row.id, [&](Pass& pass) {
                             if (++calls == 1) other->update(row.id, [](Pass& theirs) { theirs.note = "theirs"; }).or_throw();
                             pass.note += " and ours";
                         });
                         expect(written && calls == 2, "the change is made twice");
                         row.note = "theirs and ours";
                         row.version = written.version();
                         world.expect_found(row, "after both writes");
                         const auto saved = world.passes->save(row);
                         expect(static_cast<bool>(saved), "a row that was just read can be saved");
                         expect(world.passes->save(row).error() == errc::version_conflict, "but not twice");
                         world.expect_free(row, "after a conflict");
                     }});

    cases.push_back({"of many who rotate a key at once exactly one wins", [factory] {
                         World world(factory);
                         const Pass row = world.insert(1);
                         world.expect_found(row, "before the rotations");
                         int won = 0;
                         constexpr int rivals = 10;
                         std::function<void(int)> rotate = [&](int rival) {
                             if (rival < rivals) world.database->once(QueryKind::update, Stage::before, [&, rival] { rotate(rival + 1); });
                             const auto written = world.passes->update(row.id, [&](Pass& pass) {
                                 if (pass.code != row.code) return false;
                                 pass.code = "rotated by " + std::to_string(rival);
                                 return true;
                             });
                             won += written && written.changed();
                         };
                         rotate(1);
                         expect(won == 1, "one rotation wins");
                         expect(!world.passes->template find_by<&Pass::code>(row.code), "the old key does not resolve");
                         world.expect_free(row, "after the rotations");
                     }});
}

} // namespace policy_suite
} // namespace testing
} // namespace v0
} // namespace larder
