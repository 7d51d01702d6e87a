// SPDX-License-Identifier: BSL-1.0
#include "world.hpp"

#include <larder/repository/assignments.hpp>
#include <larder/repository/result.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

using namespace repository_tests;

TEST_CASE("an insert gives back the row as it was stored, its key and version included") {
    World world;
    Pass row = world.row(1);
    row.version = 77;
    row.holder.name = "not written";
    const auto written = world.passes->insert(row);
    REQUIRE(written);
    CHECK(written.key() == 1);
    CHECK(written.version() == 1);
    REQUIRE(written.row());
    CHECK(written.row()->version == 1);
    CHECK(written.row()->holder.name == "holder");
    CHECK(written.changed());
    CHECK(world.passes->find(1)->holder.name == "holder");
}

TEST_CASE("an insert that the database refuses says why, names the key and never its value") {
    World world;
    const Pass row = world.insert(1);
    Pass rival = world.row(2);
    rival.code = "code 1";
    const auto refused = world.passes->insert(rival);
    CHECK(refused.error() == errc::duplicate_key);
    CHECK(refused.error().text.find("passes.code") != std::string::npos);
    CHECK(refused.error().text.find("code 1") == std::string::npos);
    CHECK(!refused);
    CHECK(!refused.effective());
    Pass orphan = world.row(3);
    orphan.holder_id = 999;
    CHECK(world.passes->insert(orphan).error() == errc::missing_relation);
    world.expect_free(rival, "after inserts that were refused");
    world.expect_found(row, "after inserts that were refused");
}

TEST_CASE("a change may leave the row as it is") {
    World world;
    const Pass row = world.insert(1);
    for (int round = 0; round < 2; ++round) {
        const std::size_t updates = world.database->queries(QueryKind::update);
        const auto left = world.passes->update(row.id, [](Pass&) { return false; });
        REQUIRE(left);
        CHECK(!left.changed());
        CHECK(left.version() == row.version);
        CHECK(world.database->queries(QueryKind::update) == updates);
        world.passes->find(row.id);
    }
    CHECK(world.passes->update(row.id, [](Pass& pass) { return pass.note = "changed", true; }).changed());
}

TEST_CASE("a change must not touch the primary key, and its effects on version and relations are not written") {
    World world;
    const Pass row = world.insert(1);
    CHECK(world.passes->update(row.id, [](Pass& pass) { pass.id = 5; }).error() == errc::invalid_options);
    const auto written = world.passes->update(row.id, [](Pass& pass) {
        pass.version = 99;
        pass.holder.name = "not written";
        pass.note = "written";
    });
    CHECK(written.version() == 2);
    world.passes->expel(row.id);
    CHECK(world.passes->find(row.id)->holder.name == "holder");
    world.expect_free(row, "after changes that were refused");
}

TEST_CASE("a touch answers from a copy as it is, and moves nothing of a row that is not valid any more") {
    World<Versioned<row_probe>> world([](Options& options) { options.touch_interval = 1min; });
    auto& passes = *world.passes;
    const Pass row = world.insert(1);
    passes.find(row.id);
    CHECK(passes.touch(row.id).changed());
    Pass behind = row;
    behind.revoked_at = std::chrono::time_point_cast<TimePoint::duration>(world.environment.wall_now());
    REQUIRE(MemoryDatabase<Pass>(world.tables).update(behind, row.version, {}).has_value());
    const auto seen = MemoryDatabase<Pass>(world.tables).load(row.id, ReadMode::plain).value()->last_seen;
    const auto early = passes.touch(row.id);
    REQUIRE(succeeds(early));
    CHECK(!early.changed());
    CHECK(early.version() == row.version);
    world.environment.advance(1min);
    const auto due = passes.touch(row.id);
    REQUIRE(succeeds(due));
    CHECK(!due.changed());
    CHECK(due.version() == row.version);
    CHECK_MESSAGE(passes.find(row.id).absence() == Absence::revoked, "what the policy promises it promises of reads");
    CHECK(passes.touch(row.id).error() == errc::revoked);
    CHECK(passes.find(row.id, truth).row()->last_seen == seen);
}

TEST_CASE("a write of a row that is not there says so") {
    World world;
    CHECK(world.passes->update(5, [](Pass&) {}).error() == errc::no_such_row);
    CHECK(world.passes->erase(5).error() == errc::no_such_row);
    CHECK(world.passes->revoke(5).error() == errc::no_such_row);
    CHECK(world.passes->touch(5).error() == errc::no_such_row);
    Pass row = world.insert(1);
    world.passes->find(row.id);
    CHECK(MemoryDatabase<Pass>(world.tables).erase(row.id, row.version, {}).has_value());
    CHECK(world.passes->update(row.id, [](Pass& pass) { pass.note = "late"; }).error() == errc::no_such_row);
    CHECK(world.passes->find(row.id).absence() == Absence::never_was);
    row = world.insert(1);
    world.passes->find(row.id);
    CHECK(MemoryDatabase<Pass>(world.tables).erase(row.id, row.version, {}).has_value());
    CHECK(world.passes->erase(row.id).error() == errc::no_such_row);
    world.expect_free(row, "after writes of a row that is gone");
}

TEST_CASE("conflicts are tried again as often as the options say; a copy that was out of date is none of them") {
    World world([](Options& options) { options.conflict_retries = 2; });
    Pass row = world.insert(1);
    MemoryDatabase<Pass> behind(world.tables);
    const auto interfere = [&] {
        const Pass current = *behind.load(row.id, ReadMode::plain).value();
        CHECK(behind.update(current, current.version, {}).has_value());
    };
    const auto attempts = [&](int rivals) {
        int calls = 0;
        const auto written = world.passes->update(row.id, [&](Pass& pass) {
            if (++calls <= rivals) interfere();
            pass.note = "ours";
        });
        return std::pair(calls, written.error().code);
    };
    world.passes->expel(row.id);
    CHECK(attempts(2) == std::pair(3, boost::system::error_code()));
    world.passes->expel(row.id);
    CHECK(attempts(3) == std::pair(3, make_error_code(errc::version_conflict)));
    world.passes->refresh(row.id);
    interfere();
    CHECK(attempts(0) == std::pair(2, boost::system::error_code()));
    world.passes->refresh(row.id);
    CHECK(attempts(3) == std::pair(4, boost::system::error_code()));
    world.passes->refresh(row.id);
    CHECK(attempts(4) == std::pair(4, make_error_code(errc::version_conflict)));
    world.expect_free(row, "after conflicts");
    SUBCASE("never, if they say so; even then a copy that is out of date does no harm") {
        World strict([](Options& options) { options.conflict_retries = 0; });
        const Pass other = strict.insert(1);
        strict.passes->find(other.id);
        Pass changed = other;
        changed.note = "behind";
        changed.version = MemoryDatabase<Pass>(strict.tables).update(changed, other.version, {}).value();
        CHECK(strict.passes->update(other.id, [](Pass& pass) { pass.note += " and ours"; }));
        CHECK(strict.passes->find(other.id)->note == "behind and ours");
        CHECK(MemoryDatabase<Pass>(strict.tables).update(changed, changed.version + 1, {}).has_value());
        CHECK(strict.passes->erase(other.id));
    }
}

TEST_CASE("a save is judged by the database's version, not by a copy's") {
    World world;
    const Pass row = world.insert(1);
    world.passes->find(row.id);
    Pass newer = row;
    newer.version = MemoryDatabase<Pass>(world.tables).update(row, row.version, {}).value();
    newer.note = "saved";
    CHECK(world.passes->save(newer));
    CHECK(world.passes->find(row.id)->note == "saved");
    CHECK(world.passes->save(newer).error() == errc::version_conflict);
    CHECK(world.passes->save(row).error() == errc::version_conflict);
    Pass elsewhere = newer;
    elsewhere.id = 55;
    CHECK(world.passes->save(elsewhere).error() == errc::no_such_row);
    world.expect_free(row, "after saves");
}

TEST_CASE("what is thrown by a change leaves nothing behind, whatever it is") {
    World world;
    const Pass row = world.insert(1);
    world.passes->find(row.id);
    CHECK(world.passes->update(row.id, [](Pass&) -> void { throw 5; }).error() == errc::exception_thrown);
    CHECK(world.passes->update(row.id, [](Pass&) -> void { throw Failure(Error{errc::revoked, "as I say"}); }).error() == errc::revoked);
    CHECK(world.passes->update(row.id, [](Pass&) -> void { throw std::logic_error("why"); }).error().text.find("why") != std::string::npos);
    world.expect_free(row, "after changes that threw");
    world.expect_found(row, "after changes that threw");
}

TEST_CASE("what a database throws is an error, and leaves neither lease, fence nor waiter behind") {
    const auto check = [](auto& world) {
        const Pass row = world.insert(1);
        world.passes->expel(row.id);
        world.passes->template expel_by<&Pass::code>(row.code);
        const auto thrown = [](const Error& failure) { return failure == errc::exception_thrown && failure.text.find("broken") != std::string::npos; };
        const auto burst = [&](QueryKind kind, Stage stage) { world.database->once(kind, stage, [] { throw std::runtime_error("broken"); }); };
        for (const auto stage : {Stage::before, Stage::after}) {
            burst(QueryKind::load, stage);
            CHECK(thrown(world.passes->find(row.id).error()));
            burst(QueryKind::load_by, stage);
            CHECK(thrown(world.passes->template find_by<&Pass::code>(row.code).error()));
            burst(QueryKind::load_many, stage);
            const std::vector<std::int64_t> keys{row.id};
            CHECK(thrown(world.passes->find_many(keys).error()));
            burst(QueryKind::list, stage);
            CHECK(thrown(world.passes->template find_all_by<&Pass::holder_id>(row.holder_id).error()));
            world.expect_free(row, "after reads that threw");
        }
        burst(QueryKind::update, Stage::before);
        CHECK(thrown(world.passes->update(row.id, [](Pass& pass) { pass.note = "lost"; }).error()));
        world.expect_found(row, "after an update that threw before it was made");
        burst(QueryKind::insert, Stage::before);
        CHECK(thrown(world.passes->insert(world.row(2)).error()));
        burst(QueryKind::revoke_group, Stage::before);
        CHECK(thrown(world.passes->template revoke_all_by<&Pass::holder_id>(row.holder_id).error()));
        burst(QueryKind::touch, Stage::before);
        CHECK(thrown(world.passes->touch(row.id).error()));
        burst(QueryKind::erase, Stage::before);
        CHECK(thrown(world.passes->erase(row.id).error()));
        world.expect_free(row, "after writes that threw");
        world.expect_found(row, "after writes that threw");
        burst(QueryKind::update, Stage::after);
        CHECK(thrown(world.passes->update(row.id, [](Pass& pass) { pass.note = "made"; }).error()));
        Pass made = row;
        made.note = "made";
        ++made.version;
        world.expect_found(made, "after an update that threw after it was made");
        world.expect_free(made, "after an update that threw after it was made");
        burst(QueryKind::erase, Stage::after);
        CHECK(thrown(world.passes->erase(row.id).error()));
        world.expect_absent(made, Absence::never_was, "after an erasure that threw after it was made");
    };
    SUBCASE("fenced") {
        World<WriteThrough> world;
        check(world);
    }
    SUBCASE("unfenced") {
        World<WriteThroughUnfenced> world;
        check(world);
    }
}

TEST_CASE("a revocation sets what it is told along with its own column") {
    World world;
    const Pass row = world.insert(1);
    const auto revoked = world.passes->revoke(row.id, set<&Pass::note>("stolen"));
    REQUIRE(revoked);
    CHECK(revoked.changed());
    REQUIRE(revoked.row());
    CHECK(revoked.row()->note == "stolen");
    CHECK(world.passes->find(row.id).row()->note == "stolen");
    CHECK(*world.passes->find(row.id).row()->revoked_at == std::chrono::time_point_cast<TimePoint::duration>(world.environment.wall_now()));
    const Pass two = world.insert(2);
    const Pass three = world.insert(3);
    const auto all = world.passes->revoke_all_by<&Pass::holder_id>(row.holder_id, set<&Pass::note>("all stolen"));
    CHECK(all.rows() == 2);
    CHECK(world.passes->find(two.id).row()->note == "all stolen");
    CHECK(world.passes->find(three.id).row()->note == "all stolen");
    CHECK(world.passes->find(row.id).row()->note == "stolen");
}

TEST_CASE("a revocation that must be effective is not made where it cannot be") {
    World alone;
    const Pass row = alone.insert(1);
    CHECK(alone.passes->revoke(row.id, Effect::required).effective());
    World shared([](Options& options) { options.sole_writer = false; });
    const Pass other = shared.insert(1);
    CHECK(shared.passes->revoke(other.id, Effect::required).error() == errc::invalid_options);
    CHECK(shared.passes->find(other.id));
    CHECK(shared.passes->revoke(other.id).pending() == shared.options.ttl);
    shared.expect_free(other, "after a revocation that could not be effective");
    World<Hybrid> hybrid([](Options& options) { options.sole_writer = false; });
    const Pass third = hybrid.insert(1);
    CHECK(hybrid.passes->revoke(third.id, Effect::required).effective());
}

TEST_CASE("wait_effective waits for as long as a write is pending, and not at all for one that is effective") {
    World world([](Options& options) {
        options.sole_writer = false;
        options.ttl = 2ms;
    });
    const auto written = world.passes->insert(world.row(1));
    CHECK(written.pending() == 2ms);
    CHECK(!written.effective());
    const auto began = std::chrono::steady_clock::now();
    CHECK(world.passes->wait_effective(written));
    CHECK(std::chrono::steady_clock::now() - began >= 2ms);
    World alone;
    CHECK(alone.passes->wait_effective(alone.passes->insert(alone.row(1)).or_throw()));
}

TEST_CASE("a touch is written at most once in its interval, to the database and to the copy") {
    World world([](Options& options) { options.touch_interval = 1min; });
    const Pass row = world.insert(1);
    world.passes->find(row.id);
    CHECK(world.passes->touch(row.id).changed());
    const auto moment = std::chrono::time_point_cast<TimePoint::duration>(world.environment.wall_now());
    CHECK(world.passes->peek(row.id)->last_seen == moment);
    CHECK(MemoryDatabase<Pass>(world.tables).load(row.id, ReadMode::plain).value()->last_seen == moment);
    world.environment.advance(59s);
    CHECK(world.queries_of([&] { CHECK(!world.passes->touch(row.id).changed()); }) == 0);
    CHECK(world.passes->peek(row.id).age() == 59s);
    world.environment.advance(1s);
    const auto touched = world.passes->touch(row.id);
    CHECK(touched.changed());
    CHECK(touched.version() == row.version);
    CHECK(world.passes->find(row.id).version() == row.version);
    CHECK(world.passes->peek(row.id).age() == 1min);
    world.expect_free(row, "after touches");
    SUBCASE("a write that comes in the middle of a touch is not lost from the copy") {
        world.environment.advance(2min);
        world.database->once(QueryKind::touch, Stage::after, [&] { world.passes->update(row.id, [](Pass& pass) { pass.note = "newer"; }).or_throw(); });
        CHECK(world.passes->touch(row.id).changed());
        CHECK(world.passes->find(row.id)->note == "newer");
        world.expect_free(row, "after a touch that met a write");
    }
    SUBCASE("a touch that fails leaves the copy as it was") {
        world.environment.advance(2min);
        world.database->fail_once(QueryKind::touch, Stage::before, Error{errc::database_busy, "busy"});
        CHECK(world.passes->touch(row.id).error() == errc::database_busy);
        CHECK(world.passes->peek(row.id)->note == row.note);
        world.expect_free(row, "after a touch that failed");
    }
    SUBCASE("a touch does not make a copy live longer") {
        world.environment.advance(world.options.ttl - 1min - 1s);
        CHECK(world.passes->touch(row.id).changed());
        world.environment.advance(1s);
        CHECK(world.passes->peek(row.id).absence() == Absence::not_cached);
    }
}

TEST_CASE("embedded rows of a row that is written again and again are no older than the TTL") {
    World world([](Options& options) { options.ttl = 10min; });
    auto holders = world.repository_of<Holder>();
    const Pass row = world.insert(1);
    world.passes->find(row.id);
    holders->update(world.holder(), [](Holder& holder) { holder.name = "renamed"; }).or_throw();
    for (int minute = 1; minute < 10; ++minute) {
        world.environment.advance(1min);
        world.passes->update(row.id, [&](Pass& pass) { pass.note = std::to_string(minute); }).or_throw();
        CHECK(world.passes->find(row.id)->note == std::to_string(minute));
    }
    world.environment.advance(1min);
    CHECK(world.passes->find(row.id)->holder.name == "renamed");
}

TEST_CASE("embedded rows that are loaded while the clock runs are no older than the TTL either") {
    World world([](Options& options) { options.ttl = 10min; });
    auto holders = world.repository_of<Holder>();
    const Pass row = world.insert(1);
    world.database->once(QueryKind::load, Stage::after, [&] {
        world.environment.advance(9min);
        holders->update(world.holder(), [](Holder& holder) { holder.name = "renamed"; }).or_throw();
    });
    world.passes->update(row.id, [](Pass& pass) { pass.note = "slow"; }).or_throw();
    world.environment.advance(1min);
    CHECK(world.passes->find(row.id)->holder.name == "renamed");
}

TEST_CASE("a change of a foreign key brings the other embedded row") {
    World world;
    auto holders = world.repository_of<Holder>();
    const auto other = holders->insert({.id = 0, .name = "other", .motto = std::nullopt, .version = 0}).or_throw().key();
    const Pass row = world.insert(1);
    world.passes->find(row.id);
    const auto written = world.passes->update(row.id, [&](Pass& pass) { pass.holder_id = other; });
    CHECK(!written.row());
    CHECK(world.passes->find(row.id)->holder.name == "other");
    CHECK(world.passes->update(row.id, [](Pass& pass) { pass.holder_id = 999; }).error() == errc::missing_relation);
    CHECK(world.passes->find(row.id)->holder.name == "other");
}

TEST_CASE("linked repositories: parents never serve an embedded row older than its last effective write") {
    World world;
    auto holders = world.repository_of<Holder>();
    world.passes->link<&Pass::holder>(*holders);
    const Pass row = world.insert(1);
    int number = 0;
    const auto rename = [&] {
        const std::string name = "name " + std::to_string(++number);
        CHECK(holders->update(world.holder(), [&](Holder& holder) { holder.name = name; }).effective());
        return name;
    };
    const auto check = [&](const std::string& name) {
        for (int round = 0; round < 2; ++round)
            for (const auto& way : World<>::ways(row)) CHECK(way.read(*world.passes)->holder.name == name);
    };
    check("holder");
    check(rename());
    SUBCASE("a parent's own write in between") {
        world.passes->update(row.id, [](Pass& pass) { pass.note = "written"; }).or_throw();
        check(rename());
    }
    SUBCASE("a parent that is loaded while its child is written") {
        const std::vector<std::pair<QueryKind, std::function<void()>>> loads{
            {QueryKind::load, [&] { world.passes->find(row.id); }},
            {QueryKind::load_by, [&] { world.passes->find_by<&Pass::code>(row.code); }},
            {QueryKind::load_many, [&] { world.passes->find_many(std::vector<std::int64_t>{row.id}); }}};
        for (const auto& [kind, load] : loads) {
            world.passes->expel(row.id);
            world.passes->expel_by<&Pass::code>(row.code);
            std::string name;
            world.database->once(kind, Stage::after, [&] { name = rename(); });
            load();
            check(name);
        }
    }
    SUBCASE("who asks for a parent after its child was written does not share an older load") {
        world.passes->expel(row.id);
        world.passes->expel_by<&Pass::code>(row.code);
        std::string name;
        std::optional<Found<Pass>> late;
        world.database->once(QueryKind::load_by, Stage::after, [&] {
            name = rename();
            world.passes->async_find_by<&Pass::code>(row.code, {}, [&](const Error&, const Found<Pass>& found) { late = found; });
        });
        world.passes->find_by<&Pass::code>(row.code);
        world.settle();
        REQUIRE(late);
        CHECK((*late)->holder.name == name);
    }
    SUBCASE("a parent that is written while its child is written") {
        std::string name;
        world.database->once(QueryKind::update, Stage::before, [&] { name = rename(); });
        world.passes->update(row.id, [](Pass& pass) { pass.note = "written"; }).or_throw();
        check(name);
    }
    SUBCASE("a failure to list the parents makes the write pending, and the observer knows why") {
        world.database->fail_once(QueryKind::list, Stage::before, Error{errc::database_busy, "busy"});
        CHECK(!holders->update(world.holder(), [](Holder& holder) { holder.name = "unknown"; }).effective());
        const auto hidden = world.environment.observer().all<testing::EventLog::HiddenFailure>();
        REQUIRE(hidden.size() == 1);
        CHECK(hidden[0].error == errc::database_busy);
    }
    SUBCASE("a parent that is gone is no parent any more") {
        world.passes.reset();
        CHECK(holders->update(world.holder(), [](Holder& holder) { holder.name = "alone"; }).effective());
    }
}

TEST_CASE("linked repositories: what embeds a parent is expelled as well") {
    World world;
    auto holders = world.repository_of<Holder>();
    auto crates = world.repository_of<testing::Crate>();
    world.passes->link<&Pass::holder>(*holders);
    crates->link<&testing::Crate::pass>(*world.passes);
    const Pass row = world.insert(1);
    testing::Crate crate;
    crate.label = "crate";
    crate.pass_id = row.id;
    const auto id = crates->insert(crate).or_throw().key();
    CHECK(!id.is_nil());
    CHECK(crates->find(id)->pass->holder.name == "holder");
    holders->update(world.holder(), [](Holder& holder) { holder.name = "renamed"; }).or_throw();
    CHECK(crates->find(id)->pass->holder.name == "renamed");
    world.passes->update(row.id, [](Pass& pass) { pass.note = "changed"; }).or_throw();
    CHECK(crates->find(id)->pass->note == "changed");
    CHECK(crates->update(id, [](testing::Crate& changed) { changed.pass_id.reset(); }));
    CHECK(!crates->find(id)->pass);
    CHECK(crates->find(id));
}
