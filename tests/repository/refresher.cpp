// SPDX-License-Identifier: BSL-1.0
#include <larder/repository/refresher.hpp>

#include "fixture.hpp"

#include <larder/policy/versioned.hpp>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace larder_tests;

namespace {

/// A manual environment whose timers go off when a test says so.
class TimedEnvironment : public ManualEnvironment {
public:
    void after(Duration delay, std::function<void()> function) const { timers_->push_back({now() + delay, std::move(function)}); }

    /// Moves the clocks to the next timer and lets it go off. \returns how long that took; nothing if there is no timer.
    std::optional<Duration> ring() {
        if (timers_->empty()) return std::nullopt;
        const auto next = std::min_element(timers_->begin(), timers_->end(), [](const auto& left, const auto& right) { return left.at < right.at; });
        const Duration passed = std::max(next->at - now(), Duration::zero());
        const auto function = std::move(next->function);
        timers_->erase(next);
        advance(passed);
        function();
        return passed;
    }
    std::size_t timers() const { return timers_->size(); }

private:
    struct Pending {
        SteadyTime at;
        std::function<void()> function;
    };
    std::shared_ptr<std::vector<Pending>> timers_ = std::make_shared<std::vector<Pending>>();
};

/// An in-memory database that answers asynchronous verbs on an executor, as one that blocks does.
template <class Entity>
class SlowDatabase : public MemoryDatabase<Entity> {
public:
    struct Config {
        MemoryTables tables;
        boost::asio::any_io_executor executor;
    };
    explicit SlowDatabase(Config config) : MemoryDatabase<Entity>(std::move(config.tables)), executor_(std::move(config.executor)) {}
    boost::asio::any_io_executor executor() const { return executor_; }

private:
    boost::asio::any_io_executor executor_;
};

const Options minute{.ttl = 60s, .jitter = 0, .sole_writer = true};
constexpr RefresherOptions often{.ahead = 20s, .every = 5s};

/// Some passes in a database, a repository in front, and an executor run by hand.
template <class Env, template <class...> class Database = MemoryDatabase, class Policy = WriteThrough>
struct World {
    using Repository = CachedRepository<Pass, Stack<MemoryCache, Database>, Policy, Env>;

    explicit World(std::int64_t rows = 1, Options options = minute) : repository(std::in_place, config(), options, Policy{}, env) {
        REQUIRE(MemoryDatabase<Holder>(tables.tables).insert(sample_row<Holder>(1)).has_value());
        for (std::int64_t id = 1; id <= rows; ++id) {
            Pass row = sample_row<Pass>(id);
            row.holder_id = 1;
            REQUIRE(MemoryDatabase<Pass>(tables.tables).insert(row).has_value());
        }
    }

    typename Repository::Config config() {
        if constexpr (std::is_same_v<Database<Pass>, SlowDatabase<Pass>>)
            return {{}, {tables.tables, database_io.get_executor()}};
        else
            return {{}, tables.tables};
    }

    /// Reads rows, so that they are cached, and reads them again, so that they are active.
    void use(std::int64_t from, std::int64_t to) {
        for (int twice = 0; twice < 2; ++twice)
            for (std::int64_t id = from; id <= to; ++id) REQUIRE(repository->template find_by<&Pass::code>(code(id)));
        tables.forget();
        env.observer().clear();
    }
    static std::string code(std::int64_t id) { return sample_row<Pass>(id).code; }
    bool cached(std::int64_t id) { return repository->core()->nearest().template lookup<0>(id, {.want_lease = false}).answer == Answer::hit; }
    std::size_t misses() const { return lookups(LookupOutcome::miss); }
    std::size_t lookups(LookupOutcome outcome) const {
        const auto all = env.observer().template all<event::Lookup>();
        return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const event::Lookup& each) { return each.outcome == outcome; }));
    }
    std::size_t fills(FillOutcome outcome) const {
        const auto all = env.observer().template all<event::Fill>();
        return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const event::Fill& each) { return each.outcome == outcome && !each.alias; }));
    }
    std::vector<EventLog::HiddenFailure> hidden() const { return env.observer().template all<EventLog::HiddenFailure>(); }
    /// Moves time to just before the cached rows are due, and then lets the next round begin.
    void make_due() { env.advance(41s); }
    void round() {
        REQUIRE(env.ring());
        io.poll();
        io.restart();
    }

    Tables tables;
    boost::asio::io_context io;
    boost::asio::io_context database_io;
    Env env;
    std::optional<Repository> repository;
};

using Timed = World<TimedEnvironment>;
using Slow = World<TimedEnvironment, SlowDatabase>;

} // namespace

TEST_CASE("what is read stays cached without a miss, what is not read ends, by the timer of the executor") {
    World<ManualEnvironment> world(20, {.ttl = 60s, .jitter = 0.5, .sole_writer = true});
    world.use(1, 20);
    for (std::int64_t id = 1; id <= 10; ++id) REQUIRE(world.repository->find_by<&Pass::badge>(*sample_row<Pass>(id).badge));
    world.tables.forget();
    world.env.observer().clear();
    Refresher refresher(*world.repository, world.io.get_executor(), {.ahead = 20s, .every = 1ms});
    for (int step = 0; step < 60; ++step) {
        world.env.advance(5s);
        for (std::int64_t id = 1; id <= 10; ++id) {
            REQUIRE(world.repository->find(id).source() == Level::memory);
            REQUIRE(world.repository->find_by<&Pass::code>(world.code(id)).source() == Level::memory);
            REQUIRE(world.repository->find_by<&Pass::badge>(*sample_row<Pass>(id).badge).source() == Level::memory);
        }
        REQUIRE(world.io.run_one() == 1); // the timer
        world.io.poll();                  // what the round led to
    }
    CHECK(world.misses() == 0);
    // Those that are due together are loaded together, and each about once in 40 s.
    CHECK(world.tables.queries() == world.tables.queries(QueryKind::load_many));
    CHECK(world.tables.queries() < 60);
    CHECK(world.fills(FillOutcome::stored) < 30 * 10 * 3);
    for (std::int64_t id = 1; id <= 10; ++id) CHECK(world.cached(id));
    for (std::int64_t id = 11; id <= 20; ++id) CHECK(!world.cached(id));
}

TEST_CASE("the timer may be the environment's, and rests as long as the options say") {
    Timed world;
    world.use(1, 1);
    Refresher refresher(*world.repository, world.io.get_executor(), often);
    CHECK(world.env.timers() == 1);
    for (int round = 0; round < 5; ++round) {
        CHECK(world.env.ring() == Duration(5s));
        world.io.poll();
        world.io.restart();
        CHECK(world.env.timers() == 1);
    }
    CHECK(world.tables.queries() == 0); // not due before 40 s have passed
    for (int round = 0; round < 3; ++round) world.round();
    CHECK(world.tables.queries() == 1);
    CHECK(world.repository->find(1).age() <= 5s);
}

TEST_CASE("a copy that was refreshed says what the database says") {
    Timed world;
    world.use(1, 1);
    Refresher refresher(*world.repository, world.io.get_executor(), often);
    Pass row = **MemoryDatabase<Pass>(world.tables.tables).load(1, ReadMode::plain);
    row.note = "written elsewhere";
    REQUIRE(MemoryDatabase<Pass>(world.tables.tables).update(row, row.version, {}).has_value());
    world.make_due();
    world.round();
    const auto found = world.repository->find(1);
    CHECK(found.source() == Level::memory);
    CHECK(found->note == "written elsewhere");
    CHECK(world.fills(FillOutcome::stored) == 1);
}

TEST_CASE("what was not read since its refresh is not refreshed again") {
    Timed world;
    world.use(1, 1);
    Refresher refresher(*world.repository, world.io.get_executor(), often);
    world.make_due();
    world.round();
    CHECK(world.tables.queries() == 1);
    world.make_due();
    for (int round = 0; round < 5; ++round) world.round();
    CHECK(world.tables.queries() == 1);
    CHECK(!world.cached(1));
}

TEST_CASE("a round loads at most so many entries a query, and at most so many in all, those that end first") {
    Timed world(9);
    SUBCASE("a query") {
        world.use(1, 5);
        Refresher refresher(*world.repository, world.io.get_executor(), {.ahead = 20s, .every = 5s, .batch = 2});
        world.make_due();
        world.round();
        CHECK(world.tables.queries(QueryKind::load_many) == 3);
        CHECK(world.fills(FillOutcome::stored) == 5);
    }
    SUBCASE("a query, by the repository's own bound") {
        Timed narrow(9, {.ttl = 60s, .jitter = 0, .batch_size = 3, .sole_writer = true});
        narrow.use(1, 9);
        Refresher refresher(*narrow.repository, narrow.io.get_executor(), often);
        narrow.make_due();
        narrow.round();
        CHECK(narrow.tables.queries(QueryKind::load_many) == 3);
    }
    SUBCASE("in all") {
        world.use(1, 3);
        world.env.advance(1s);
        world.use(4, 9);
        Refresher refresher(*world.repository, world.io.get_executor(), {.ahead = 20s, .every = 5s, .limit = 3});
        world.make_due();
        world.round();
        CHECK(world.fills(FillOutcome::stored) == 3);
        for (std::int64_t id = 1; id <= 9; ++id) CHECK(world.repository->find(id).age() == (id <= 3 ? Duration::zero() : Duration(41s)));
    }
}

TEST_CASE("so many queries are under way at once, and no more") {
    Slow world(10);
    world.use(1, 10);
    Refresher refresher(*world.repository, world.io.get_executor(), {.ahead = 20s, .every = 5s, .batch = 2, .concurrency = 2});
    world.make_due();
    REQUIRE(world.env.ring());
    std::size_t left = 5;
    while (left > 0) {
        const std::size_t together = std::min<std::size_t>(left, 2);
        world.database_io.restart();
        CHECK(world.database_io.poll() == together); // the queries that wait for the database
        world.io.restart();
        CHECK(world.io.poll() == together); // the ends of their batches, which begin the next
        left -= together;
    }
    CHECK(world.tables.queries() == 5);
    CHECK(world.env.timers() == 1);
}

TEST_CASE("a revocation during a refresh makes the refresh lost") {
    Timed world(2);
    world.use(1, 2);
    Refresher refresher(*world.repository, world.io.get_executor(), often);
    world.make_due();
    world.tables.gate([&, once = false](const MemoryOperation& operation) mutable {
        if (operation.kind != QueryKind::load_many || !operation.done || std::exchange(once, true)) return;
        CHECK(world.repository->revoke(1).effective());
    });
    world.round();
    CHECK(world.fills(FillOutcome::lost) == 1);
    CHECK(world.fills(FillOutcome::stored) == 1);
    CHECK(world.repository->find(1).absence() == Absence::revoked);
    CHECK(world.repository->find(2));
    CHECK(world.hidden().empty());
}

TEST_CASE("rows that are being written or loaded by somebody else are left out") {
    Timed world(3);
    world.use(1, 3);
    Refresher refresher(*world.repository, world.io.get_executor(), often);
    world.make_due();
    auto& tier = world.repository->core()->nearest();
    REQUIRE(tier.lookup<0>(1, {.refresh = true}).lease != 0);
    KeySet<Pass> keys;
    world.tables.gate([&](const MemoryOperation& operation) {
        if (operation.kind == QueryKind::load_many && !operation.done) CHECK(!world.cached(2));
    });
    keys.add<0>(2);
    tier.fence(keys, 7, 10s);
    world.round();
    const auto queries = world.env.observer().all<event::Query>();
    REQUIRE(queries.size() == 1);
    CHECK(queries[0].rows == 1);
    CHECK(world.fills(FillOutcome::stored) == 1);
    CHECK(world.repository->find(3).age() == Duration::zero());
    CHECK(world.repository->find(1).age() > 40s);
    CHECK(world.fills(FillOutcome::lost) == 0);
}

TEST_CASE("a row that is gone is not served any more") {
    Timed world;
    world.use(1, 1);
    Refresher refresher(*world.repository, world.io.get_executor(), often);
    const auto row = **MemoryDatabase<Pass>(world.tables.tables).load(1, ReadMode::plain);
    REQUIRE(MemoryDatabase<Pass>(world.tables.tables).erase(1, row.version, {}).has_value());
    world.make_due();
    world.round();
    CHECK(world.repository->find(1).absence() == Absence::never_was);
}

TEST_CASE("a failure goes to the observer, leaves the copies, and is tried again in the next round") {
    Timed world(5);
    world.use(1, 5);
    Refresher refresher(*world.repository, world.io.get_executor(), {.ahead = 20s, .every = 5s, .batch = 1, .concurrency = 1});
    world.make_due();
    world.tables.fail(Error{errc::database_unavailable, "passes: the plug was pulled"});
    world.round();
    REQUIRE(world.hidden().size() == 1); // and the round ended
    CHECK(world.hidden()[0].level == Level::database);
    CHECK(world.hidden()[0].operation == "refresh");
    CHECK(world.hidden()[0].error.text == "passes: the plug was pulled");
    for (std::int64_t id = 1; id <= 5; ++id) CHECK(world.cached(id));
    world.tables.fail({});
    world.round();
    CHECK(world.hidden().size() == 1);
    CHECK(world.fills(FillOutcome::stored) == 5);
}

TEST_CASE("policies that mark or verify rows have them refreshed too") {
    const auto check = []<class Policy>(std::type_identity<Policy>) {
        World<TimedEnvironment, MemoryDatabase, Policy> world(3);
        world.use(1, 3);
        Refresher refresher(*world.repository, world.io.get_executor(), often);
        for (int round = 0; round < 60; ++round) {
            for (std::int64_t id = 1; id <= 3; ++id) CHECK(world.repository->find(id).source() == Level::memory);
            world.round();
        }
        CHECK(world.tables.queries(QueryKind::load) == 0);
        CHECK(world.tables.queries(QueryKind::load_by) == 0);
    };
    check(std::type_identity<Versioned<row_probe>>{});
    check(std::type_identity<Versioned<schema_constant>>{});
    check(std::type_identity<Versioned<group_epoch>>{});
}

TEST_CASE("stop") {
    Timed world(3);
    world.use(1, 3);
    std::optional<Refresher<Timed::Repository>> refresher(std::in_place, *world.repository, world.io.get_executor(), RefresherOptions{.ahead = 20s, .every = 5s, .batch = 1, .concurrency = 1});
    world.make_due();
    SUBCASE("between rounds") { refresher->stop(); }
    SUBCASE("twice") {
        refresher->stop();
        refresher->stop();
    }
    SUBCASE("by destruction") { refresher.reset(); }
    REQUIRE(world.env.ring());
    world.io.poll();
    CHECK(world.tables.queries() == 0);
    CHECK(world.env.timers() == 0);
}

TEST_CASE("a stopped refresher lets an io_context end") {
    World<ManualEnvironment> world;
    Refresher refresher(*world.repository, world.io.get_executor(), {.ahead = 20s, .every = 19s});
    CHECK(world.io.poll() == 0);
    CHECK(!world.io.stopped());
    refresher.stop();
    CHECK(world.io.poll() == 1); // the cancelled timer
    CHECK(world.io.stopped());
}

TEST_CASE("stop in the middle of a refresh") {
    SUBCASE("from within the query") {
        Timed world(3);
        world.use(1, 3);
        Refresher refresher(*world.repository, world.io.get_executor(), {.ahead = 20s, .every = 5s, .batch = 1, .concurrency = 3});
        world.make_due();
        world.tables.gate([&](const MemoryOperation&) { refresher.stop(); });
        world.round();
        CHECK(world.tables.queries() == 1);
        CHECK(world.env.timers() == 0);
    }
    SUBCASE("while queries wait for the database") {
        Slow world(6);
        world.use(1, 6);
        std::optional<Refresher<Slow::Repository>> refresher(std::in_place, *world.repository, world.io.get_executor(), RefresherOptions{.ahead = 20s, .every = 5s, .batch = 2, .concurrency = 2});
        world.make_due();
        REQUIRE(world.env.ring());
        int ended = 0;
        SUBCASE("stop") { refresher->stop(); }
        SUBCASE("destruction") { refresher.reset(); }
        SUBCASE("async_stop ends with them") {
            refresher->async_stop(boost::asio::bind_executor(world.io.get_executor(), [&] { ++ended; }));
            refresher->async_stop([&] { ++ended; });
            world.io.poll();
            CHECK(ended == 0);
            CHECK(world.database_io.run_one() == 1);
            world.io.poll();
            CHECK(ended == 0);
            CHECK(world.database_io.run_one() == 1);
            world.io.poll();
            CHECK(ended == 2);
            CHECK(world.io.stopped());
        }
        world.database_io.poll();
        world.io.restart();
        world.io.poll();
        CHECK(world.tables.queries() == 2); // the third batch was never begun
        CHECK(world.fills(FillOutcome::stored) == 4);
        CHECK(world.env.timers() == 0);
    }
}

TEST_CASE("async_stop of an idle refresher ends at once, on the handler's executor") {
    Timed world;
    Refresher refresher(*world.repository, world.io.get_executor(), often);
    boost::asio::io_context elsewhere;
    int ended = 0;
    refresher.async_stop(boost::asio::bind_executor(elsewhere.get_executor(), [&] { ++ended; }));
    world.io.poll();
    CHECK(ended == 0);
    elsewhere.poll();
    CHECK(ended == 1);
    auto again = refresher.async_stop(); // deferred
    std::move(again)([&] { ++ended; });
    world.io.restart();
    world.io.poll();
    CHECK(ended == 2);
}

TEST_CASE("a repository that is shut down or gone stops its refresher") {
    SUBCASE("shut down between rounds") {
        Timed world;
        world.use(1, 1);
        Refresher refresher(*world.repository, world.io.get_executor(), often);
        world.make_due();
        world.repository->shutdown();
        world.round();
        CHECK(world.env.timers() == 0);
        CHECK(world.tables.queries() == 0);
        CHECK(world.hidden().empty());
    }
    SUBCASE("shut down with nothing due") {
        Timed world;
        Refresher refresher(*world.repository, world.io.get_executor(), often);
        world.repository->shutdown();
        world.round();
        CHECK(world.env.timers() == 0);
    }
    SUBCASE("gone between rounds") {
        Timed world;
        world.use(1, 1);
        Refresher refresher(*world.repository, world.io.get_executor(), often);
        world.make_due();
        world.repository.reset();
        world.round();
        CHECK(world.env.timers() == 0);
        CHECK(world.tables.queries() == 0);
    }
    SUBCASE("gone in the middle of a round") {
        Slow world(6);
        world.use(1, 6);
        Refresher refresher(*world.repository, world.io.get_executor(), {.ahead = 20s, .every = 5s, .batch = 2, .concurrency = 1});
        world.make_due();
        REQUIRE(world.env.ring());
        world.repository.reset();
        world.database_io.poll();
        world.io.poll();
        CHECK(world.env.timers() == 0);
        CHECK(world.tables.queries() == 1);
    }
}

TEST_CASE("an executor that goes away takes its timers and queries along") {
    World<ManualEnvironment> world;
    world.use(1, 1);
    boost::asio::io_context elsewhere;
    int ended = 0;
    SUBCASE("with the timer pending") {
        auto io = std::make_unique<boost::asio::io_context>();
        Refresher refresher(*world.repository, io->get_executor(), {.ahead = 20s, .every = 1s});
        io.reset();
        refresher.async_stop(boost::asio::bind_executor(elsewhere.get_executor(), [&] { ++ended; }));
        elsewhere.poll();
        CHECK(ended == 1);
    }
    SUBCASE("with the end of a batch pending") {
        auto io = std::make_unique<boost::asio::io_context>();
        Refresher refresher(*world.repository, io->get_executor(), {.ahead = 20s, .every = 1ms});
        world.env.advance(41s);
        REQUIRE(io->run_one() == 1);
        CHECK(world.tables.queries() == 1);
        io.reset();
        refresher.async_stop(boost::asio::bind_executor(elsewhere.get_executor(), [&] { ++ended; }));
        elsewhere.poll();
        CHECK(ended == 1);
    }
    SUBCASE("with a query pending") {
        auto io = std::make_unique<boost::asio::io_context>();
        CachedRepository<Pass, Stack<MemoryCache, SlowDatabase>, WriteThrough, ManualEnvironment> slow({{}, {world.tables.tables, io->get_executor()}}, minute, {}, world.env);
        REQUIRE(slow.find(1));
        REQUIRE(slow.find(1));
        world.tables.forget();
        Refresher refresher(slow, io->get_executor(), {.ahead = 20s, .every = 1ms});
        refresher.async_stop(boost::asio::bind_executor(elsewhere.get_executor(), [] {}));
        Refresher another(slow, io->get_executor(), {.ahead = 20s, .every = 1ms});
        world.env.advance(41s);
        REQUIRE(io->run_one() == 1); // the cancelled timer of the first
        REQUIRE(io->run_one() == 1); // the timer of the other
        another.async_stop(boost::asio::bind_executor(elsewhere.get_executor(), [&] { ++ended; }));
        elsewhere.poll();
        CHECK(ended == 0);
        io.reset();
        elsewhere.restart();
        elsewhere.poll();
        CHECK(ended == 1);
        CHECK(world.tables.queries() == 0);
    }
}

TEST_CASE("options out of range are refused") {
    Timed world(1, {.ttl = 60s, .jitter = 0.5});
    const auto refused = [&](RefresherOptions options) {
        try {
            Refresher refresher(*world.repository, world.io.get_executor(), options);
        } catch (const Failure& failure) {
            CHECK(failure.error() == errc::invalid_options);
            return failure.error().text;
        }
        return std::string("taken");
    };
    CHECK(refused({.ahead = 29s, .every = 5s}) == "taken");
    CHECK(refused({.ahead = 0s, .every = 5s}) == "RefresherOptions::ahead must be more than 0");
    CHECK(refused({.ahead = 30s, .every = 5s}) == "RefresherOptions::ahead must be less than the repository's TTL, its jitter taken off");
    CHECK(refused({.ahead = 20s, .every = 0s}) == "RefresherOptions::every must be more than 0");
    CHECK(refused({.ahead = 20s, .every = 20s}) == "RefresherOptions::every must be less than RefresherOptions::ahead");
    CHECK(refused({.ahead = 20s, .every = 5s, .limit = 0}) == "RefresherOptions::limit must be more than 0");
    CHECK(refused({.ahead = 20s, .every = 5s, .batch = 0}) == "RefresherOptions::batch must be more than 0");
    CHECK(refused({.ahead = 20s, .every = 5s, .concurrency = 0}) == "RefresherOptions::concurrency must be more than 0");
    CHECK_THROWS_WITH_AS(Refresher(*world.repository, {}, RefresherOptions{.ahead = 20s, .every = 5s}), doctest::Contains("a Refresher needs an executor"), Failure);
    CachedRepository<Pass, Stack<MemoryCache, SlowDatabase>, WriteThrough, ManualEnvironment> slow({{}, {world.tables.tables, {}}});
    CHECK_THROWS_WITH_AS(Refresher(slow, world.io.get_executor(), RefresherOptions{}), doctest::Contains("a database that was given an executor"), Failure);
    CHECK(world.env.timers() == 1); // of the one that was taken
}
