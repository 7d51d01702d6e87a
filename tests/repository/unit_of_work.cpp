// SPDX-License-Identifier: BSL-1.0
#include "shared_cache.hpp"
#include "world.hpp"

#include <larder/repository/unit_of_work.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

using namespace repository_tests;

namespace {

const Error changed_mind{errc::invalid_options, "the function changed its mind"};

/// Passes and their holders, each with caches of their own.
template <class Policy = WriteThrough>
struct Both : World<Policy> {
    explicit Both(const std::function<void(Options&)>& adjust = {}) : World<Policy>(adjust), holders(this->template repository_of<Holder>(adjust)) {}

    /// Rows that are in the caches.
    Pass cached(int number) {
        const Pass row = this->insert(number);
        CHECK(this->passes->find(row.id));
        CHECK(this->passes->template find_by<&Pass::code>(row.code));
        return row;
    }
    auto all() { return std::tie(*this->passes, *holders); }
    std::string name_of_holder() { return holders->find(this->holder(), truth)->name; }

    std::unique_ptr<CachedRepository<Holder, Stack<MemoryCache, MemoryDatabase>, Policy, ManualEnvironment>> holders;
};
using Passes = World<>::Repository;
using Holders = decltype(Both<>::holders)::element_type;

/// Everything that a unit can do, and what is to be seen of it before and after.
template <class Policy>
void check_a_whole_unit() {
    Both<Policy> world;
    auto& passes = *world.passes;
    auto& holders = *world.holders;
    const Pass changed = world.cached(1), moved = world.cached(2), erased = world.cached(3), revoked = world.cached(4), left = world.cached(5);
    const auto done = in_one_transaction(world.all(), [&](Unit<typename World<Policy>::Repository, typename decltype(world.holders)::element_type>& unit) {
        CHECK(unit.update(passes, changed.id, [](Pass& pass) { pass.note = "changed"; }).version() == 2);
        Pass saved = *unit.find(passes, moved.id);
        saved.code = "moved";
        CHECK(unit.save(passes, saved).changed());
        CHECK(unit.erase(passes, erased.id).version() == 2);
        CHECK(unit.revoke(passes, revoked.id, set<&Pass::note>("stolen")).row()->note == "stolen");
        CHECK(!unit.update(passes, left.id, [](Pass&) { return false; }).changed());
        CHECK(unit.update(holders, world.holder(), [](Holder& holder) { holder.name = "renamed"; }));
        const auto key = unit.insert(passes, world.row(6)).key();
        // The unit sees what it wrote, and nobody else does.
        CHECK(unit.find(passes, changed.id)->note == "changed");
        CHECK(unit.find(passes, changed.id)->holder.name == "renamed");
        CHECK(unit.template find_by<&Pass::code>(passes, "moved")->id == moved.id);
        CHECK(unit.template find_by<&Pass::code>(passes, moved.code).absence() == Absence::never_was);
        CHECK(unit.find(passes, erased.id).absence() == Absence::never_was);
        CHECK(unit.find(passes, revoked.id).absence() == Absence::revoked);
        CHECK(unit.template find_all_by<&Pass::holder_id>(passes, world.holder()).size() == 4);
        world.expect_found(changed, "before the commit");
        world.expect_found(moved, "before the commit");
        world.expect_found(erased, "before the commit");
        world.expect_found(revoked, "before the commit");
        CHECK(passes.find(key).absence() == Absence::never_was);
        CHECK(world.name_of_holder() == "holder");
        return key;
    });
    REQUIRE(succeeds(done));
    CHECK(done.effective());
    CHECK(done.pending() == Duration::zero());
    CHECK(passes.find(changed.id)->note == "changed");
    CHECK(passes.find(changed.id).version() == 2);
    CHECK(passes.template find_by<&Pass::code>("moved")->id == moved.id);
    CHECK(passes.template find_by<&Pass::code>(moved.code).absence() == Absence::never_was);
    world.expect_absent(erased, Absence::never_was, "after the commit");
    world.expect_absent(revoked, Absence::revoked, "after the commit");
    world.expect_found(left, "after the commit");
    CHECK(passes.find(done.value())->code == "code 6");
    CHECK(passes.template find_by<&Pass::code>("code 6")->id == done.value());
    CHECK(holders.find(world.holder())->name == "renamed");
    for (const Pass& row : {changed, moved, erased, revoked, left}) world.expect_free(row, "after the commit");
}

/// A unit whose function ends it with `leave`, and that it has left nothing behind.
template <class Policy, class Leave>
void check_no_trace(Leave leave, const Error& expected) {
    Both<Policy> world;
    auto& passes = *world.passes;
    const Pass row = world.cached(1), gone = world.cached(2);
    std::int64_t key = 0;
    const auto invalidated = [&] {
        std::size_t published = 0;
        for (const auto& event : world.template events<event::Invalidated>()) published += event.kind == Invalidation::publish || event.kind == Invalidation::expel ? 1 : 0;
        return published;
    };
    const auto before = invalidated();
    const auto done = in_one_transaction(world.all(), [&](auto& unit) -> Outcome<void> {
        unit.update(passes, row.id, [](Pass& pass) { pass.note = "half"; });
        unit.erase(passes, gone.id);
        unit.update(*world.holders, world.holder(), [](Holder& holder) { holder.name = "half"; });
        key = unit.insert(passes, world.row(3)).key();
        return leave();
    });
    CHECK(!done);
    CHECK(done.error().code == expected.code);
    CHECK(done.error().text == expected.text);
    if (!Policy::fenced) CHECK(invalidated() == before);
    world.expect_free(row, "after the roll-back");
    world.expect_found(row, "after the roll-back");
    world.expect_found(gone, "after the roll-back");
    CHECK(world.name_of_holder() == "holder");
    CHECK(passes.find(key).absence() == Absence::never_was);
    CHECK(passes.template find_by<&Pass::code>("code 3").absence() == Absence::never_was);
    CHECK(succeeds(passes.update(row.id, [](Pass& pass) { pass.note = "whole"; })));
    CHECK(passes.find(row.id)->note == "whole");
}

template <class Policy>
void check_every_way_out() {
    check_no_trace<Policy>([] { return Outcome<void>(changed_mind); }, changed_mind);
    check_no_trace<Policy>([]() -> Outcome<void> { throw std::runtime_error("thrown midway"); }, {errc::exception_thrown, "the unit of work: thrown midway"});
    check_no_trace<Policy>([]() -> Outcome<void> { throw Failure(changed_mind); }, changed_mind);
}

} // namespace

TEST_CASE("a unit of work commits as a whole, and is published") {
    check_a_whole_unit<WriteThrough>();
    check_a_whole_unit<WriteThroughUnfenced>();
    check_a_whole_unit<Hybrid>();
}

TEST_CASE("a unit that is rolled back leaves no trace") {
    check_every_way_out<WriteThrough>();
    check_every_way_out<WriteThroughUnfenced>();
}

TEST_CASE("reads in a unit neither consult the caches nor fill them") {
    Both<> world;
    auto& passes = *world.passes;
    const Pass row = world.cached(1);
    auto raw = MemoryDatabase<Pass>(world.tables);
    Pass behind = row;
    behind.note = "behind the caches";
    REQUIRE(raw.update(behind, row.version, {}).has_value());
    const Pass cold = world.insert(2);
    passes.expel(cold.id);
    const auto before = passes.usage().entries;
    const auto lookups = world.events<event::Lookup>().size();
    CHECK(in_one_transaction(world.all(), [&](Unit<Passes, Holders>& unit) {
        CHECK(unit.find(passes, row.id)->note == "behind the caches");
        CHECK(unit.find(passes, row.id).source() == Level::database);
        CHECK(unit.find_by<&Pass::code>(passes, row.code)->note == "behind the caches");
        CHECK(unit.find(passes, cold.id));
        CHECK(unit.find_all_by<&Pass::holder_id>(passes, world.holder()).size() == 2);
        CHECK(unit.find(passes, 999).absence() == Absence::never_was);
    }));
    CHECK(world.events<event::Lookup>().size() == lookups);
    CHECK(passes.usage().entries == before);
    CHECK(passes.peek(cold.id).absence() == Absence::not_cached);
    CHECK(passes.peek(row.id)->note == "first");
}

TEST_CASE("a row that is written several times in a unit is published as it is in the end") {
    Both<> world;
    auto& passes = *world.passes;
    const Pass row = world.cached(1);
    const auto rename = [&](auto& unit, const std::string& code) { return unit.update(passes, row.id, [&](Pass& pass) { pass.code = code; }); };
    CHECK(in_one_transaction(world.all(), [&](auto& unit) {
        CHECK(rename(unit, "between").version() == 2);
        CHECK(rename(unit, "last").version() == 3);
    }));
    CHECK(passes.peek(row.id).version() == 3);
    CHECK(world.queries_of([&] { CHECK(passes.find_by<&Pass::code>("last")->id == row.id); }) == 0);
    for (const std::string code : {"code 1", "between"}) CHECK(passes.find_by<&Pass::code>(code).absence() == Absence::never_was);
    world.expect_free(row, "after the commit");

    // One row gives its key to another.
    const Pass other = world.cached(2);
    CHECK(in_one_transaction(world.all(), [&](auto& unit) {
        rename(unit, "spare");
        unit.update(passes, other.id, [](Pass& pass) { pass.code = "last"; });
        rename(unit, "code 2");
    }));
    CHECK(passes.find_by<&Pass::code>("last")->id == other.id);
    CHECK(passes.find_by<&Pass::code>("code 2")->id == row.id);
    CHECK(passes.find_by<&Pass::code>("spare").absence() == Absence::never_was);

    // What comes and goes within a unit was never there.
    std::int64_t brief = 0;
    CHECK(in_one_transaction(world.all(), [&](auto& unit) {
        brief = unit.insert(passes, world.row(3)).key();
        unit.update(passes, brief, [](Pass& pass) { pass.code = "brief"; });
        unit.erase(passes, brief);
    }));
    CHECK(passes.find(brief).absence() == Absence::never_was);
    for (const std::string code : {"code 3", "brief"}) CHECK(passes.find_by<&Pass::code>(code).absence() == Absence::never_was);
}

TEST_CASE("the first failure is the unit's, whatever its function makes of it") {
    Both<> world;
    auto& passes = *world.passes;
    const Pass row = world.cached(1), taken = world.cached(2);
    const auto check = [&](errc expected, const std::string& words, auto fails) {
        const auto done = in_one_transaction(world.all(), [&](auto& unit) {
            unit.update(passes, row.id, [](Pass& pass) { pass.note = "half"; });
            CHECK(fails(unit).error() == expected);
            CHECK(unit.find(passes, row.id).error() == expected);
            CHECK(unit.insert(passes, world.row(9)).error() == expected);
        });
        CHECK(done.error() == expected);
        CHECK(done.error().text.find(words) != std::string::npos);
        world.expect_found(row, "after a unit that failed");
        world.expect_free(row, "after a unit that failed");
        world.expect_free(taken, "after a unit that failed");
    };
    check(errc::duplicate_key, "passes.code", [&](auto& unit) { return unit.insert(passes, world.row(2)); });
    check(errc::duplicate_key, "passes.code", [&](auto& unit) { return unit.update(passes, row.id, [&](Pass& pass) { pass.code = taken.code; }); });
    check(errc::no_such_row, "passes", [&](auto& unit) { return unit.update(passes, 999, [](Pass&) {}); });
    check(errc::no_such_row, "passes", [&](auto& unit) { return unit.erase(passes, 999); });
    check(errc::version_conflict, "passes", [&](auto& unit) { return unit.save(passes, row); });
    check(errc::missing_relation, "holder", [&](auto& unit) { return unit.update(passes, row.id, [](Pass& pass) { pass.holder_id = 999; }); });
    check(errc::exception_thrown, "in the change", [&](auto& unit) { return unit.update(passes, row.id, [](Pass&) { throw std::runtime_error("in the change"); }); });
    check(errc::invalid_options, "primary key", [&](auto& unit) { return unit.update(passes, row.id, [](Pass& pass) { pass.id = 5; }); });
    check(errc::missing_relation, "holders", [&](auto& unit) { return unit.erase(*world.holders, world.holder()); });
    for (const auto kind : {QueryKind::load, QueryKind::update}) {
        world.database->forget();
        const auto done = in_one_transaction(world.all(), [&](auto& unit) {
            world.database->fail_once(kind, Stage::before, Error{errc::database_busy, "busy"});
            unit.update(passes, row.id, [](Pass& pass) { pass.note = "half"; });
        });
        CHECK(done.error() == errc::database_busy);
        world.expect_found(row, "after a unit that failed");
    }
    const Pass revoked = world.insert(3);
    CHECK(passes.revoke(revoked.id));
    check(errc::revoked, "passes", [&](auto& unit) { return unit.update(passes, revoked.id, [](Pass&) {}); });
}

TEST_CASE("a unit whose function wants to fail, but with the error of an answer that is merely absent, is rolled back") {
    Both<> world;
    auto& passes = *world.passes;
    const Pass row = world.cached(1);
    const auto half = [&](auto& unit) {
        unit.update(passes, row.id, [](Pass& pass) { pass.note = "half"; });
        return unit.find(passes, 999).error();
    };
    CHECK(in_one_transaction(world.all(), [&](auto& unit) { throw Failure(half(unit)); }).error() == errc::exception_thrown);
    world.expect_found(row, "after a Failure without an error");
    const auto nothing = in_one_transaction(world.all(), [&](auto& unit) -> Outcome<std::string> { return half(unit); });
    CHECK(nothing.error() == errc::invalid_options);
    world.expect_found(row, "after an outcome of nothing");
    world.expect_free(row, "after an outcome of nothing");
    CHECK(in_one_transaction(world.all(), [&](auto& unit) { unit.update(passes, row.id, [](Pass&) { throw Failure(Error()); }); }).error() == errc::exception_thrown);
    CHECK(passes.update(row.id, [](Pass&) { throw Failure(Error()); }).error() == errc::exception_thrown);
    world.expect_found(row, "in the end");
}

TEST_CASE("a unit that cannot begin or is not committed says why") {
    Both<> world;
    auto& passes = *world.passes;
    const Pass row = world.cached(1);
    const auto change = [&](auto& unit) { unit.update(passes, row.id, [](Pass& pass) { pass.note = "changed"; }); };
    world.database->fail_once(QueryKind::begin, Stage::before, Error{errc::database_busy, "busy"});
    CHECK(in_one_transaction(world.all(), [](auto&) { FAIL("the function must not run"); }).error() == errc::database_busy);
    world.database->fail_once(QueryKind::commit, Stage::before, Error{errc::database_failure, "the disk is full"});
    CHECK(in_one_transaction(world.all(), change).error() == errc::database_failure);
    world.expect_found(row, "after a commit that failed");
    world.expect_free(row, "after a commit that failed");
    CHECK(in_one_transaction(world.all(), change, {.attempts = 0}).error() == errc::invalid_options);

    Both<> elsewhere;
    const auto apart = in_one_transaction(std::tie(passes, *elsewhere.holders), [](auto&) { FAIL("the function must not run"); });
    CHECK(apart.error() == errc::invalid_options);
    CHECK(apart.error().text.find("one database") != std::string::npos);
    const auto stranger = world.repository();
    const auto foreign = in_one_transaction(std::tie(passes), [&](auto& unit) { CHECK(unit.find(*stranger, row.id).error() == errc::invalid_options); });
    CHECK(foreign.error() == errc::invalid_options);
    world.holders->shutdown();
    CHECK(in_one_transaction(world.all(), [](auto&) { FAIL("the function must not run"); }).error() == errc::stopped);
    world.expect_found(row, "in the end");
}

TEST_CASE("a unit whose commit got no answer says so, is not run again, and serves nothing that may be old") {
    for (const bool committed : {false, true}) {
        Both<> world;
        auto& passes = *world.passes;
        const Pass row = world.cached(1);
        int runs = 0;
        world.database->fail_once(QueryKind::commit, committed ? Stage::after : Stage::before, Error{errc::outcome_unknown, "lost"});
        const auto done = in_one_transaction(
            world.all(),
            [&](auto& unit) {
                ++runs;
                unit.update(passes, row.id, [](Pass& pass) { pass.note = "unknown"; });
            },
            {.attempts = 5});
        CHECK(done.error() == errc::outcome_unknown);
        CHECK(runs == 1);
        const std::string now = committed ? "unknown" : "first";
        CHECK(world.queries_of([&] { CHECK(passes.find(row.id)->note == now); }) == 1);
        CHECK(world.queries_of([&] { CHECK(passes.find(row.id)->note == now); }) == 1);
        world.environment.advance(world.options.fence_for + 1s);
        CHECK(passes.find(row.id)->note == now);
        CHECK(world.queries_of([&] { CHECK(passes.find(row.id)->note == now); }) == 0);
    }
    Both<WriteThroughUnfenced> world;
    const Pass row = world.cached(1);
    world.database->fail_once(QueryKind::commit, Stage::after, Error{errc::outcome_unknown, "lost"});
    CHECK(in_one_transaction(world.all(), [&](auto& unit) { unit.update(*world.passes, row.id, [](Pass& pass) { pass.note = "unknown"; }); }).error() == errc::outcome_unknown);
    CHECK(world.passes->find(row.id)->note == "unknown");
    world.database->fail_once(QueryKind::commit, Stage::after, Error{errc::outcome_unknown, "lost"});
    CHECK(in_one_transaction(world.all(), [&](auto& unit) { unit.template revoke_all_by<&Pass::holder_id>(*world.passes, world.holder()); }).error() == errc::outcome_unknown);
    CHECK(world.passes->find(row.id).absence() == Absence::revoked);
}

TEST_CASE("others that stand in the way are told of, and the unit is run again if it may be") {
    Both<> world;
    auto& passes = *world.passes;
    const Pass row = world.cached(1);
    int runs = 0;
    const auto overtaken = [&](unsigned attempts, Isolation isolation, auto interfere) {
        runs = 0;
        return in_one_transaction(
            world.all(),
            [&](auto& unit) {
                const auto note = unit.find(passes, row.id)->note;
                unit.update(*world.holders, world.holder(), [&](Holder& holder) { holder.name = note; });
                if (runs++ == 0) interfere();
            },
            {.isolation = isolation, .attempts = attempts});
    };
    const auto rename = [&] { CHECK(world.holders->update(world.holder(), [](Holder& holder) { holder.name = "theirs"; })); };
    const auto conflict = overtaken(1, Isolation::rows, rename);
    CHECK(conflict.error() == errc::transaction_conflict);
    CHECK(world.name_of_holder() == "theirs");
    CHECK(world.holders->find(world.holder())->name == "theirs");
    CHECK(succeeds(overtaken(2, Isolation::rows, rename)));
    CHECK(runs == 2);
    CHECK(world.name_of_holder() == "first");

    // What was only read counts if the unit says so.
    const auto renote = [&] { CHECK(passes.update(row.id, [](Pass& pass) { pass.note += "!"; })); };
    CHECK(succeeds(overtaken(1, Isolation::rows, renote)));
    CHECK(world.name_of_holder() == "first");
    CHECK(overtaken(1, Isolation::serializable, renote).error() == errc::transaction_conflict);
    CHECK(succeeds(overtaken(2, Isolation::serializable, renote)));
    CHECK(world.name_of_holder() == "first!!!");

    // A row that was read before the unit began stays a conflict, however often it is tried.
    int tries = 0;
    const auto stale = in_one_transaction(
        world.all(),
        [&](auto& unit) {
            ++tries;
            unit.save(passes, row);
        },
        {.attempts = 3});
    CHECK(stale.error() == errc::version_conflict);
    CHECK(tries == 3);
    CHECK(in_one_transaction(world.all(), [&](auto& unit) { unit.find(passes, row.id); return changed_mind; }, {.attempts = 3}).error() == errc::invalid_options);
}

TEST_CASE("a row that changes between its look-up in a unit and its change is looked up again, and no fence stays behind") {
    Both<> world;
    auto& passes = *world.passes;
    const Pass row = world.cached(1);
    world.database->once(QueryKind::load, Stage::after, [&] { CHECK(passes.update(row.id, [](Pass& pass) { pass.code = "theirs"; })); });
    CHECK(succeeds(in_one_transaction(world.all(), [&](auto& unit) { unit.update(passes, row.id, [](Pass& pass) { pass.code += " and ours"; }); })));
    const auto found = passes.find_by<&Pass::code>("theirs and ours");
    REQUIRE(found);
    world.expect_free(*found, "after the commit");
    world.expect_free(row, "after the commit");
    auto between = row;
    between.code = "theirs";
    world.expect_free(between, "after the commit");
}

TEST_CASE("rows that embed a written row are dropped after the commit, and not before") {
    Both<> world;
    auto& passes = *world.passes;
    passes.link<&Pass::holder>(*world.holders);
    const Pass row = world.insert(1);
    CHECK(passes.find(row.id)->holder.name == "holder");
    CHECK(in_one_transaction(world.all(), [&](auto& unit) {
        unit.update(*world.holders, world.holder(), [](Holder& holder) { holder.name = "renamed"; });
        CHECK(passes.peek(row.id)->holder.name == "holder");
    }));
    CHECK(passes.peek(row.id).absence() == Absence::not_cached);
    CHECK(passes.find(row.id)->holder.name == "renamed");
    CHECK(in_one_transaction(world.all(), [&](auto& unit) {
        unit.update(*world.holders, world.holder(), [](Holder& holder) { holder.name = "again"; });
        return changed_mind;
    }).error() == errc::invalid_options);
    CHECK(passes.peek(row.id)->holder.name == "renamed");
}

TEST_CASE("a group that is revoked in a unit is so after the commit, what is inserted after it is not") {
    const auto check = [](auto& world) {
        auto& passes = *world.passes;
        std::vector<Pass> rows;
        for (int number = 1; number <= 3; ++number) {
            rows.push_back(world.insert(number));
            CHECK(passes.find(rows.back().id));
        }
        const auto revoke = [&](auto& unit) {
            CHECK(unit.update(passes, rows[0].id, [](Pass& pass) { pass.note = "last words"; }));
            CHECK(unit.template revoke_all_by<&Pass::holder_id>(passes, world.holder()).rows() == 3);
            CHECK(unit.template find_all_by<&Pass::holder_id>(passes, world.holder()).size() == 0);
        };
        CHECK(in_one_transaction(std::tie(passes), [&](auto& unit) {
            revoke(unit);
            return changed_mind;
        }).error() == errc::invalid_options);
        for (const Pass& row : rows) {
            world.expect_found(row, "after the roll-back");
            world.expect_free(row, "after the roll-back");
        }
        const auto login = in_one_transaction(std::tie(passes), [&](auto& unit) {
            revoke(unit);
            return unit.insert(passes, world.row(4)).or_throw().key();
        });
        REQUIRE(succeeds(login));
        for (const Pass& row : rows) {
            world.expect_absent(row, Absence::revoked, "after the commit");
            world.expect_free(row, "after the commit");
        }
        CHECK(passes.find(rows[0].id).row()->note == "last words");
        CHECK(passes.find(login.value())->code == "code 4");
    };
    Both<> fenced;
    check(fenced);
    World<Versioned<group_epoch>> epochs;
    check(epochs);
    CHECK(MemoryDatabase<Pass>(epochs.tables).load_epoch<space_of_v<Pass, &Pass::holder_id>>(epochs.holder()).value() == 1);
}

TEST_CASE("a unit under a shared tier is refused once its first fence may have ended") {
    Shared world;
    auto& passes = *world.passes;
    const Pass first = world.insert(1), second = world.insert(2);
    for (const Pass& row : {first, second}) passes.find(row.id);
    const auto write = [&](bool late) {
        return in_one_transaction(std::tie(passes), [&](auto& unit) {
            unit.insert(passes, [&] {
                Pass row = first;
                row.id = 0;
                row.code = "third";
                return row;
            }());
            if (late) world.environment.advance(world.options.fence_for + 1s);
        });
    };
    CHECK(write(true).error() == errc::deadline_passed);
    CHECK(passes.find_by<&Pass::code>("third").absence() == Absence::never_was);
    for (const Pass& row : {first, second}) CHECK(passes.find(row.id)->note == "first");
    CHECK(write(false).effective());
    CHECK(passes.find_by<&Pass::code>("third"));
    // A later fence gives the unit no more time.
    CHECK(in_one_transaction(std::tie(passes), [&](auto& unit) {
        unit.update(passes, first.id, [](Pass& pass) { pass.note = "late"; });
        world.environment.advance(world.options.fence_for * 3 / 4);
        unit.update(passes, second.id, [](Pass& pass) { pass.note = "late"; });
        world.environment.advance(world.options.fence_for * 3 / 4);
    }).error() == errc::deadline_passed);
    for (const Pass& row : {first, second}) CHECK(passes.find(row.id)->note == "first");
}

TEST_CASE("of several repositories in a unit, the fence that ends first is its deadline") {
    constexpr Duration brief = 5s, lasting = 15s;
    Shared world({.fence_for = lasting});
    auto& passes = *world.passes;
    Options options = world.options;
    options.fence_for = brief;
    CachedRepository<Holder, Stack<SharedCache, MemoryDatabase>, WriteThrough, ManualEnvironment> holders({{}, world.tables}, options, {}, world.environment);
    const Pass row = world.insert(1);
    const auto name = [&] { return holders.find(world.holder)->name; };
    /// A unit that fences a pass and a holder, one of them after a while, and commits after another.
    const auto write = [&](const std::string& text, bool pass_first, Duration before_second, Duration before_commit) {
        return in_one_transaction(std::tie(passes, holders), [&](auto& unit) {
            for (const bool pass : {pass_first, !pass_first}) {
                if (pass)
                    unit.update(passes, row.id, [&](Pass& changed) { changed.note = text; });
                else
                    unit.update(holders, world.holder, [&](Holder& changed) { changed.name = text; });
                world.environment.advance(pass == pass_first ? before_second : before_commit);
            }
        });
    };
    const auto check = [&](const auto& done, const std::string& text, bool in_time) {
        CHECK(done.failed() != in_time);
        if (!in_time) CHECK(done.error() == errc::deadline_passed);
        CHECK((passes.find(row.id)->note == text) == in_time);
        CHECK((name() == text) == in_time);
    };
    check(write("brief first", false, 3s, 1s), "brief first", true);
    check(write("brief first, late", false, 3s, 3s), "brief first, late", false);
    check(write("brief last", true, 8s, 4s), "brief last", true);
    check(write("brief last, late", true, 8s, 6s), "brief last, late", false);
    check(write("lasting first, late", true, 13s, 3s), "lasting first, late", false);
}

TEST_CASE("a unit that a tier cannot be told of is pending, or is not made") {
    Shared world;
    auto& passes = *world.passes;
    const Pass row = world.insert(1);
    passes.find(row.id);
    const auto change = [&](const std::string& note, Effect effect) {
        return in_one_transaction(std::tie(passes), [&](auto& unit) { unit.update(passes, row.id, [&](Pass& pass) { pass.note = note; }); }, {.effect = effect});
    };
    for (const std::string_view operation : {"fence", "publish"}) {
        world.outage->operations = {operation};
        const auto done = change("pending by " + std::string(operation), Effect::may_be_pending);
        CHECK(done);
        CHECK(!done.effective());
        CHECK(done.pending() == world.options.ttl);
    }
    world.outage->operations = {"fence"};
    CHECK(change("must be seen", Effect::required).error() == errc::cache_unavailable);
    world.outage->operations = {};
    CHECK(passes.find(row.id, truth)->note == "pending by publish");
    CHECK(change("must be seen", Effect::required).effective());
    CHECK(passes.find(row.id)->note == "must be seen");
    const auto nothing = in_one_transaction(std::tie(passes), [&](auto& unit) { unit.find(passes, row.id); }, {.effect = Effect::required});
    CHECK(nothing.effective());

    Both<> alone([](Options& options) { options.sole_writer = false; });
    CHECK(in_one_transaction(alone.all(), [](auto&) { FAIL("the function must not run"); }, {.effect = Effect::required}).error() == errc::invalid_options);
}

TEST_CASE("a unit waits for a tier that is away no more than once before it commits, and publishes all the same") {
    Shared world;
    auto& passes = *world.passes;
    std::vector<Pass> rows;
    for (int number = 1; number <= 5; ++number) rows.push_back(world.insert(number));
    for (const Pass& row : rows) passes.find(row.id);
    world.outage->operations = {"fence"};
    const auto fences_of = [&](auto write) {
        world.outage->failures = 0;
        const auto done = in_one_transaction(std::tie(passes), write);
        CHECK(done);
        CHECK(done.pending() == world.options.ttl);
        return world.outage->failures;
    };
    const int one = fences_of([&](auto& unit) { unit.update(passes, rows[0].id, [](Pass& pass) { pass.note = "one"; }); });
    const int all = fences_of([&](auto& unit) {
        for (const Pass& row : rows) unit.update(passes, row.id, [](Pass& pass) { pass.note = "all"; });
    });
    CHECK(all == one);
    for (const Pass& row : rows) CHECK(passes.find(row.id)->note == "all");
}

TEST_CASE("a unit that finds a row revoked, but cannot tell the tier, is as pending as what revoked it") {
    Shared world;
    const Pass row = world.insert(1);
    world.passes->find(row.id);
    world.outage->operations = {"lookup", "fence", "publish"};
    CHECK(world.passes->revoke(row.id).pending() == world.options.ttl);
    const auto revoke = [&](auto& unit) { return unit.revoke(*world.passes, row.id).changed(); };
    const auto again = in_one_transaction(std::tie(*world.passes), revoke);
    REQUIRE(succeeds(again));
    CHECK(!again.value());
    CHECK(again.pending() == world.options.ttl);
    world.outage->operations = {"lookup"};
    CHECK(in_one_transaction(std::tie(*world.passes), revoke).effective());
    world.outage->operations.clear();
    CHECK(world.passes->find(row.id).absence() == Absence::revoked);
}

TEST_CASE("two rows of a unit are seen together") {
    Both<> world;
    auto& passes = *world.passes;
    const Pass left = world.cached(1), right = world.cached(2);
    // Between the commit and what is published of it everybody who asks is answered by the database.
    world.database->once(QueryKind::commit, Stage::after, [&] {
        CHECK(passes.find(left.id)->note == "both");
        CHECK(passes.find(right.id)->note == "both");
        CHECK(passes.peek(left.id).absence() == Absence::not_cached);
    });
    CHECK(in_one_transaction(world.all(), [&](auto& unit) {
        for (const auto id : {left.id, right.id}) unit.update(passes, id, [](Pass& pass) { pass.note = "both"; });
        for (const Pass& row : {left, right}) CHECK(passes.find(row.id)->note == "first");
    }));
    CHECK(world.queries_of([&] {
        for (const auto id : {left.id, right.id}) CHECK(passes.find(id)->note == "both");
    }) == 0);
}
