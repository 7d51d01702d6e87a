// SPDX-License-Identifier: BSL-1.0

// What the load program's judge says of what has ended, and of what has not.

#include "court.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <utility>
#include <vector>

using namespace session_load_tests;

TEST_CASE("a session that nothing has ended must be accepted") {
    Court court;
    const auto grant = court.login();
    court.accepts(grant);
    CHECK(court.is_content());
    court.refuses(grant);
    CHECK(court.broke(Rule::refuses_valid));
    court.refuses(grant, "unknown");
    CHECK(court.broke(Rule::refuses_valid));
    court.does(Kind::refresh, grant, Court::refusal());
    CHECK(court.broke(Rule::refuses_valid));
    for (const Kind kind : {Kind::logout, Kind::elevate, Kind::list, Kind::end_others, Kind::end_all}) {
        CAPTURE(name_of(kind));
        court.does(kind, court.login(2), Court::refusal());
        CHECK(court.broke(Rule::refuses_valid));
    }
}

TEST_CASE("what has ended must be refused once its bound has passed, and not a moment earlier") {
    using Ending = std::function<std::shared_ptr<Grant>(Court&, const std::shared_ptr<Grant>&, Span)>;
    const std::vector<std::pair<const char*, Ending>> endings = {
        {"logout", [](Court& court, const auto& grant, Span bound) { return court.does(Kind::logout, grant, Court::ended(1, bound)); }},
        {"by handle", [](Court& court, const auto& grant, Span bound) { return court.does(Kind::end_one, court.login(), grant, Court::ended(1, bound)); }},
        {"others", [](Court& court, const auto&, Span bound) { return court.does(Kind::end_others, court.login(), Court::ended(1, bound)); }},
        {"all", [](Court& court, const auto&, Span bound) { return court.does(Kind::end_all, court.login(), Court::ended(2, bound)); }},
        {"elevation", [](Court& court, const auto& grant, Span bound) { return court.elevates(grant, bound); }},
        {"exchange", [](Court& court, const auto& grant, Span bound) { return court.refreshes(grant, bound); }},
        {"theft", [](Court& court, const auto& grant, Span bound) {
             court.refreshes(grant, bound);
             return court.does(Kind::refresh, grant, Court::reused(bound));
         }}};
    for (const auto& [name, end] : endings)
        for (const Span bound : {Span(0), Span(100ms)}) {
            CAPTURE(name);
            CAPTURE(bound.count());
            Court court;
            const auto grant = court.login();
            const auto before = court.ask(Kind::me, grant);
            end(court, grant, bound);
            court.hear(before, Court::me(*grant));
            CHECK(court.is_content());
            if (bound > Span(0)) {
                court.accepts(grant);
                CHECK(court.is_content());
            }
            court.refuses(grant);
            CHECK(court.is_content());
            court.now += bound;
            court.accepts(grant);
            CHECK(court.broke(Rule::accepts_ended));
            court.refuses(grant);
            CHECK(court.is_content());
        }
}

TEST_CASE("the bound counts from when the answer was there, and a request from when it was sent") {
    Court court;
    const auto grant = court.login();
    const auto logout = court.ask(Kind::logout, grant);
    court.now += 500ms;
    court.accepts(grant); // nobody has said that it is done
    CHECK(court.is_content());
    court.hear(logout, Court::ended(1, 10ms));
    const auto slow = court.ask(Kind::me, grant);
    court.now += 1s;
    court.hear(slow, Court::me(*grant));
    CHECK(court.is_content());
    court.accepts(grant);
    CHECK(court.broke(Rule::accepts_ended));
}

TEST_CASE("an answer that declares no bound is judged by what the servers declare") {
    Court court({.bound = 200ms});
    const auto grant = court.login();
    Answer silent = court.granted(*grant);
    silent.bound.reset();
    court.does(Kind::refresh, grant, silent);
    court.now += 190ms;
    court.accepts(grant);
    CHECK(court.is_content());
    court.now += 10ms;
    court.accepts(grant);
    CHECK(court.broke(Rule::accepts_ended));
}

TEST_CASE("what has ended can neither be exchanged, nor elevated, nor end anything") {
    Court court;
    const auto grant = court.login();
    court.does(Kind::logout, grant, Court::ended());
    court.refreshes(grant);
    CHECK(court.broke(Rule::accepts_ended));
    court.elevates(grant);
    CHECK(court.broke(Rule::accepts_ended));
    court.does(Kind::logout, grant, Court::ended(0));
    CHECK(court.broke(Rule::accepts_ended));
    court.does(Kind::end_all, grant, Court::ended(0));
    CHECK(court.found.front().rule == Rule::accepts_ended);
}

TEST_CASE("ending the others keeps the one that asks, and other users") {
    Court court;
    const auto one = court.login(), two = court.login(), other = court.login(2);
    court.does(Kind::end_others, one, Court::ended(1));
    court.accepts(one);
    court.accepts(other);
    CHECK(court.is_content());
    court.refuses(one);
    CHECK(court.broke(Rule::refuses_valid));
    court.refuses(other);
    CHECK(court.broke(Rule::refuses_valid));
    court.accepts(two);
    CHECK(court.broke(Rule::accepts_ended));
}

TEST_CASE("a login that meets the end of all sessions may end with them or not; one that follows does not") {
    Court court;
    const auto first = court.login();
    const auto meeting = court.ask(Kind::login, nullptr, 1);
    const auto end = court.ask(Kind::end_all, first);
    const auto within = court.login();
    court.hear(end, Court::ended(2));
    const auto met = court.hear(meeting, court.granted(1, "met", {}, 201));
    for (const auto& grant : {within, met}) {
        court.accepts(grant);
        court.refuses(grant);
        court.does(Kind::logout, grant, Court::ended(0));
        CHECK(court.is_content());
    }
    const auto after = court.login();
    court.refuses(after);
    CHECK(court.broke(Rule::refuses_valid));
    court.accepts(first);
    CHECK(court.broke(Rule::accepts_ended));
}

TEST_CASE("a session that is put in the place of one that is being ended with all others ends too") {
    for (const bool answered_last : {false, true}) {
        CAPTURE(answered_last);
        Court court;
        const auto one = court.login(), two = court.login();
        const auto end = court.ask(Kind::end_all, one);
        const auto elevate = court.ask(Kind::elevate, two);
        std::shared_ptr<Grant> elevated;
        if (!answered_last) elevated = court.hear(elevate, court.granted(1, "elevated"));
        court.hear(end, Court::ended(2));
        if (answered_last) elevated = court.hear(elevate, court.granted(1, "elevated"));
        CHECK(court.is_content());
        court.refuses(elevated);
        CHECK(court.is_content());
        court.accepts(elevated);
        CHECK(court.broke(Rule::accepts_ended));
    }
    // The one that was to be kept is another by then, which may go either way.
    Court court;
    const auto one = court.login();
    const auto end = court.ask(Kind::end_others, one);
    const auto elevated = court.elevates(one);
    court.hear(end, Court::ended(0));
    court.accepts(elevated);
    court.refuses(elevated);
    CHECK(court.is_content());
}

TEST_CASE("as many are ended as were good") {
    Court court;
    const auto one = court.login(), two = court.login(), three = court.login();
    court.does(Kind::end_others, one, Court::ended(1));
    CHECK(court.broke(Rule::too_few_ended));
    court.does(Kind::logout, one, Court::ended(0));
    CHECK(court.broke(Rule::too_few_ended));

    // Where somebody else may have ended them, nobody knows who did.
    const auto four = court.login(), five = court.login();
    const auto first = court.ask(Kind::end_all, four), second = court.ask(Kind::end_all, five), third = court.ask(Kind::logout, five);
    court.hear(first, Court::ended(0));
    court.hear(second, Court::ended(2));
    court.hear(third, Court::ended(0));
    CHECK(court.is_content());
}

TEST_CASE("a session of another user cannot be ended, and one's own can be found") {
    Court court;
    const auto one = court.login(1), other = court.login(2);
    court.does(Kind::end_foreign, one, other, Court::ok(404));
    CHECK(court.is_content());
    court.does(Kind::end_foreign, one, other, Court::ended());
    CHECK(court.broke(Rule::foreign_ended));
    const auto own = court.login(1);
    court.does(Kind::end_one, one, own, Court::ok(404));
    CHECK(court.broke(Rule::refuses_valid));
}

TEST_CASE("a session may be refused when its time is over, and must be then") {
    Court court;
    auto grant = court.login();
    const auto is_over = [&](const char* limit) { court.does(Kind::me, grant, Court::refusal("expired", limit)); };
    for (const char* limit : {"access", "absolute", "idle", ""}) {
        CAPTURE(limit);
        is_over(limit);
        CHECK(court.broke(Rule::refuses_valid));
    }
    court.now += 15min - 50ms; // clocks differ a little
    is_over("access");
    CHECK(court.is_content());
    court.now += 1s;
    is_over("access");
    CHECK(court.is_content());
    court.accepts(grant);
    CHECK(court.broke(Rule::accepts_expired));
    is_over("idle"); // nobody used it for half of that time
    CHECK(court.is_content());
    is_over("absolute");
    CHECK(court.broke(Rule::refuses_valid));
    court.does(Kind::refresh, grant, Court::refusal("expired", "access"));
    CHECK(court.broke(Rule::refuses_valid));
    grant = court.login();
    court.now += 12h + 1s;
    is_over("absolute");
    CHECK(court.is_content());
    court.refreshes(grant);
    CHECK(court.broke(Rule::accepts_expired));
}

TEST_CASE("a list has what is good, and nothing that has ended, and knows who asks") {
    Court court;
    const auto one = court.login(), two = court.login(), other = court.login(2);
    court.does(Kind::list, one, Court::list({one, two}, *one));
    CHECK(court.is_content());
    court.does(Kind::list, one, Court::list({one}, *one));
    CHECK(court.broke(Rule::list_lacks_valid));
    court.does(Kind::list, one, Court::list({one, two}, *two));
    CHECK(court.broken() == std::vector<Rule>{Rule::wrong_session, Rule::wrong_session});
    const auto before = court.ask(Kind::list, one);
    court.does(Kind::logout, two, Court::ended(1, 50ms));
    court.hear(before, Court::list({one, two}, *one));
    court.does(Kind::list, one, Court::list({one}, *one));
    court.does(Kind::list, one, Court::list({one, two}, *one));
    CHECK(court.is_content());
    court.now += 50ms;
    court.does(Kind::list, one, Court::list({one, two}, *one));
    CHECK(court.broke(Rule::list_shows_ended));
    const auto strangers = court.login_of_nobody();
    court.does(Kind::list, one, Court::list({one, strangers}, *one)); // another program's
    CHECK(court.is_content());
}

TEST_CASE("an answer is about who asks, secrets are given once, and requests are answered as they can be") {
    Court court;
    const auto one = court.login(), two = court.login();
    court.does(Kind::me, one, Court::me(*two));
    CHECK(court.broke(Rule::wrong_session));
    court.does(Kind::refresh, one, court.granted(*two));
    CHECK(court.broke(Rule::wrong_session));
    court.does_login(1, "session 1");
    CHECK(court.broke(Rule::secret_repeated));
    Answer again = court.granted(*two);
    again.access = two->access;
    court.does(Kind::refresh, two, again);
    CHECK(court.broke(Rule::secret_repeated));
    const auto three = court.login();
    for (const unsigned status : {400U, 404U, 500U}) {
        court.does(Kind::me, three, Court::ok(status));
        CHECK(court.broke(Rule::not_of_contract));
    }
    Answer nonsense = Court::ok();
    nonsense.trouble = "it is no JSON";
    court.does(Kind::me, three, nonsense);
    CHECK(court.broke(Rule::not_of_contract));
    CHECK(!court.does(Kind::login, nullptr, Court::ok(409)));
    CHECK(court.is_content());
}

TEST_CASE("a violation tells what was known, when, and what was answered, and no secret") {
    Court court;
    const auto grant = court.login(7);
    court.does(Kind::logout, grant, Court::ended(1, 20ms));
    court.now += 1s;
    court.accepts(grant);
    REQUIRE(court.found.size() == 1);
    std::string story;
    for (const auto& line : court.found.front().story) story += line + "\n";
    for (const char* part : {"GET /me", "user 7", "session 1", "200", "from memory", "logged out", "20.0 ms", "0.004 s"}) {
        CAPTURE(story);
        CAPTURE(part);
        CHECK(story.find(part) != std::string::npos);
    }
    for (const auto& secret : {grant->access, grant->refresh}) CHECK(story.find(secret) == std::string::npos);
}
