// SPDX-License-Identifier: BSL-1.0
#include "fixture.hpp"

#include <boost/asio/io_context.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

using namespace larder_tests;

TEST_CASE("find: the first asks the database, the second the memory, both say so") {
    Fixture world;
    const auto id = world.add("a");
    world.passes.expel(id);
    world.tables.forget();
    const auto first = world.passes.find(id);
    REQUIRE(first);
    CHECK(first.source() == Level::database);
    CHECK(first->holder.name == "ann");
    world.env.advance(5s);
    const auto second = world.passes.find(id);
    REQUIRE(second);
    CHECK(second.source() == Level::memory);
    CHECK(second.age() == 5s);
    CHECK(second.version() == 1);
    CHECK(world.tables.queries() == 1);
}

TEST_CASE("find_by: an alias is filled once, and what it leads to is verified") {
    Fixture world;
    const auto id = world.add("a");
    world.tables.forget();
    CHECK(world.passes.find_by<&Pass::code>("a"));
    CHECK(world.passes.find_by<&Pass::code>("a"));
    CHECK(world.tables.queries() <= 1);
    REQUIRE(world.passes.update(id, [](Pass& row) { row.code = "b"; }));
    CHECK(world.passes.find_by<&Pass::code>("a").absence() == Absence::never_was);
    CHECK(world.passes.find_by<&Pass::code>("b"));
}

TEST_CASE("absence: never was, expired, revoked, not cached") {
    Fixture world;
    CHECK(world.passes.find(77).absence() == Absence::never_was);
    CHECK(world.passes.peek(77).absence() != Absence::none);
    const auto id = world.add("a");
    world.passes.expel(id);
    CHECK(world.passes.peek(id).absence() == Absence::not_cached);
    CHECK(world.passes.try_find(id).absence() == Absence::not_cached);
    REQUIRE(world.passes.find(id));
    CHECK(world.passes.peek(id));
    CHECK(world.passes.try_find(id));
    const auto other = world.add("b");
    REQUIRE(world.passes.revoke(other));
    const auto revoked = world.passes.find(other);
    CHECK(revoked.absence() == Absence::revoked);
    CHECK(revoked.row() != nullptr);
    world.env.advance(25h);
    CHECK(world.passes.find(id).absence() == Absence::expired);
}

TEST_CASE("a row does not outlive its own expiry, whichever way the wall clock is stepped") {
    Fixture world;
    const auto id = world.add("a");
    REQUIRE(world.passes.find(id));
    world.env.set_wall_now(world.env.wall_now() + 25h);
    CHECK(world.passes.find(id).absence() == Absence::expired);
    world.env.set_wall_now(world.env.wall_now() - 48h);
    CHECK(world.passes.find(id));
}

TEST_CASE("negative entries answer for their time, and an insert ends them") {
    Fixture world(Options{.negative_ttl = 2s});
    world.tables.forget();
    CHECK_FALSE(world.passes.find_by<&Pass::code>("new"));
    CHECK_FALSE(world.passes.find_by<&Pass::code>("new"));
    CHECK(world.tables.queries(QueryKind::load_by) == 1);
    world.add("new");
    CHECK(world.passes.find_by<&Pass::code>("new"));
    CHECK_FALSE(world.passes.find_by<&Pass::code>("other"));
    world.env.advance(3s);
    world.tables.forget();
    CHECK_FALSE(world.passes.find_by<&Pass::code>("other"));
    CHECK(world.tables.queries(QueryKind::load_by) == 1);
}

TEST_CASE("intents: at_least, max_age, truth, keep_for") {
    Fixture world;
    const auto id = world.add("a");
    REQUIRE(world.passes.find(id));
    world.env.advance(10s);
    world.tables.forget();
    CHECK(world.passes.find(id, max_age(20s)).source() == Level::memory);
    CHECK(world.passes.find(id, max_age(5s)).source() == Level::database);
    CHECK(world.passes.find(id, truth).source() == Level::database);
    CHECK(world.tables.queries() == 2);
    CHECK(world.passes.find(id, at_least({1})).source() == Level::memory);
    world.passes.expel(id);
    REQUIRE(world.passes.find(id, keep_for(1s)));
    world.env.advance(2s);
    CHECK(world.passes.find(id).source() == Level::database);
}

TEST_CASE("update: conditional, retried, refused where there is nothing to write") {
    Fixture world;
    const auto id = world.add("a");
    const auto written = world.passes.update(id, [](Pass& row) { row.note = "x"; });
    REQUIRE(written);
    CHECK(written.version() == 2);
    CHECK(written.effective());
    CHECK(world.passes.find(id)->note == "x");
    CHECK(world.passes.update(99, [](Pass&) {}).error() == errc::no_such_row);
    const auto unchanged = world.passes.update(id, [](Pass&) { return false; });
    REQUIRE(unchanged);
    CHECK_FALSE(unchanged.changed());
    const auto thrown = world.passes.update(id, [](Pass&) { throw std::runtime_error("no"); });
    CHECK(thrown.error() == errc::exception_thrown);
    CHECK(thrown.error().text.find("no") != std::string::npos);
    CHECK(world.passes.find(id)->note == "x");
}

TEST_CASE("update: a cached base that is out of date is read again") {
    Fixture world;
    const auto id = world.add("a");
    REQUIRE(world.passes.find(id));
    // Somebody else writes; this repository's copy is old and its own write must not undo that.
    Passes other({{}, world.tables.tables}, Fixture::sole({}), {}, world.env);
    REQUIRE(other.update(id, [](Pass& row) { row.note = "theirs"; }));
    int calls = 0;
    REQUIRE(world.passes.update(id, [&](Pass& row) {
        ++calls;
        row.badge = "mine";
    }));
    CHECK(calls == 2);
    const auto row = world.truth_of(id);
    CHECK(row->note == "theirs");
    CHECK(row->badge == "mine");
    CHECK(row.version() == 3);
}

TEST_CASE("save: conditional on the version that was read") {
    Fixture world;
    const auto id = world.add("a");
    Pass row = *world.passes.find(id);
    row.note = "saved";
    REQUIRE(world.passes.save(row));
    CHECK(world.passes.save(row).error() == errc::version_conflict);
    CHECK(world.truth_of(id)->note == "saved");
}

TEST_CASE("insert: what a fence covered is cached at once, a row whose key the database generates by its first read") {
    Fixture world;
    Pass own = world.pass("own");
    own.id = 77;
    REQUIRE(world.passes.insert(own));
    CHECK(world.passes.find(77).source() == Level::memory);
    const auto generated = world.add("generated");
    CHECK(world.passes.find(generated).source() == Level::database);
    CHECK(world.passes.find(generated).source() == Level::memory);
}

TEST_CASE("insert: duplicates name their key kind and never its value") {
    Fixture world;
    world.add("secret-code");
    const auto again = world.passes.insert(world.pass("secret-code"));
    CHECK(again.error() == errc::duplicate_key);
    CHECK(again.error().text.find("code") != std::string::npos);
    CHECK(again.error().text.find("secret-code") == std::string::npos);
    CHECK(world.passes.find_by<&Pass::code>("secret-code"));
}

TEST_CASE("erase: the row and all its keys are gone") {
    Fixture world;
    const auto id = world.add("a");
    REQUIRE(world.passes.find_by<&Pass::code>("a"));
    REQUIRE(world.passes.erase(id));
    CHECK(world.passes.find(id).absence() == Absence::never_was);
    CHECK(world.passes.find_by<&Pass::code>("a").absence() == Absence::never_was);
    CHECK(world.passes.erase(id).error() == errc::no_such_row);
}

TEST_CASE("revoke: terminal, idempotent, with what is to be written along") {
    Fixture world;
    const auto id = world.add("a");
    const auto first = world.passes.revoke(id, set<&Pass::note>("left"));
    REQUIRE(first);
    CHECK(first.changed());
    CHECK(world.truth_of(id).row()->note == "left");
    const auto again = world.passes.revoke(id);
    REQUIRE(again);
    CHECK_FALSE(again.changed());
    CHECK(world.passes.update(id, [](Pass& row) { row.note = "back"; }).error() == errc::revoked);
    CHECK(world.passes.find_by<&Pass::code>("a").absence() == Absence::revoked);
    CHECK(world.passes.revoke(id, Effect::required).effective());
}

TEST_CASE("revoke_all_by: every valid row of the group, at once") {
    Fixture world;
    std::vector<std::int64_t> ids;
    for (const char* code : {"a", "b", "c"}) ids.push_back(world.add(code));
    for (const auto id : ids) REQUIRE(world.passes.find(id));
    const auto done = world.passes.revoke_all_by<&Pass::holder_id>(world.holder, set<&Pass::note>("all"));
    REQUIRE(done);
    CHECK(done.rows() == 3);
    CHECK(done.effective());
    for (const auto id : ids) CHECK(world.passes.find(id).absence() == Absence::revoked);
    CHECK(world.passes.find_all_by<&Pass::holder_id>(world.holder).empty());
    CHECK(world.passes.revoke_all_by<&Pass::holder_id>(world.holder).rows() == 0);
    const auto more = world.add("d");
    boost::asio::io_context context;
    Passes passes({{}, world.tables.tables}, Options{.sole_writer = true, .executor = context.get_executor()}, {}, world.env);
    std::size_t revoked = 0;
    passes.async_revoke_all_by<&Pass::holder_id>(world.holder, [&](const Error&, const WrittenMany<Pass>& written) { revoked = written.rows(); });
    context.run();
    CHECK(revoked == 1);
    CHECK(passes.find(more).absence() == Absence::revoked);
}

TEST_CASE("touch: throttled, moves no version, reaches the cached copy") {
    Fixture world(Options{.touch_interval = 1min});
    const auto id = world.add("a");
    REQUIRE(world.passes.find(id));
    world.tables.forget();
    CHECK(world.passes.touch(id).changed());
    for (int i = 0; i < 10; ++i) CHECK_FALSE(world.passes.touch(id).changed());
    CHECK(world.tables.queries(QueryKind::touch) == 1);
    CHECK(world.passes.find(id).version() == 1);
    CHECK(world.passes.find(id)->last_seen.has_value());
    world.env.advance(61s);
    CHECK(world.passes.touch(id).changed());
}

TEST_CASE("find_many: one query for all that is missing, answers in order") {
    Fixture world;
    const auto first = world.add("a");
    const auto second = world.add("b");
    world.passes.expel(first);
    world.passes.expel(second);
    world.tables.forget();
    const std::vector<std::int64_t> keys{second, 99, first};
    const auto found = world.passes.find_many(keys);
    REQUIRE(found.size() == 3);
    CHECK(found[0]->code == "b");
    CHECK(found[1].absence() == Absence::never_was);
    CHECK(found[2]->code == "a");
    CHECK(world.tables.queries() == 1);
    CHECK(world.passes.find_many(keys).size() == 3);
    CHECK(world.tables.queries() == 1);
}

TEST_CASE("find_many and warm: keys may be given as they are, in both forms") {
    Fixture world;
    const auto first = world.add("a");
    const auto second = world.add("b");
    CHECK(world.passes.warm({first}).loaded == 1);
    world.tables.forget();
    const auto found = world.passes.find_many({second, 99, first});
    REQUIRE(found.size() == 3);
    CHECK(found[0]->code == "b");
    CHECK(found[1].absence() == Absence::never_was);
    CHECK(found[2].source() == Level::memory);
    CHECK(world.tables.queries() == 1);
    CHECK(world.passes.find_many({first}, truth)[0].source() == Level::database);
    CHECK(world.passes.find_many({}).empty());
    std::size_t steps = 0;
    CHECK(world.passes.warm({first, second}, [&](const WarmReport&) { ++steps; }).cached == 2);
    CHECK(steps == 1);

    boost::asio::io_context context;
    Passes passes({{}, world.tables.tables}, Options{.executor = context.get_executor()}, {}, world.env);
    WarmReport warmed;
    FoundMany<Pass> both;
    passes.async_warm({first, second}, {}, [&](const Error&, const WarmReport& report) { warmed = report; });
    context.run();
    CHECK(warmed.loaded == 2);
    passes.async_find_many({second, first}, {}, [&](const Error&, const FoundMany<Pass>& answers) { both = answers; });
    context.restart();
    context.run();
    REQUIRE(both.size() == 2);
    CHECK(both[0]->code == "b");
    CHECK(both[1].source() == Level::memory);

    using Settings = CachedRepository<Setting, Stack<MemoryCache, MemoryDatabase>, WriteThrough, ManualEnvironment>;
    Settings settings({{}, world.tables.tables}, {}, {}, world.env);
    settings.insert(sample_row<Setting>(1)).or_throw();
    CHECK(settings.find_many({"setting 1", "setting 2"})[0]->name == "setting 1");
    CHECK(settings.warm({"setting 1", "setting 2"}).absent == 1);
}

TEST_CASE("find_all_by: rows at least as new as listed") {
    Fixture world;
    const auto id = world.add("a");
    world.add("b");
    REQUIRE(world.passes.find(id));
    Passes other({{}, world.tables.tables}, Fixture::sole({}), {}, world.env);
    REQUIRE(other.update(id, [](Pass& row) { row.note = "new"; }));
    const auto found = world.passes.find_all_by<&Pass::holder_id>(world.holder);
    REQUIRE(found.size() == 2);
    CHECK(found[0]->note == "new");
}

TEST_CASE("warm and warm_by: batched, with progress") {
    Fixture world(Options{.batch_size = 2});
    std::vector<std::int64_t> ids;
    for (const char* code : {"a", "b", "c"}) ids.push_back(world.add(code));
    for (const auto id : ids) world.passes.expel(id);
    world.tables.forget();
    std::vector<std::size_t> steps;
    const auto report = world.passes.warm_by<&Pass::holder_id>(world.holder, [&](const WarmReport& so_far) { steps.push_back(so_far.asked); });
    REQUIRE(report);
    CHECK(report.loaded == 3);
    CHECK(steps == std::vector<std::size_t>{2, 3});
    CHECK(world.tables.queries(QueryKind::load_many) == 2);
    world.tables.forget();
    for (const auto id : ids) CHECK(world.passes.find(id));
    CHECK(world.tables.queries() == 0);
    const auto stopped = world.passes.warm(ids, [](const WarmReport&) { throw std::runtime_error("enough"); });
    CHECK(stopped.error() == errc::exception_thrown);
}

TEST_CASE("scope: refresh token, jti and id are one lookup and one query") {
    Fixture world;
    const auto id = world.add("a");
    REQUIRE(world.passes.update(id, [](Pass& row) { row.badge = "b"; }));
    world.passes.expel(id);
    world.passes.expel_by<&Pass::code>("a");
    world.tables.forget();
    auto scope = world.passes.scope();
    CHECK(scope.find_by<&Pass::code>("a"));
    CHECK(scope.find_by<&Pass::badge>("b"));
    CHECK(scope.find(id));
    CHECK(world.tables.queries() == 1);
    CHECK(scope.size() == 1);
    REQUIRE(world.passes.update(id, [](Pass& row) { row.note = "later"; }));
    CHECK(scope.find(id)->note.empty());
    scope.forget(id);
    CHECK(scope.find(id)->note == "later");
}

TEST_CASE("heat: cold rows are not kept, warm ones answer a projection, hot ones everything") {
    Fixture world(Options{.heat = heat_by_frequency(2, 3)});
    const auto id = world.add("a");
    world.passes.expel(id);
    world.tables.forget();
    CHECK(world.passes.find(id));
    CHECK(world.passes.usage().entries <= 1);
    CHECK(world.passes.find(id));
    const auto queries = world.tables.queries();
    const auto warm = world.passes.find_warm(id);
    REQUIRE(warm);
    CHECK(warm.get<&Pass::holder_id>() == world.holder);
    CHECK(world.tables.queries() == queries);
    CHECK(world.passes.find(id));
    world.tables.forget();
    CHECK(world.passes.find(id));
    CHECK(world.passes.find(id));
    CHECK(world.tables.queries() == 0);
}

TEST_CASE("stale_if_error: a copy past its time answers while the database fails, never a revoked one") {
    Fixture world(Options{.ttl = 10s, .stale_if_error = 1h});
    const auto id = world.add("a");
    const auto other = world.add("b");
    REQUIRE(world.passes.find(id));
    REQUIRE(world.passes.find(other));
    REQUIRE(world.passes.revoke(other));
    world.env.advance(20s);
    world.tables.fail(Error{errc::database_unavailable, "down"});
    const auto stale = world.passes.find(id);
    REQUIRE(stale);
    CHECK(stale.stale() == StaleCause::database_failed);
    CHECK_FALSE(world.passes.find(other));
    world.passes.expire(id);
    CHECK(world.passes.find(id).stale() == StaleCause::database_failed);
    world.passes.expel(id);
    CHECK(world.passes.find(id).error() == errc::database_unavailable);
    world.tables.fail(std::nullopt);
    CHECK(world.passes.find(id));
}

TEST_CASE("a write that fails leaves nothing behind, and keeps what was acknowledged") {
    Fixture world;
    const auto id = world.add("a");
    REQUIRE(world.passes.find(id));
    world.tables.fail(Error{errc::database_failure, "no"});
    CHECK(world.passes.update(id, [](Pass& row) { row.note = "x"; }).error() == errc::database_failure);
    CHECK(world.passes.erase(id).failed());
    CHECK(world.passes.insert(world.pass("z")).failed());
    world.tables.fail(std::nullopt);
    world.tables.forget();
    CHECK(world.passes.find(id)->note.empty());
    CHECK(world.passes.find(id).source() == Level::memory);
    CHECK_FALSE(world.passes.find_by<&Pass::code>("z"));
}

TEST_CASE("embedded rows: a snapshot without a link, expelled before the acknowledgement with one") {
    Fixture world;
    const auto id = world.add("a");
    REQUIRE(world.passes.find(id));
    SUBCASE("unlinked") {
        REQUIRE(world.holders.update(world.holder, [](Holder& row) { row.name = "bea"; }));
        CHECK(world.passes.find(id)->holder.name == "ann");
        world.env.advance(2h);
        CHECK(world.passes.find(id)->holder.name == "bea");
    }
    SUBCASE("linked") {
        world.passes.link<&Pass::holder>(world.holders);
        REQUIRE(world.holders.update(world.holder, [](Holder& row) { row.name = "bea"; }));
        CHECK(world.passes.find(id)->holder.name == "bea");
    }
    SUBCASE("linked, and written without the library") {
        world.passes.link<&Pass::holder>(world.holders);
        const auto rename = [&](const std::string& name) {
            MemoryDatabase<Holder> database(world.tables.tables);
            auto row = **database.load(world.holder, ReadMode::plain);
            row.name = name;
            REQUIRE(database.update(row, row.version, {}).has_value());
            CHECK(world.passes.find(id)->holder.name != name);
        };
        rename("bea");
        CHECK_FALSE(world.holders.expel(world.holder).failed());
        CHECK(world.passes.find(id)->holder.name == "bea");
        REQUIRE(world.holders.find(world.holder));
        rename("cat");
        CHECK_FALSE(world.holders.expel_embedding(world.holder).failed());
        CHECK(world.passes.find(id)->holder.name == "cat");
        CHECK(world.holders.find(world.holder)->name == "bea");
    }
}

TEST_CASE("switches: stop reading, stop filling") {
    Fixture world;
    const auto id = world.add("a");
    REQUIRE(world.passes.find(id));
    world.passes.switch_reading(Level::memory, false);
    CHECK(world.passes.find(id).source() == Level::database);
    world.passes.switch_reading(Level::memory, true);
    CHECK(world.passes.find(id).source() == Level::memory);
    world.passes.expel(id);
    world.passes.switch_filling(Level::memory, false);
    CHECK(world.passes.find(id).source() == Level::database);
    CHECK(world.passes.find(id).source() == Level::database);
}

TEST_CASE("a repository that may not be alone calls its writes pending") {
    Fixture world;
    Passes shared({{}, world.tables.tables}, Options{.ttl = 10min}, {}, world.env);
    const auto id = world.add("a");
    const auto written = shared.update(id, [](Pass& row) { row.note = "x"; });
    REQUIRE(written);
    CHECK_FALSE(written.effective());
    CHECK(written.pending() >= 10min);
    CHECK(shared.revoke(id, Effect::required).error() == errc::invalid_options);
}

TEST_CASE("options out of range are refused, and nothing works after a shutdown") {
    Fixture world;
    const auto refused = [&](Options options) {
        try {
            Passes repository({{}, world.tables.tables}, std::move(options), {}, world.env);
        } catch (const Failure& failure) {
            return failure.error() == errc::invalid_options;
        }
        return false;
    };
    CHECK(refused({.ttl = 0s}));
    CHECK(refused({.jitter = 1.5}));
    CHECK(refused({.negative_ttl = -1s}));
    CHECK(refused({.refresh_ahead = 0.5}));
    CHECK(refused({.lease_for = 0s}));
    CHECK(refused({.batch_size = 0}));
    const auto id = world.add("a");
    world.passes.shutdown();
    CHECK(world.passes.find(id).error() == errc::stopped);
    CHECK(world.passes.update(id, [](Pass&) {}).error() == errc::stopped);
    CHECK(world.passes.insert(world.pass("b")).error() == errc::stopped);
}
