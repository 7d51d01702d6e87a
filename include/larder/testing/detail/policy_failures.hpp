// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/testing/detail/policy_world.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {
namespace policy_suite {

/// What holds when the database or a user's function fails, and when cached rows carry another mark than they should.
template <class Factory>
void add_failure_rules(std::vector<ConformanceCase>& cases, const Factory& factory) {
    using World = policy_suite::World<Factory>;
    using Policy = typename World::Policy;
    const auto add = [&](std::string rule, auto test, std::function<void(Options&)> adjust = {}) {
        cases.push_back({std::move(rule), [factory, test, adjust] {
                             World world(factory, adjust);
                             test(world);
                         }});
    };
    static const Error down(errc::database_unavailable, "the test let the database fail");
    static const Error lost(errc::outcome_unknown, "the test lost the database's answer");

    add("a write that the database refused changed nothing, and leaves nothing behind", [](World& world) {
        const Pass row = world.insert(1);
        world.expect_found(row, "before the write");
        world.database->fail_once(QueryKind::update, Stage::before, down);
        expect(world.passes->update(row.id, [](Pass& pass) { pass.code = "other"; }).error() == errc::database_unavailable, "the failure is the answer");
        world.expect_free(row, "after an update that failed");
        world.expect_found(row, "after an update that failed");
        world.database->fail_once(QueryKind::erase, Stage::before, down);
        expect(world.passes->erase(row.id).error() == errc::database_unavailable, "the failure is the answer");
        world.expect_free(row, "after an erasure that failed");
        world.database->fail_once(QueryKind::revoke_group, Stage::before, down);
        expect(world.passes->template revoke_all_by<&Pass::holder_id>(world.holder()).error() == errc::database_unavailable, "the failure is the answer");
        world.expect_free(row, "after a revocation of the group that failed");
        world.expect_found(row, "after writes that failed");
        world.database->fail_once(QueryKind::insert, Stage::before, down);
        const Pass other = world.row(2);
        expect(world.passes->insert(other).error() == errc::database_unavailable, "the failure is the answer");
        world.expect_free(other, "after an insert that failed");
        Pass rival = world.row(2);
        rival.code = row.code;
        expect(world.passes->insert(rival).error() == errc::duplicate_key, "a key that belongs to another row is refused");
        world.expect_free(rival, "after an insert that was refused");
        world.expect_found(row, "after an insert of its keys that was refused");
    });

    add("a write whose answer was lost is seen all the same, and at the latest when its fence has ended", [](World& world) {
        Pass row = world.insert(1);
        world.expect_found(row, "before the write");
        const Pass before = row;
        world.database->fail_once(QueryKind::update, Stage::after, lost);
        expect(world.passes->update(row.id, [](Pass& pass) { pass.code = "other", pass.note = "committed"; }).error() == errc::outcome_unknown, "the write says that it does not know");
        row.code = "other";
        row.note = "committed";
        ++row.version;
        world.expect_found(row, "after a write whose answer was lost");
        expect(!world.passes->template find_by<&Pass::code>(before.code), "the old key does not resolve");
        world.environment.advance(world.options.fence_for);
        world.expect_found(row, "when the fence has ended");
        expect(!world.passes->template find_by<&Pass::code>(before.code), "the old key does not resolve when the fence has ended");
        world.expect_free(row, "when the fence has ended");
        world.database->fail_once(QueryKind::erase, Stage::after, lost);
        expect(world.passes->erase(row.id).error() == errc::outcome_unknown, "the erasure says that it does not know");
        world.expect_absent(row, Absence::never_was, "after an erasure whose answer was lost");
        world.environment.advance(world.options.fence_for);
        world.expect_absent(row, Absence::never_was, "when the erasure's fence has ended");
        const Pass next = world.insert(2);
        world.expect_found(next, "before its group is revoked");
        world.database->fail_once(QueryKind::revoke_group, Stage::after, lost);
        expect(world.passes->template revoke_all_by<&Pass::holder_id>(world.holder()).error() == errc::outcome_unknown, "the revocation says that it does not know");
        world.environment.advance(world.options.fence_for);
        if (Policy::fenced || Policy::stamp == Stamp::group_epoch || World::guarantee.current_reads)
            world.expect_absent(next, Absence::revoked, "when the fence of its group's revocation has ended");
    });

    if constexpr (Policy::fenced)
        add("a write that was refused leaves the fence of another one standing", [](World& world) {
            const Pass other = world.insert(2);
            Pass row = world.insert(1);
            world.expect_found(row, "before the writes");
            world.database->once(QueryKind::update, Stage::before, [&] {
                expect(world.passes->update(row.id, [&](Pass& pass) { pass.code = other.code; }).error() == errc::duplicate_key, "a key that belongs to another row is refused");
                world.expect_found(row, "while a write is under way");
            });
            world.database->fail_once(QueryKind::update, Stage::after, lost);
            expect(world.passes->update(row.id, [](Pass& pass) { pass.note = "committed"; }).error() == errc::outcome_unknown, "the write says that it does not know");
            row.note = "committed";
            ++row.version;
            world.expect_found(row, "after a write whose answer was lost");
        });

    if constexpr (Policy::stamp == Stamp::group_epoch)
        add("a row that is loaded while its group is revoked is not served, though the revocation's answer is lost", [](World& world) {
            const Pass row = world.insert(1);
            world.database->fail_once(QueryKind::revoke_group, Stage::after, lost);
            world.database->once(QueryKind::load, Stage::after, [&] {
                expect(world.passes->template revoke_all_by<&Pass::holder_id>(world.holder()).error() == errc::outcome_unknown, "the revocation says that it does not know");
            });
            world.passes->find(row.id);
            world.expect_absent(row, Absence::revoked, "after the revocation of its group");
        });

    add("a load that failed leaves nothing behind, and the next one is answered", [](World& world) {
        const Pass row = world.insert(1);
        world.passes->expel(row.id);
        world.passes->template expel_by<&Pass::code>(row.code);
        world.database->fail_reads(true);
        for (int round = 0; round < 2; ++round) {
            for (const auto& way : World::ways(row)) expect(way.read(*world.passes).error() == errc::database_unavailable, "the failure is the answer");
            world.expect_free(row, "after reads that failed");
        }
        expect(world.passes->refresh(row.id).error() == errc::database_unavailable, "a refresh fails with the database");
        const std::vector<std::int64_t> keys{row.id};
        expect(world.passes->warm(keys).error() == errc::database_unavailable, "a warm-up fails with the database");
        world.expect_free(row, "after reads that failed");
        world.database->fail_reads(false);
        world.expect_found(row, "when the database is back");
    });

    add("a change that throws is an error, and leaves nothing behind", [](World& world) {
        const Pass row = world.insert(1);
        world.expect_found(row, "before the change");
        const auto written = world.passes->update(row.id, [](Pass&) { throw std::runtime_error("no change"); });
        expect(written.error() == errc::exception_thrown && written.error().text.find("no change") != std::string::npos, "what was thrown is told");
        world.expect_free(row, "after a change that threw");
        world.expect_found(row, "after a change that threw");
    });

    add(
        "with nothing stale allowed, a row past its time is not served when the database fails",
        [](World& world) {
            const Pass row = world.insert(1);
            world.expect_found(row, "while the database is there");
            world.environment.advance(world.options.ttl);
            world.database->fail_reads(true);
            for (const auto& way : World::ways(row)) expect(way.read(*world.passes).failed(), "there is no answer");
            world.expect_free(row, "after reads that failed");
        });

    if constexpr (Policy::caches_rows) {
        const auto allow = [](Options& options) { options.stale_if_error = std::chrono::hours(1); };
        add(
            "with stale answers allowed, a row past its time is served and says so while the database fails, but not what was revoked or erased",
            [](World& world) {
                const Pass row = world.insert(1);
                const Pass revoked = world.insert(2);
                const Pass erased = world.insert(3);
                for (const Pass& each : {row, revoked, erased}) world.expect_found(each, "while the database is there");
                world.passes->revoke(revoked.id).or_throw();
                world.passes->erase(erased.id).or_throw();
                world.expect_found(row, "before the database fails");
                for (int age = 0; age < 3; ++age) {
                    world.environment.advance(world.options.ttl);
                    world.database->fail_reads(true);
                    for (int round = 0; round < 2; ++round)
                        for (const auto& way : World::ways(row)) {
                            const auto found = way.read(*world.passes);
                            if constexpr (Policy::stamp == Stamp::group_epoch) {
                                expect(!found || found.version() == row.version, "a row is served as it was, if at all: its group may have been revoked");
                            } else {
                                expect(static_cast<bool>(found), "the row is served by " + std::string(way.name));
                                expect(found.stale() == StaleCause::database_failed && found.version() == row.version, "and says that it is stale");
                            }
                        }
                    for (const auto& way : World::ways(revoked)) expect(!way.read(*world.passes), "what was revoked is not served");
                    for (const auto& way : World::ways(erased)) expect(!way.read(*world.passes), "what was erased is not served");
                    world.expect_free(row, "after stale answers");
                    world.database->fail_reads(false);
                }
                world.environment.advance(std::chrono::hours(2));
                world.database->fail_reads(true);
                for (const auto& way : World::ways(row)) expect(way.read(*world.passes).failed(), "nothing is served past the limit of stale answers");
                world.database->fail_reads(false);
                world.expect_found(row, "when the database is back");
            },
            allow);
        add(
            "a row whose group was revoked is not served, however stale an answer may be",
            [](World& world) {
                const Pass row = world.insert(1);
                world.expect_found(row, "before its group is revoked");
                expect(!world.passes->template revoke_all_by<&Pass::holder_id>(world.holder()).failed(), "the group is revoked");
                world.database->fail_reads(true);
                for (const auto& way : World::ways(row)) expect(!way.read(*world.passes), "it is not served at once");
                world.environment.advance(world.options.ttl);
                for (const auto& way : World::ways(row)) expect(!way.read(*world.passes), "it is not served later");
            },
            allow);
    }

    if constexpr (Policy::stamp != Stamp::none)
        add(
            "a cached row with another mark than the one in force is not served, not even stale",
            [](World& world) {
                const Pass row = world.insert(1);
                world.expect_found(row, "with its own mark");
                auto& core = *world.passes->core();
                Demand demand;
                demand.refresh = true;
                const auto held = core.authority.template lookup<0>(row.id, demand);
                expect(held.answer == Answer::hit && held.lease != 0, "the row is cached");
                Pass forged = row;
                forged.note = "forged";
                FillRequest<CachedRow<Pass>> request;
                request.lease = held.lease;
                request.version = held.version;
                request.value.full = std::make_shared<const Pass>(forged);
                request.value.stamp = held.value.stamp + 1;
                request.lifetime.serve = world.options.ttl;
                request.lifetime.fallback = world.options.stale_if_error;
                expect(core.authority.template fill<0>(row.id, std::move(request)) == FillOutcome::stored, "a row with another mark is cached");
                // A tier in front has the row with its own mark, which would be right to serve.
                if constexpr (std::remove_reference_t<decltype(core)>::has_near) core.near.clear();
                world.database->fail_reads(true);
                for (const auto& way : World::ways(row)) expect(!way.read(*world.passes), "it is not served while the database fails");
                world.environment.advance(world.options.ttl);
                for (const auto& way : World::ways(row)) expect(!way.read(*world.passes), "it is not served past its time");
                world.database->fail_reads(false);
                world.expect_found(row, "although a row with another mark was cached");
            },
            [](Options& options) { options.stale_if_error = std::chrono::hours(1); });
}

} // namespace policy_suite
} // namespace testing
} // namespace v0
} // namespace larder
