// SPDX-License-Identifier: BSL-1.0

// What the load program's judge says of the exchange of refresh tokens, and of thefts.

#include "court.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

using namespace session_load_tests;

TEST_CASE("a refresh token that was exchanged must be called reused, whoever presents it") {
    for (const int generations : {1, 3}) {
        CAPTURE(generations);
        Court court;
        std::shared_ptr<Grant> stolen, held;
        const auto exchange = [&] {
            stolen = held = court.login();
            for (int i = 0; i < generations; ++i) held = court.refreshes(held);
        };
        exchange();
        CHECK(court.is_content());

        // It is, and both are out.
        court.does(Kind::refresh, stolen, Court::reused());
        court.refuses(held);
        court.does(Kind::refresh, held, Court::refusal());
        CHECK(court.is_content());
        court.accepts(held);
        CHECK(court.broke(Rule::accepts_ended));
        court.refreshes(held);
        CHECK(court.broke(Rule::accepts_ended));

        // It is exchanged again.
        exchange();
        court.refreshes(stolen);
        CHECK(court.broke(Rule::theft_unnoticed));

        // It is refused for no such reason.
        for (const char* state : {"unknown", "revoked"}) {
            exchange();
            court.does(Kind::refresh, stolen, Court::refusal(state));
            CHECK(court.broke(Rule::theft_unnoticed));
        }

        // The session had ended before, so that there is nothing to steal.
        exchange();
        court.does(Kind::logout, held, Court::ended());
        court.does(Kind::refresh, stolen, Court::refusal());
        CHECK(court.is_content());
    }
}

TEST_CASE("a theft ends what the thief got, and all that follow from the login") {
    Court court;
    const auto victim = court.login();
    const auto thief = court.refreshes(victim);
    const auto elevated = court.elevates(thief);
    court.accepts(elevated);
    court.does(Kind::refresh, victim, Court::reused(30ms));
    court.accepts(elevated);
    CHECK(court.is_content());
    court.now += 30ms;
    court.refuses(elevated);
    CHECK(court.is_content());
    court.accepts(elevated);
    CHECK(court.broke(Rule::accepts_ended));
    const auto next = court.login();
    court.refuses(next);
    CHECK(court.broke(Rule::refuses_valid));
}

TEST_CASE("the refresh token of a session that was replaced is reused; one that nobody else has presented is not") {
    Court court;
    const auto old = court.login();
    court.does(Kind::refresh, court.login(), Court::reused());
    CHECK(court.broke(Rule::false_alarm));
    const auto elevated = court.elevates(old);
    court.does(Kind::refresh, old, Court::reused());
    CHECK(court.is_content());
    court.accepts(elevated);
    CHECK(court.broke(Rule::accepts_ended));
}

TEST_CASE("of several who present a token at once exactly one wins") {
    Court court;
    const auto grant = court.login();
    const Moment began = court.now;
    REQUIRE(court.judge.certainly_good(*grant, began));
    const auto one = court.ask(Kind::refresh, grant), two = court.ask(Kind::refresh, grant), three = court.ask(Kind::refresh, grant);

    SUBCASE("one does") {
        court.hear(one, Court::reused());
        const auto won = court.hear(two, court.granted(*grant));
        court.hear(three, Court::reused());
        court.judge.conclude_race(one, began, court.now);
        court.refuses(won);
        CHECK(court.is_content());
        court.accepts(won);
        CHECK(court.broke(Rule::accepts_ended));
    }
    SUBCASE("two do") {
        court.hear(one, court.granted(*grant));
        court.hear(two, court.granted(*grant));
        CHECK(court.broke(Rule::exchanged_twice));
    }
    SUBCASE("nobody does") {
        for (const auto& each : {one, two, three}) court.hear(each, Court::reused());
        CHECK(court.is_content());
        court.judge.conclude_race(one, began, court.now);
        CHECK(court.broke(Rule::never_exchanged));
    }
    SUBCASE("nobody does, but an answer was lost") {
        court.hear(one, Court::reused());
        court.hear(two, Court::lost());
        court.hear(three, Court::reused());
        court.judge.conclude_race(one, began, court.now);
        CHECK(court.is_content());
    }
    SUBCASE("nobody does, but all of the user's sessions were ended meanwhile") {
        court.hear(one, Court::reused());
        court.does(Kind::end_all, court.login(), Court::ended(2));
        court.hear(two, Court::refusal());
        court.hear(three, Court::refusal());
        court.judge.conclude_race(one, began, court.now);
        CHECK(court.is_content());
    }
    SUBCASE("one does, and the others are not called thieves") {
        court.hear(one, court.granted(*grant));
        court.hear(two, Court::refusal("unknown"));
        court.hear(three, Court::refusal("unknown"));
        CHECK(court.is_content());
        court.judge.conclude_race(one, began, court.now);
        CHECK(court.broke(Rule::theft_unnoticed));
    }
}

TEST_CASE("a token of which somebody else may have made use is not certainly good") {
    Court court;
    const auto presented = court.login(), elevating = court.login(), ended = court.login();
    const auto one = court.ask(Kind::refresh, presented), two = court.ask(Kind::elevate, elevating), three = court.ask(Kind::logout, ended);
    court.now += 1ms;
    for (const auto& grant : {presented, elevating, ended}) CHECK(!court.judge.certainly_good(*grant, court.now));
    const auto fresh = court.login();
    CHECK(court.judge.certainly_good(*fresh, court.now));
    CHECK(!court.judge.certainly_good(*fresh, court.now + 12h));
}
