// SPDX-License-Identifier: BSL-1.0

// What the load program's judge leaves open, where an answer was lost: both are right, and what is certain all the same stays so.

#include "court.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

using namespace session_load_tests;

namespace {

const std::vector<Answer> unanswered = {Court::lost(), Court::unavailable(), Court::late()};

} // namespace

TEST_CASE("an end whose answer was lost may have come, or not") {
    for (const Answer& nothing : unanswered)
        for (const Kind kind : {Kind::logout, Kind::end_all, Kind::elevate}) {
            CAPTURE(name_of(kind));
            Court court;
            const auto grant = court.login();
            court.does(kind, grant, nothing);
            court.accepts(grant);
            court.refuses(grant);
            court.does(Kind::refresh, grant, Court::refusal());
            court.does(Kind::list, grant, Court::list({}, *grant));
            court.does(Kind::list, grant, Court::list({grant}, *grant));
            court.does(Kind::logout, grant, Court::ended(0));
            CHECK(court.is_content());
            court.accepts(grant); // now it is certain
            CHECK(court.broke(Rule::accepts_ended));
        }
}

TEST_CASE("a look-up whose answer was lost leaves nothing open") {
    for (const Answer& nothing : unanswered) {
        Court court;
        const auto grant = court.login();
        court.does(Kind::me, grant, nothing);
        court.does(Kind::list, grant, nothing);
        CHECK(court.is_content());
        court.refuses(grant);
        CHECK(court.broke(Rule::refuses_valid));
    }
}

TEST_CASE("an exchange whose answer was lost may have been made, or not, and what follows is right either way") {
    for (const Answer& nothing : unanswered) {
        Court court;
        std::shared_ptr<Grant> grant;
        const auto lose = [&] {
            grant = court.login();
            court.does(Kind::refresh, grant, nothing);
        };
        lose();
        court.accepts(grant);
        court.refuses(grant, "unknown");
        CHECK(court.is_content());

        // The token was exchanged: presented again it is reused.
        court.does(Kind::refresh, grant, Court::reused());
        CHECK(court.is_content());
        court.accepts(grant);
        CHECK(court.broke(Rule::accepts_ended));

        // It was not.
        lose();
        const auto next = court.refreshes(grant);
        court.accepts(next);
        CHECK(court.is_content());
        court.accepts(grant);
        CHECK(court.broke(Rule::accepts_ended));
        court.refuses(next); // the one that was lost may still come, and be taken for a thief
        CHECK(court.is_content());
        court.refreshes(grant);
        CHECK(court.broke(Rule::theft_unnoticed));

        // It may be exchanged while the session is elevated,
        lose();
        court.refuses(court.elevates(grant));
        CHECK(court.is_content());

        // but not any more after a while.
        lose();
        court.now += 20s;
        court.refuses(court.elevates(grant));
        CHECK(court.broke(Rule::refuses_valid));
    }
}

TEST_CASE("an elevation whose answer was lost may have replaced the session, whose refresh token is reused then") {
    Court court;
    const auto grant = court.login();
    court.does(Kind::elevate, grant, Court::lost());
    court.does(Kind::refresh, grant, Court::reused());
    CHECK(court.is_content());
}

TEST_CASE("the end of all sessions may still come a while after its answer was lost, to those that have begun by then") {
    Court court;
    const auto first = court.login();
    court.does(Kind::end_all, first, Court::lost());
    const auto soon = court.login();
    court.refuses(soon);
    court.refuses(first);
    court.accepts(first);
    CHECK(court.is_content());
    court.now += 20s;
    court.refuses(soon);
    CHECK(court.is_content());
    const auto later = court.login();
    court.refuses(later);
    CHECK(court.broke(Rule::refuses_valid));
}

TEST_CASE("a login whose answer was lost concerns nobody, and its session may be in the list") {
    Court court;
    const auto one = court.login();
    CHECK(!court.does(Kind::login, nullptr, Court::lost()));
    court.does(Kind::list, one, Court::list({one, court.login_of_nobody()}, *one));
    court.does(Kind::end_all, one, Court::ended(2));
    CHECK(court.is_content());
}

TEST_CASE("what was certain before an answer was lost stays so") {
    Court court;
    const auto one = court.login(), two = court.login();
    court.does(Kind::logout, one, Court::ended());
    court.does(Kind::logout, one, Court::lost());
    court.does(Kind::refresh, one, Court::lost());
    court.accepts(one);
    CHECK(court.broke(Rule::accepts_ended));
    court.accepts(two);
    CHECK(court.is_content());
    court.refuses(two);
    CHECK(court.broke(Rule::refuses_valid));
}

TEST_CASE("an answer that is none leaves open what it was about") {
    Court court;
    const auto grant = court.login();
    Answer nonsense = Court::ok();
    nonsense.trouble = "it is no JSON";
    court.does(Kind::logout, grant, nonsense);
    CHECK(court.broke(Rule::not_of_contract));
    court.accepts(grant);
    court.refuses(grant);
    CHECK(court.is_content());
}
