// SPDX-License-Identifier: BSL-1.0
#include "shared_cache.hpp"
#include "world.hpp"

#include <larder/cache/memory.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace repository_tests;

namespace {

using Passes = SharedPasses;

} // namespace

TEST_CASE("a tier that fails fails no read that the database can answer, and the observer knows what failed") {
    for (const bool by_exception : {false, true}) {
        Shared world;
        const Pass row = world.insert(1);
        world.passes->find_by<&Pass::code>(row.code);
        world.outage->by_exception = by_exception;
        const std::vector<std::int64_t> keys{row.id};
        for (const std::string_view operation : {"lookup", "lookup_many", "fill", "fill_many"}) {
            CAPTURE(operation);
            world.outage->operations.clear();
            world.passes->expel(row.id);
            world.passes->expel_by<&Pass::code>(row.code);
            world.environment.observer().clear();
            world.outage->operations = {operation};
            CHECK(world.passes->find(row.id)->note == row.note);
            CHECK(world.passes->find_by<&Pass::code>(row.code)->note == row.note);
            CHECK(world.passes->find_many(keys)[0]->note == row.note);
            CHECK(world.passes->refresh(row.id)->note == row.note);
            CHECK(world.passes->warm(keys).cached == 1);
            if (operation == "lookup" || operation == "fill" || world.passes->peek(row.id).absence() != Absence::none) {
                const auto hidden = world.hidden();
                CHECK(std::count(hidden.begin(), hidden.end(), operation) > 0);
            }
        }
        world.outage->operations.clear();
        world.environment.advance(world.options.lease_for);
        CHECK(world.passes->find(row.id));
        CHECK(world.passes->find(row.id).source() == Level::shared);
        CHECK(world.passes->find_by<&Pass::code>(row.code).source() == Level::shared);
    }
}

TEST_CASE("a write that does not reach the tier commits, and says for how long it may be pending") {
    for (const std::string_view operation : {"fence", "publish"}) {
        CAPTURE(operation);
        Shared world({.stale_if_error = 1h});
        const Pass row = world.insert(1);
        const Pass other = world.insert(2);
        CHECK(world.passes->update(row.id, [](Pass& pass) { pass.note = "before"; }).effective());
        world.passes->find(row.id);
        world.outage->operations = {operation};
        const auto written = world.passes->update(row.id, [](Pass& pass) { pass.note = "during"; });
        REQUIRE(written);
        CHECK(!written.effective());
        CHECK(written.pending() == world.options.ttl + world.options.stale_if_error);
        CHECK(!world.passes->erase(other.id).effective());
        CHECK(world.passes->revoke_all_by<&Pass::holder_id>(world.holder).pending() > 0s);
        CHECK(MemoryDatabase<Pass>(world.tables).load(row.id, ReadMode::plain).value()->note == "during");
        const auto hidden = world.hidden();
        CHECK(std::count(hidden.begin(), hidden.end(), operation) > 0);
    }
}

TEST_CASE("a tier that asks its server again by itself is asked once, any other three times") {
    Shared world;
    const Pass row = world.insert(1);
    world.outage->operations = {"fence", "publish"};
    const auto failures = [&](auto& passes) {
        world.outage->failures = 0;
        CHECK(passes.update(row.id, [](Pass& pass) { pass.note += '.'; }).pending() == world.options.ttl);
        return world.outage->failures;
    };
    CHECK(failures(*world.passes) == 6);
    using Patient = CachedRepository<Pass, Stack<PatientCache, MemoryDatabase>, WriteThrough, ManualEnvironment>;
    Patient patient(Patient::Config{{world.outage, world.records}, world.tables}, world.options, WriteThrough{}, world.environment);
    CHECK(failures(patient) == 2);
}

TEST_CASE("a revocation that finds the row revoked, but cannot tell the tier, is as pending as the one that revoked it") {
    Shared world;
    const Pass row = world.insert(1);
    world.passes->find(row.id);
    world.outage->operations = {"lookup", "fence", "publish"};
    CHECK(world.passes->revoke(row.id).pending() == world.options.ttl);
    const auto again = world.passes->revoke(row.id);
    REQUIRE(again);
    CHECK(!again.changed());
    CHECK(again.pending() == world.options.ttl);
    CHECK(world.passes->revoke(row.id, Effect::required).error() == errc::cache_unavailable);
    world.outage->operations = {"lookup"};
    CHECK(world.passes->revoke(row.id).effective());
    world.outage->operations.clear();
    CHECK(world.passes->find(row.id).absence() == Absence::revoked);
}

TEST_CASE("a write that must be effective is not made when the tier cannot be fenced, and leaves no fence behind") {
    Shared world;
    const Pass row = world.insert(1);
    world.passes->find(row.id);
    world.outage->operations = {"fence"};
    CHECK(world.passes->revoke(row.id, Effect::required).error() == errc::cache_unavailable);
    CHECK(MemoryDatabase<Pass>(world.tables).load(row.id, ReadMode::plain).value()->version == row.version);
    world.outage->operations.clear();
    CHECK(world.passes->find(row.id));
    CHECK(world.passes->core()->authority.lookup<0>(row.id, Demand{})->answer == Answer::hit);
    CHECK(world.passes->revoke(row.id, Effect::required).effective());
    CHECK(world.passes->find(row.id).absence() == Absence::revoked);
}

TEST_CASE("verbs that are about the tier alone fail with it") {
    Shared world;
    const Pass row = world.insert(1);
    world.outage->operations = {"expel", "expire"};
    CHECK(world.passes->expel(row.id).error() == errc::cache_unavailable);
    CHECK(world.passes->expire(row.id).error() == errc::cache_unavailable);
    CHECK(world.passes->expel_by<&Pass::code>(row.code).error() == errc::cache_unavailable);
}

TEST_CASE("a fenced write that is later than its fence is refused by the database, and lost to nobody") {
    Shared world;
    const Pass row = world.insert(1);
    world.passes->find(row.id);
    for (const auto act : {0, 1}) {
        world.database->once(act == 0 ? QueryKind::update : QueryKind::erase, testing::Stage::before, [&] { world.environment.advance(world.options.fence_for + 1s); });
        const auto late = act == 0 ? world.passes->update(row.id, [](Pass& pass) { pass.note = "late"; }) : world.passes->erase(row.id);
        CHECK(late.error() == errc::deadline_passed);
        for (int round = 0; round < 2; ++round) CHECK(world.passes->find(row.id)->note == row.note);
    }
    CHECK(world.passes->update(row.id, [](Pass& pass) { pass.note = "in time"; }).effective());
    CHECK(world.passes->find(row.id)->note == "in time");
    world.database->fail_once(QueryKind::clock, testing::Stage::before, Error{errc::database_busy, "busy"});
    CHECK(world.passes->update(row.id, [](Pass& pass) { pass.note = "no clock"; }).error() == errc::database_busy);
    CHECK(world.passes->find(row.id).source() == Level::shared);
}

TEST_CASE("two repositories over one tier see each other's writes at once") {
    Shared world;
    Passes other(Passes::Config{{world.outage, world.records}, world.tables}, world.options, WriteThrough{}, world.environment);
    const Pass row = world.insert(1);
    world.passes->find_by<&Pass::code>(row.code);
    for (int round = 0; round < 3; ++round) {
        const std::string note = "round " + std::to_string(round);
        CHECK(other.update(row.id, [&](Pass& pass) { pass.note = note; }).effective());
        CHECK(world.passes->find(row.id)->note == note);
        CHECK(world.passes->find_by<&Pass::code>(row.code)->note == note);
        world.passes->expel(row.id);
        world.passes->expel_by<&Pass::code>(row.code);
        world.database->once(QueryKind::load_by, testing::Stage::after, [&] { CHECK(other.update(row.id, [&](Pass& pass) { pass.note = "theirs"; }).effective()); });
        world.passes->find_by<&Pass::code>(row.code);
        CHECK(world.passes->find(row.id)->note == "theirs");
    }
    world.passes->expel(row.id);
    world.passes->expel_by<&Pass::code>(row.code);
    world.database->once(QueryKind::load_by, testing::Stage::after, [&] { CHECK(other.revoke_all_by<&Pass::holder_id>(world.holder).effective()); });
    world.passes->find_by<&Pass::code>(row.code);
    world.records->clear();
    CHECK(world.passes->find(row.id).absence() == Absence::revoked);
}

TEST_CASE("a row that another process loads while its embedded row is written does not outlive the write") {
    Shared world;
    Passes other(Passes::Config{{world.outage, world.records}, world.tables}, world.options, WriteThrough{}, world.environment);
    CachedRepository<Holder, Stack<MemoryCache, MemoryDatabase>, WriteThrough, ManualEnvironment> holders({{}, world.tables}, {.sole_writer = true}, {}, world.environment);
    world.passes->link<&Pass::holder>(holders);
    const Pass row = world.insert(1);
    world.passes->expel_by<&Pass::code>(row.code);
    world.database->once(QueryKind::load_by, testing::Stage::after, [&] { CHECK(holders.update(world.holder, [](Holder& holder) { holder.name = "renamed"; }).effective()); });
    other.find_by<&Pass::code>(row.code);
    CHECK(other.find_by<&Pass::code>(row.code)->holder.name == "renamed");
    CHECK(world.passes->find(row.id)->holder.name == "renamed");
    world.database->fail_once(QueryKind::load_many, testing::Stage::before, Error{errc::database_busy, "busy"});
    CHECK(!holders.update(world.holder, [](Holder& holder) { holder.name = "again"; }).effective());
}

TEST_CASE("a tier in front of one that is not read, not filled or away is left with no placeholder") {
    Shared world;
    const Pass row = world.insert(1);
    using Fronted = CachedRepository<Pass, Stack<MemoryCache, SharedCache, MemoryDatabase>, WriteThrough, ManualEnvironment>;
    Fronted passes(Fronted::Config{{}, {world.outage, world.records}, world.tables}, world.options, WriteThrough{}, world.environment);
    const auto check = [&](const char* when) {
        CAPTURE(when);
        CHECK(passes.find(row.id)->note == row.note);
        CHECK(passes.core()->near.lookup<0>(row.id, Demand{.want_lease = false}).answer == Answer::miss);
    };
    passes.switch_reading(Level::shared, false);
    check("not read");
    passes.switch_reading(Level::shared, true);
    passes.switch_filling(Level::shared, false);
    check("not filled");
    passes.switch_filling(Level::shared, true);
    world.outage->operations = {"lookup"};
    check("away");
    world.outage->operations = {"fill"};
    check("not to be filled");
    world.outage->operations.clear();
    world.environment.advance(world.options.lease_for);
    passes.find(row.id);
    CHECK(passes.find(row.id).source() == Level::memory);
    world.outage->operations = {"lookup", "publish", "fence", "fill"};
    CHECK(passes.find(row.id).source() == Level::memory);
    CHECK(!passes.update(row.id, [](Pass& pass) { pass.note = "newer"; }).effective());
    CHECK(passes.find(row.id)->note == "newer");
}

TEST_CASE("one process reads what another one is loading, when it is loaded") {
    Shared world;
    const Pass row = world.insert(1);
    Passes other(Passes::Config{{world.outage, world.records}, world.tables}, world.options, WriteThrough{}, world.environment);
    // The other process holds the lease for a while: this one waits for it, a little longer each time, and then loads by itself.
    Demand demand;
    demand.lease_for = 1h;
    const auto lease = world.records->lookup<0>(row.id, demand).lease;
    REQUIRE(lease != 0);
    Options hasty = world.options;
    hasty.lease_for = 5ms;
    Passes impatient(Passes::Config{{world.outage, world.records}, world.tables}, hasty, WriteThrough{}, world.environment);
    const auto began = std::chrono::steady_clock::now();
    CHECK(impatient.find(row.id)->note == row.note);
    CHECK(std::chrono::steady_clock::now() - began >= 5ms);
    CHECK(impatient.find(row.id).source() == Level::database);
    std::size_t waited = 0;
    for (const auto& lookup : world.environment.observer().all<event::Lookup>()) waited += lookup.outcome == LookupOutcome::waited;
    CHECK(waited >= 3);
    FillRequest<CachedRow<Pass>> request;
    request.lease = lease;
    request.version = row.version;
    request.value.full = std::make_shared<const Pass>(row);
    request.lifetime.serve = 1h;
    CHECK(world.records->fill<0>(row.id, std::move(request)) == FillOutcome::stored);
    CHECK(other.find(row.id).source() == Level::shared);
}
