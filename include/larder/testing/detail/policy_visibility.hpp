// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/testing/detail/policy_world.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {
namespace policy_suite {

/// What is read after a write, when nothing else happens meanwhile.
template <class Factory>
void add_visibility_rules(std::vector<ConformanceCase>& cases, const Factory& factory) {
    using World = policy_suite::World<Factory>;
    using Policy = typename World::Policy;
    const auto add = [&](std::string rule, auto test) {
        cases.push_back({std::move(rule), [factory, test] {
                             World world(factory);
                             test(world);
                         }});
    };

    add("an inserted row is found by every key, also by those that were asked for in vain before", [](World& world) {
        Pass row = world.row(1);
        row.id = 1;
        for (const auto& way : World::ways(row)) expect(way.read(*world.passes).absence() == Absence::never_was, "a row that never was is absent");
        const Pass inserted = world.insert(1);
        expect(inserted.id == 1, "the sample database numbers its rows from 1");
        world.expect_found(inserted, "after its insert");
        world.expect_free(inserted, "after reads");
    });

    add("a written row is read as it was written, by every key", [](World& world) {
        Pass row = world.insert(1);
        world.expect_found(row, "before the write");
        for (int i = 0; i < 3; ++i) {
            const auto written = world.passes->update(row.id, [&](Pass& pass) { pass.note = "note " + std::to_string(i); });
            expect(written && written.effective(), "a write by the sole writer is effective");
            row.note = "note " + std::to_string(i);
            row.version = written.version();
            world.expect_found(row, "after an update");
        }
        row.note = "saved";
        const auto saved = world.passes->save(row);
        row.version = saved.or_throw().version();
        world.expect_found(row, "after a save");
        world.expect_free(row, "after writes");
    });

    add("a key that a row has no more leads nowhere, and its new one to it", [](World& world) {
        Pass row = world.insert(1);
        world.expect_found(row, "before the rotation");
        const Pass before = row;
        row.code = "another code";
        row.badge.reset();
        row.version = world.passes->update(row.id, [&](Pass& pass) { pass.code = row.code, pass.badge.reset(); }).or_throw().version();
        for (int round = 0; round < 2; ++round) {
            expect(!world.passes->template find_by<&Pass::code>(before.code), "the old key does not resolve");
            expect(!world.passes->template find_by<&Pass::badge>(*before.badge), "a key that became null does not resolve");
        }
        world.expect_found(row, "after the rotation");
        Pass heir = world.row(2);
        heir.code = before.code;
        heir.badge = before.badge;
        const Pass inserted = *world.passes->insert(heir).or_throw().row();
        world.expect_found(inserted, "when it has taken over another row's old keys");
        world.expect_found(row, "when another row has taken over its old keys");
    });

    add("a revoked row is not served, and can not be changed any more", [](World& world) {
        Pass row = world.insert(1);
        world.expect_found(row, "before it is revoked");
        const auto revoked = world.passes->revoke(row.id);
        expect(revoked && revoked.effective() && revoked.changed(), "a revocation by the sole writer is effective");
        world.expect_absent(row, Absence::revoked, "after it was revoked");
        expect(world.passes->update(row.id, [](Pass& pass) { pass.revoked_at.reset(); }).error() == errc::revoked, "an update of a revoked row is refused");
        expect(world.passes->touch(row.id).error() == errc::revoked, "a touch of a revoked row is refused");
        expect(world.passes->revoke(row.id) && !world.passes->revoke(row.id).changed(), "revoking it again changes nothing");
        world.expect_absent(row, Absence::revoked, "after attempts to change it");
        world.expect_free(row, "after writes that were refused");
    });

    add("the rows of a group are revoked together", [](World& world) {
        const Pass one = world.insert(1);
        const Pass two = world.insert(2);
        world.expect_found(one, "before the group is revoked");
        world.expect_found(two, "before the group is revoked");
        const auto done = world.passes->template revoke_all_by<&Pass::holder_id>(world.holder());
        expect(done && done.effective() && done.rows() == 2, "the revocation of a group by the sole writer is effective");
        world.expect_absent(one, Absence::revoked, "after its group was revoked");
        world.expect_absent(two, Absence::revoked, "after its group was revoked");
        const Pass three = world.insert(3);
        world.expect_found(three, "as it joined the group after the revocation");
        expect(world.passes->template revoke_all_by<&Pass::holder_id>(world.holder()).rows() == 1, "only valid rows are revoked");
        world.expect_absent(three, Absence::revoked, "after its group was revoked again");
        world.expect_free(three, "after revocations of the group");
    });

    add("an erased row is gone from every key, and its keys can be used again", [](World& world) {
        const Pass row = world.insert(1);
        world.expect_found(row, "before it is erased");
        expect(world.passes->erase(row.id).effective(), "an erasure by the sole writer is effective");
        world.expect_absent(row, Absence::never_was, "after it was erased");
        expect(world.passes->erase(row.id).error() == errc::no_such_row, "it is not there to be erased twice");
        const Pass heir = world.insert(1);
        expect(heir.id != row.id, "a generated key is not used again");
        world.expect_found(heir, "as it has the keys of a row that was erased");
        world.expect_free(row, "after it was erased");
    });

    add("a touched row keeps its version", [](World& world) {
        const Pass row = world.insert(1);
        world.expect_found(row, "before it is touched");
        world.environment.advance(std::chrono::hours(1));
        const auto touched = world.passes->touch(row.id);
        expect(touched && touched.changed() && touched.version() == row.version, "a touch that is due moves the column and no version");
        world.expect_found(row, "after it was touched");
        expect(!world.passes->touch(row.id).changed(), "a touch that is not due does nothing");
        world.expect_free(row, "after it was touched");
    });

    add("an expired row is not served, whichever clock it takes to see that", [](World& world) {
        Pass row = world.row(1);
        row.expires_at = std::chrono::time_point_cast<TimePoint::duration>(world.environment.wall_now() + std::chrono::minutes(1));
        row = *world.passes->insert(row).or_throw().row();
        world.expect_found(row, "before it expires");
        const WallTime began = world.environment.wall_now();
        world.environment.set_wall_now(began + std::chrono::minutes(1));
        world.expect_absent(row, Absence::expired, "at the moment of its expiry");
        world.environment.set_wall_now(began - std::chrono::hours(1));
        world.expect_found(row, "with the wall clock set back");
        world.environment.set_wall_now(began + std::chrono::hours(1));
        world.expect_absent(row, Absence::expired, "with the wall clock stepped forward");
        world.environment.set_wall_now(began);
        world.environment.advance(std::chrono::minutes(2));
        world.expect_absent(row, Absence::expired, "after time went by on both clocks");
    });

    add("a read gets what it asks for: a version, an age, the truth", [](World& world) {
        const Pass row = world.insert(1);
        world.expect_found(row, "before the database is changed behind the repository's back");
        MemoryDatabase<Pass> behind(world.tables);
        Pass changed = row;
        changed.note = "behind";
        changed.version = behind.update(changed, row.version, {}).value();
        expect(world.passes->find(row.id, truth).version() == changed.version, "a read of the truth is the database's own");
        expect(world.passes->template find_by<&Pass::code>(row.code, truth).version() == changed.version, "also by an alternate key");
        world.environment.advance(std::chrono::seconds(10));
        const auto young = world.passes->find(row.id, max_age(std::chrono::seconds(5)));
        expect(young.version() == changed.version, "a read with an age is answered by nothing older");
        changed.note = "again";
        changed.version = behind.update(changed, changed.version, {}).value();
        for (const auto& found : {world.passes->find(row.id, at_least({changed.version})), world.passes->template find_by<&Pass::code>(row.code, at_least({changed.version}))})
            expect(found.version() == changed.version && found->note == "again", "a read with a version is answered by nothing older");
        world.expect_found(changed, "once it was read");
        world.expect_free(row, "after reads that asked for more");
    });

    add("a row that was changed behind the repository is read anew once it is expelled", [](World& world) {
        const Pass row = world.insert(1);
        world.expect_found(row, "before the change");
        Pass changed = row;
        changed.note = "behind";
        changed.version = MemoryDatabase<Pass>(world.tables).update(changed, row.version, {}).value();
        expect(!world.passes->expel(row.id).failed(), "the row can be expelled");
        world.expect_found(changed, "after it was expelled");
        Pass moved = changed;
        moved.code = "another code";
        moved.version = MemoryDatabase<Pass>(world.tables).update(moved, changed.version, {}).value();
        expect(!world.passes->expel(row.id).failed(), "the row can be expelled");
        for (int round = 0; round < 2; ++round) expect(!world.passes->template find_by<&Pass::code>(changed.code), "a key that was changed behind the repository does not resolve");
        world.expect_found(moved, "after its key was changed behind the repository");
    });

    add("what another repository writes is seen when the guarantee says so", [](World& world) {
        world.options.sole_writer = false;
        world.passes = world.repository();
        auto other = world.repository();
        Pass row = *other->insert(world.row(1)).or_throw().row();
        const Pass doomed = *other->insert(world.row(2)).or_throw().row();
        const Pass erased = *other->insert(world.row(3)).or_throw().row();
        world.expect_found(row, "before the other repository writes");
        world.expect_found(doomed, "before the other repository writes");
        world.expect_found(erased, "before the other repository writes");
        const Pass before = row;
        Duration pending{};
        const auto note = [&pending](const auto& written) {
            expect(!written.failed(), "the other repository's write succeeds: " + written.error().text);
            if constexpr (World::guarantee.current_reads)
                expect(written.effective(), "a policy whose reads are current calls every write effective");
            else
                expect(!written.effective() && written.pending() > Duration::zero(), "without a shared tier, a write by one of several writers is pending");
            pending = std::max(pending, written.pending());
        };
        const auto updated = other->update(row.id, [](Pass& pass) { pass.note = "theirs", pass.code = "their code"; });
        note(updated);
        row = *other->find(row.id);
        note(other->revoke(doomed.id));
        note(other->erase(erased.id));
        expect(world.passes->find(row.id, updated.token().version != 0 ? at_least(updated.token()) : truth).version() == row.version, "a read that was given the token sees the write");
        world.environment.advance(pending);
        world.expect_found(row, "when the bound of the other repository's write has passed");
        expect(!world.passes->template find_by<&Pass::code>(before.code), "the old key does not resolve any more");
        world.expect_absent(doomed, Absence::revoked, "when the bound of its revocation has passed");
        world.expect_absent(erased, Absence::never_was, "when the bound of its erasure has passed");
    });

    add("a hit costs what the policy decides", [](World& world) {
        const Pass row = world.insert(1);
        world.passes->find(row.id);
        world.passes->find(row.id);
        const Interposer& database = *world.database;
        const auto cost = [&](QueryKind kind, auto read) {
            const std::size_t before = database.queries();
            const std::size_t of_kind = database.queries(kind);
            expect(static_cast<bool>(read()), "the row is found");
            return std::pair(database.queries() - before, database.queries(kind) - of_kind);
        };
        OnHit decision = OnHit::reload;
        if constexpr (Policy::caches_rows) decision = world.passes->core()->policy.on_hit(HitView{row.version, Duration::zero(), world.options.ttl});
        const QueryKind kind = decision == OnHit::verify_version ? QueryKind::version_probe : QueryKind::load;
        const std::size_t queries = decision == OnHit::serve ? 0 : 1;
        const auto by_id = cost(kind, [&] { return world.passes->find(row.id); });
        expect(by_id == std::pair(queries, queries), "a hit makes just the query that the policy asks for");
        world.passes->template find_by<&Pass::code>(row.code);
        const auto by_code = cost(kind, [&] { return world.passes->template find_by<&Pass::code>(row.code); });
        expect(by_code == std::pair(queries, queries), "and so does a hit through an alternate key");
    });

    add("the request scope asks once for a row, whatever keys it is asked for by", [](World& world) {
        const Pass row = world.insert(1);
        auto scope = world.passes->scope();
        const std::size_t before = world.database->queries();
        expect(static_cast<bool>(scope.template find_by<&Pass::code>(row.code)), "the row is found");
        const std::size_t first = world.database->queries() - before;
        expect(first <= (Policy::stamp == Stamp::group_epoch ? 3 : 1), "by one query, and those that the mark of a row needs");
        expect(scope.template find_by<&Pass::badge>(*row.badge) && scope.find(row.id), "the row is found by its other keys");
        expect(world.database->queries() - before == first, "without a further query");
    });

    if constexpr (Policy::stamp == Stamp::none && (!Policy::caches_rows || (Policy::fenced && larder::detail::always_serves_v<Policy>)))
        cases.push_back({"an entity without versions is read as it was last written", [factory] {
                             World world(factory);
                             auto settings = factory.template make<Setting>(world.tables, world.environment, world.options);
                             expect(!settings->find("theme") && !settings->template find_by<&Setting::alias>("t"), "there is nothing yet");
                             expect(settings->insert({"theme", "looks", "t", "dark"}).effective(), "an insert is effective");
                             for (int i = 0; i < 3; ++i) {
                                 const std::string value = std::to_string(i);
                                 expect(settings->update("theme", [&](Setting& setting) { setting.value = value, setting.alias = "t" + value; }).effective(), "an update is effective");
                                 for (int round = 0; round < 2; ++round) {
                                     expect(settings->find("theme").value().value == value, "the row is found as it was written");
                                     expect(settings->template find_by<&Setting::alias>("t" + value).value().value == value, "also by its alternate key");
                                     expect(!settings->template find_by<&Setting::alias>(i == 0 ? "t" : "t" + std::to_string(i - 1)), "its old key does not resolve");
                                 }
                             }
                             expect(settings->erase("theme").effective() && !settings->find("theme") && !settings->template find_by<&Setting::alias>("t2"), "an erased row is gone");
                             expect(settings->insert({"theme", "looks", "t", "light"}).effective() && settings->find("theme").value().value == "light", "its key can come back");
                         }});
}

} // namespace policy_suite
} // namespace testing
} // namespace v0
} // namespace larder
