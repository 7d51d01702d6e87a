// SPDX-License-Identifier: BSL-1.0
#include "puppet.hpp"

#include <larder/engine/single_flight.hpp>
#include <larder/error.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace engine_tests;
using larder::errc;
using larder::Error;

namespace {

using Table = larder::detail::SingleFlight<std::string, Answer>;

/// What joining a load gave a caller.
struct Part {
    std::optional<Table::Leader> leader;
    std::optional<Answer> answer;
};

/// Somebody who joined the load of a key: leads it, waits, or has an answer.
class Caller {
public:
    Caller(Table& table, Puppet& driver, const std::string& key) : run_(std::make_unique<Run<bool>>(join(table, driver, key, part_))) {}
    Caller(Caller&&) = delete;

    bool waits() const { return !run_->done(); }
    bool leads() const { return part_.leader.has_value(); }
    std::optional<int> answer() const { return part_.answer ? std::optional(part_.answer->value) : std::nullopt; }
    Table::Leader& lead() { return *part_.leader; }
    /// Ends the load with an answer.
    void finish(int value, bool stored = false) {
        part_.leader->finish(Answer(value), stored);
        part_.leader.reset();
    }
    /// Goes away.
    void leave() {
        run_.reset();
        part_.leader.reset();
    }

private:
    static Task<bool> join(Table& table, Puppet& driver, std::string key, Part& part) {
        auto joining = Table::Join(table, driver, key);
        auto joined = co_await joining;
        if (joined.leader) part.leader.emplace(std::move(*joined.leader));
        part.answer = std::move(joined.answer);
        co_return true;
    }

    Part part_;
    std::unique_ptr<Run<bool>> run_;
};

struct Loads {
    Table table;
    Puppet driver;
    std::deque<Caller> callers;

    Caller& join(const std::string& key = "key") { return callers.emplace_back(table, driver, key); }
};

} // namespace

TEST_CASE("the first caller leads, at once; loads of other keys are not in the way") {
    Loads loads;
    CHECK(loads.join().leads());
    CHECK(loads.join("other").leads());
    CHECK(loads.table.size() == 2);
    CHECK(loads.table.waiting() == 0);
}

TEST_CASE("who joined before the load began may have its answer before the end; the others wait for it") {
    Loads loads;
    auto& leader = loads.join();
    auto& early = loads.join();
    leader.lead().begin();
    auto& late = loads.join();
    leader.lead().before_fill();
    leader.lead().answer(Answer(5));
    CHECK(loads.driver.go_on() == 1);
    CHECK(early.answer() == 5);
    CHECK(late.waits());
    CHECK(loads.table.size() == 1);
    leader.finish(5, true);
    CHECK(loads.driver.go_on() == 1);
    CHECK(late.answer() == 5);
    CHECK(loads.table.size() == 0);
}

TEST_CASE("who joined before the load began takes its answer") {
    Loads loads;
    auto& leader = loads.join();
    auto& first = loads.join();
    auto& second = loads.join();
    CHECK((first.waits() && second.waits()));
    CHECK(loads.table.waiting() == 2);
    leader.lead().begin();
    leader.finish(5);
    CHECK(first.waits());
    CHECK(loads.driver.go_on() == 2);
    CHECK(first.answer() == 5);
    CHECK(second.answer() == 5);
    CHECK(loads.table.size() == 0);
}

TEST_CASE("who joined after the load began takes its answer only if the fill was stored and they joined before it") {
    for (const bool stored : {true, false}) {
        for (const bool before_fill : {true, false}) {
            CAPTURE(stored);
            CAPTURE(before_fill);
            Loads loads;
            auto& leader = loads.join();
            leader.lead().begin();
            auto& late = loads.join();
            if (before_fill) leader.lead().before_fill();
            leader.finish(5, stored);
            loads.driver.go_on();
            CHECK(late.leads() == !(stored && before_fill));
            CHECK((late.answer() == 5) == (stored && before_fill));
        }
    }
}

TEST_CASE("who joined after the fill began never takes the answer") {
    Loads loads;
    auto& leader = loads.join();
    leader.lead().begin();
    leader.lead().before_fill();
    auto& late = loads.join();
    leader.finish(5, true);
    loads.driver.go_on();
    CHECK(late.leads());
}

TEST_CASE("a further read entitles those who joined before it") {
    Loads loads;
    auto& leader = loads.join();
    leader.lead().begin();
    auto& late = loads.join();
    leader.lead().begin();
    leader.finish(5);
    loads.driver.go_on();
    CHECK(late.answer() == 5);
}

TEST_CASE("those who may not share start the next load together, once") {
    Loads loads;
    auto& leader = loads.join();
    auto& early = loads.join();
    leader.lead().begin();
    auto& late_one = loads.join();
    auto& late_two = loads.join();
    auto& late_three = loads.join();
    leader.finish(5);
    CHECK(loads.driver.go_on() == 2);
    CHECK(early.answer() == 5);
    CHECK(late_one.leads());
    CHECK((late_two.waits() && late_three.waits()));
    CHECK(loads.table.size() == 1);
    auto& newcomer = loads.join();
    CHECK(newcomer.waits());
    late_one.lead().begin();
    auto& too_late = loads.join();
    late_one.finish(6);
    loads.driver.go_on();
    CHECK(late_two.answer() == 6);
    CHECK(late_three.answer() == 6);
    CHECK(newcomer.answer() == 6);
    CHECK(too_late.leads());
}

TEST_CASE("what entitled a caller to one load does not entitle it to the next one") {
    Loads loads;
    auto& leader = loads.join();
    leader.lead().begin();
    auto& one = loads.join();
    auto& two = loads.join();
    leader.lead().before_fill();
    leader.finish(5, false);
    loads.driver.go_on();
    REQUIRE(one.leads());
    CHECK(two.waits());
    one.finish(6, true);
    loads.driver.go_on();
    CHECK(two.leads());
}

TEST_CASE("an abandoned lead passes on to those who wait, with nothing answered") {
    Loads loads;
    auto& leader = loads.join();
    auto& one = loads.join();
    auto& two = loads.join();
    leader.lead().begin();
    leader.leave();
    CHECK(loads.driver.go_on() == 1);
    REQUIRE(one.leads());
    CHECK(two.waits());
    one.lead().begin();
    one.finish(7);
    loads.driver.go_on();
    CHECK(two.answer() == 7);
    CHECK(loads.table.size() == 0);
}

TEST_CASE("an abandoned lead for which nobody waits leaves nothing behind") {
    Loads loads;
    loads.join().leave();
    CHECK(loads.table.size() == 0);
    CHECK(loads.join().leads());
}

TEST_CASE("a waiter that goes away is not waited for, answered or woken") {
    Loads loads;
    auto& leader = loads.join();
    auto& gone = loads.join();
    auto& stays = loads.join();
    gone.leave();
    CHECK(loads.table.waiting() == 1);
    leader.lead().begin();
    leader.finish(5);
    CHECK(loads.driver.go_on() == 1);
    CHECK(stays.answer() == 5);
}

TEST_CASE("a waiter that goes away after it was given the lead, before it went on, passes the lead on") {
    Table table;
    Puppet lost;
    Puppet driver;
    Caller leader(table, driver, "key");
    Caller gone(table, lost, "key");
    Caller stays(table, driver, "key");
    leader.lead().begin();
    Caller late(table, driver, "key");
    SUBCASE("the lead of an abandoned load") {
        leader.leave();
        CHECK(lost.waiting() == 1);
        gone.leave();
        CHECK(driver.go_on() == 1);
        REQUIRE(stays.leads());
        stays.lead().begin();
        stays.finish(8);
        driver.go_on();
        CHECK(late.answer() == 8);
    }
    SUBCASE("nothing, if it was given an answer") {
        leader.finish(5);
        gone.leave();
        driver.go_on();
        CHECK(stays.answer() == 5);
        CHECK(late.leads());
        late.leave();
        CHECK(table.size() == 0);
    }
}

TEST_CASE("an error is an answer like any other") {
    Loads loads;
    auto& leader = loads.join();
    auto& waiter = loads.join();
    leader.lead().begin();
    leader.lead().finish(Answer(Error{errc::database_failure, "down"}), false);
    loads.driver.go_on();
    CHECK(waiter.answer() == 0);
    CHECK(!waiter.leads());
}

TEST_CASE("with the rule switched off late callers take what they must not") {
    Loads loads;
    loads.table.ignore_share_rule(true);
    auto& leader = loads.join();
    leader.lead().begin();
    auto& late = loads.join();
    leader.finish(5);
    loads.driver.go_on();
    CHECK(late.answer() == 5);
    SUBCASE("but an abandoned load has no answer even then") {
        auto& next = loads.join();
        auto& waiter = loads.join();
        next.leave();
        loads.driver.go_on();
        CHECK(waiter.leads());
    }
}

TEST_CASE("ten thousand callers wait for one load") {
    Loads loads;
    auto& leader = loads.join();
    for (int i = 0; i < 10'000; ++i) loads.join();
    CHECK(loads.table.waiting() == 10'000);
    leader.lead().begin();
    leader.finish(9);
    CHECK(loads.driver.go_on() == 10'000);
    std::size_t answered = 0;
    for (const Caller& caller : loads.callers) answered += caller.answer() == 9;
    CHECK(answered == 10'000);
}
