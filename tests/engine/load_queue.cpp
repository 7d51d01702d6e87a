// SPDX-License-Identifier: BSL-1.0
#include "puppet.hpp"

#include <larder/engine/load_queue.hpp>
#include <larder/engine/requests.hpp>
#include <larder/error.hpp>
#include <larder/testing/manual_environment.hpp>
#include <larder/testing/sample.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace engine_tests;
using larder::errc;
using larder::Error;
using larder::Outcome;
using larder::QueryKind;
using larder::ReadMode;
using larder::testing::Holder;
using larder::testing::ManualEnvironment;
using larder::testing::sample_row;

namespace {

using Key = std::int64_t;
using Row = Outcome<std::optional<Holder>>;
using Rows = Outcome<std::vector<std::optional<Holder>>>;

/// A database that keeps its queries until the test answers them. It has the rows of even numbers.
class Held {
public:
    struct Query {
        std::vector<Key> keys;
        ReadMode mode;
        std::function<void(Outcome<std::vector<std::optional<Holder>>>)> handler;
    };

    template <class Handler>
    void async_load(Key key, ReadMode mode, Handler handler) {
        take({key}, mode, [handler = shared(std::move(handler))](Rows rows) {
            if (rows) return (*handler)(Row(rows->empty() ? std::nullopt : rows->front()));
            (*handler)(Row(rows.error()));
        });
    }
    template <class Handler>
    void async_load_many(std::span<const Key> keys, ReadMode mode, Handler handler) {
        take({keys.begin(), keys.end()}, mode, [handler = shared(std::move(handler))](Rows rows) { (*handler)(std::move(rows)); });
    }

    /// How many rows each query still open asks for, the oldest first.
    std::vector<std::size_t> open() const {
        std::vector<std::size_t> sizes;
        for (const Query& query : queries) sizes.push_back(query.keys.size());
        return sizes;
    }
    /// Answers the oldest query.
    void answer() {
        const Query query = next();
        std::vector<std::optional<Holder>> rows;
        for (const Key key : query.keys) rows.push_back(key % 2 == 0 ? std::optional(sample_row<Holder>(key)) : std::nullopt);
        query.handler(std::move(rows));
    }
    void fail(errc why) { next().handler(Error{why, "as the test wants it"}); }
    void answer_too_few() { next().handler(std::vector<std::optional<Holder>>()); }
    Query next() {
        Query query = std::move(queries.front());
        queries.pop_front();
        return query;
    }

    std::deque<Query> queries;
    bool broken = false; ///< Whether it throws instead of taking a query.
    bool at_once = false;

private:
    template <class Handler>
    static std::shared_ptr<Handler> shared(Handler handler) {
        return std::make_shared<Handler>(std::move(handler));
    }
    void take(std::vector<Key> keys, ReadMode mode, std::function<void(Rows)> handler) {
        if (broken) throw std::runtime_error("the database broke");
        queries.push_back({std::move(keys), mode, std::move(handler)});
        if (at_once) answer();
    }
};

/// A queue and those who load through it.
struct Loads {
    using Queue = larder::detail::LoadQueue<Holder, ManualEnvironment, Held>;
    using Ops = larder::detail::requests<Holder>;

    explicit Loads(std::size_t apart, std::size_t most = 100) : queue(environment, database, apart, most) {}

    static Task<Row> task(Queue& queue, larder::detail::Driver& driver, Key key, ReadMode mode) {
        using Load = decltype(Ops::load(key, mode));
        auto asked = larder::detail::Ask<Queue, Load>(driver, queue, Ops::load(key, mode));
        co_return co_await asked;
    }
    void load(Key key, ReadMode mode = ReadMode::plain) { callers.push_back(std::make_unique<Run<Row>>(task(queue, driver, key, mode))); }
    void load_many(Key from, Key to) {
        for (Key key = from; key <= to; ++key) load(key);
    }

    bool done(std::size_t caller) const { return callers[caller]->done(); }
    /// The row that a caller was given: its number; 0 for none.
    Key row(std::size_t caller) const {
        const Row& answer = callers[caller]->answer();
        REQUIRE(answer.has_value());
        return *answer ? (*answer)->id : 0;
    }
    bool failed(std::size_t caller, errc why) const { return callers[caller]->done() && callers[caller]->answer().has_error() && callers[caller]->answer().error() == why; }

    ManualEnvironment environment;
    Held database;
    Puppet driver;
    Queue queue;
    std::vector<std::unique_ptr<Run<Row>>> callers;
};

using Sizes = std::vector<std::size_t>;

} // namespace

TEST_CASE("so many loads leave as they come; those beyond leave together in the place of the first that has answered") {
    Loads loads(2);
    loads.load_many(1, 6);
    CHECK(loads.database.open() == (Sizes{1, 1}));
    loads.database.answer();
    CHECK(loads.done(0));
    CHECK(loads.database.open() == (Sizes{1, 4}));
    loads.load(7);
    CHECK(loads.database.open() == (Sizes{1, 4}));
    loads.database.answer();
    CHECK_MESSAGE(loads.database.open() == (Sizes{4, 1}), "one alone leaves as a query of one row");
    loads.database.answer();
    loads.database.answer();
    for (std::size_t i = 0; i < 7; ++i) {
        const Key key = static_cast<Key>(i + 1);
        CHECK_MESSAGE(loads.row(i) == (key % 2 == 0 ? key : 0), "each is given its own row");
    }
    loads.load_many(8, 9);
    CHECK_MESSAGE(loads.database.open() == (Sizes{1, 1}), "and once all have answered, none waits again");
    loads.database.answer();
    loads.database.answer();
}

TEST_CASE("the observer is told of the queries that are made") {
    Loads loads(1);
    loads.load_many(1, 4);
    loads.database.answer();
    loads.database.answer();
    const auto told = loads.environment.observer().all<larder::event::Query>();
    REQUIRE(told.size() == 2);
    CHECK((told[0].kind == QueryKind::load && told[0].rows == 0 && !told[0].failed));
    CHECK((told[1].kind == QueryKind::load_many && told[1].rows == 3 && !told[1].failed));
}

TEST_CASE("a query loads no more rows than it may") {
    Loads loads(1, 3);
    loads.load_many(1, 9);
    loads.database.answer();
    CHECK(loads.database.open() == (Sizes{3}));
    loads.database.answer();
    CHECK(loads.database.open() == (Sizes{3}));
    loads.database.answer();
    CHECK(loads.database.open() == (Sizes{2}));
    loads.database.answer();
    CHECK(loads.row(7) == 8);
}

TEST_CASE("loads that must see more than a plain one leave as they come, and so do all where none is to wait") {
    Loads loads(1);
    loads.load(2);
    loads.load(4, ReadMode::settled);
    loads.load(6, ReadMode::recent);
    CHECK(loads.database.open() == (Sizes{1, 1, 1}));
    CHECK(loads.database.queries[1].mode == ReadMode::settled);
    for (int i = 0; i < 3; ++i) loads.database.answer();
    CHECK(loads.row(2) == 6);
    Loads free(0);
    free.load_many(1, 5);
    CHECK(free.database.open() == (Sizes{1, 1, 1, 1, 1}));
    for (int i = 0; i < 5; ++i) free.database.answer();
}

TEST_CASE("what fails for all who share a query is told to all; the next go on") {
    for (const errc why : {errc::database_unavailable, errc::timed_out, errc::database_busy, errc::stopped}) {
        Loads loads(1);
        loads.load_many(1, 4);
        loads.database.answer();
        loads.load(6);
        loads.database.fail(why);
        for (std::size_t i = 1; i < 4; ++i) CHECK(loads.failed(i, why));
        CHECK(loads.database.open() == (Sizes{1}));
        loads.database.answer();
        CHECK(loads.row(4) == 6);
    }
}

TEST_CASE("what may fail for one of them is asked again row by row") {
    Loads loads(1);
    loads.load_many(1, 4);
    loads.database.answer();
    loads.database.fail(errc::missing_relation);
    CHECK(loads.database.open() == (Sizes{1, 1, 1}));
    CHECK(!loads.done(1));
    loads.load(6);
    loads.database.answer();
    CHECK_MESSAGE(loads.database.open() == (Sizes{1, 1, 1}), "the one that waited leaves in its place");
    loads.database.fail(errc::missing_relation);
    CHECK(loads.row(1) == 2);
    CHECK(loads.failed(2, errc::missing_relation));
    while (!loads.database.queries.empty()) loads.database.answer();
    CHECK(loads.row(3) == 4);
    CHECK(loads.row(4) == 6);
    loads.load_many(7, 8);
    CHECK_MESSAGE(loads.database.open() == (Sizes{1}), "and it is known how many are under way");
    while (!loads.database.queries.empty()) loads.database.answer();
}

TEST_CASE("an answer of another number of rows is nobody's") {
    Loads loads(1);
    loads.load_many(1, 3);
    loads.database.answer();
    loads.database.answer_too_few();
    CHECK(loads.failed(1, errc::database_failure));
    CHECK(loads.failed(2, errc::database_failure));
}

TEST_CASE("a database that throws fails those who asked, and nobody else") {
    Loads loads(1);
    loads.load_many(1, 3);
    loads.database.broken = true;
    loads.database.answer();
    CHECK(loads.done(0));
    CHECK(loads.failed(1, errc::exception_thrown));
    CHECK(loads.failed(2, errc::exception_thrown));
    loads.load(5);
    CHECK(loads.failed(3, errc::exception_thrown));
    loads.database.broken = false;
    loads.load(6);
    loads.database.answer();
    CHECK(loads.row(4) == 6);
}

TEST_CASE("where a query is destroyed unanswered, those who wait for it are given up; once none is under way, so are all") {
    Loads loads(2);
    loads.load_many(1, 5);
    loads.database.queries.pop_front();
    CHECK(loads.driver.abandoned == 1);
    CHECK_MESSAGE(loads.database.open() == (Sizes{1}), "another is under way and will let the others go on");
    loads.database.queries.pop_front();
    CHECK(loads.driver.abandoned == 5);
    loads.load(6);
    loads.database.answer();
    CHECK(loads.row(5) == 6);
}

TEST_CASE("a database that answers at once answers so through the queue") {
    Loads loads(1);
    loads.database.at_once = true;
    for (Key key = 1; key <= 1000; ++key) loads.load(key);
    CHECK(loads.row(999) == 1000);
    CHECK(loads.database.queries.empty());
}
