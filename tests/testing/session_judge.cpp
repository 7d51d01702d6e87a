// SPDX-License-Identifier: BSL-1.0
#include <larder/testing/sim/session_judge.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

using namespace larder;
using namespace larder::testing;
using std::chrono::milliseconds;

namespace {

Uuid handle(unsigned char number) {
    Uuid made{};
    *(made.end() - 1) = number;
    return made;
}

Hashed<std::string> token(unsigned char number) {
    Hashed<std::string>::Digest digest{};
    digest[0] = std::byte{number};
    return Hashed<std::string>(digest);
}

TimePoint at(int moment) { return TimePoint(milliseconds(moment)); }

/// A history that is written by hand: a step a millisecond, the wall clock in step.
class Story {
public:
    Story() {
        promises.rules.idle_timeout = milliseconds(1000);
        promises.rules.absolute_timeout = milliseconds(5000);
        promises.rules.access_lifetime = Duration::zero();
        promises.rules.keep_ended = milliseconds(500);
        history.wall = WallHistory(Duration::zero(), {});
    }

    /// A session that begins with a login which lasts from a moment before to a moment after.
    Session login(int moment, unsigned char number, std::int64_t user = 1) {
        Session row;
        row.id = handle(number);
        row.family = row.id;
        row.user_id = user;
        row.jti = "access " + std::to_string(number);
        row.refresh_token = token(number);
        row.created_at = row.last_seen_at = at(moment);
        row.refresh_expires_at = row.access_expires_at = at(moment + 5000);
        SessionCall& asked = call(SessionVerb::login, moment - 1, moment + 1, user);
        grant(asked, row);
        commit(moment, row);
        return row;
    }
    void commit(int moment, const Session& row) { history.commits.push_back({static_cast<std::uint64_t>(moment), SteadyTime(milliseconds(moment)), row.id, row}); }
    void remove(int moment, const Session& row) { history.commits.push_back({static_cast<std::uint64_t>(moment), SteadyTime(milliseconds(moment)), row.id, std::nullopt}); }

    SessionCall& call(SessionVerb verb, int from, int to, std::int64_t user = 1) {
        SessionCall& made = history.calls.emplace_back();
        made.verb = verb;
        made.who = "client";
        made.user = user;
        made.invoked = static_cast<std::uint64_t>(from);
        made.returned = static_cast<std::uint64_t>(to);
        made.invoked_at = SteadyTime(milliseconds(from));
        made.returned_at = SteadyTime(milliseconds(to));
        made.answered = true;
        return made;
    }
    static void grant(SessionCall& call, const Session& row) {
        call.standing.state = SessionState::active;
        call.grant = {row.id, row.jti, row.refresh_token, false};
    }
    /// An authentication by access token.
    SessionCall& authenticate(int from, int to, const Session& row, SessionState said = SessionState::active) {
        SessionCall& made = call(SessionVerb::authenticate, from, to);
        made.access = row.jti;
        made.standing.state = said;
        if (said == SessionState::active) made.grant.handle = row.id;
        made.created_at = row.created_at;
        made.access_expires_at = row.access_expires_at;
        made.expires_at = row.refresh_expires_at;
        return made;
    }
    /// A session is ended by a call that begins and returns around it.
    Session end(int moment, Session row, EndReason why = EndReason::logged_out, Duration pending = {}) {
        SessionCall& asked = call(SessionVerb::revoke, moment - 1, moment + 1);
        asked.handle = row.id;
        asked.pending = pending;
        row.revoked_at = at(moment);
        row.revoked_why = why;
        commit(moment, row);
        return row;
    }
    void tell(int moment, const Session& row) { history.told.push_back({static_cast<std::uint64_t>(moment), {row.id, row.user_id, row.revoked_why, at(moment)}}); }

    /// A rotation of what a token leads to, as the database has it.
    static Session rotated(int moment, Session row, unsigned char number) {
        row.jti = "access " + std::to_string(number);
        row.refresh_token = token(number);
        row.last_seen_at = at(moment);
        row.rotated_at = at(moment);
        return row;
    }
    SessionCall& rotate(int from, int to, const Session& row) {
        SessionCall& made = call(SessionVerb::rotate, from, to);
        made.handle = row.id;
        made.refresh = row.refresh_token;
        return made;
    }

    std::optional<Property> broken() {
        const auto violation = SessionJudge(history, promises).check();
        if (!violation) return std::nullopt;
        CHECK(!violation->what.empty());
        return violation->property;
    }

    SessionHistory history;
    SessionPromises promises;
};

} // namespace

TEST_CASE("session judge: a session that has ended is accepted no more once that is effective") {
    Story story;
    const Session row = story.login(10, 1);
    SUBCASE("effective") {
        story.end(20, row);
        story.authenticate(30, 31, row);
        CHECK(story.broken() == Property::s1_ended);
    }
    SUBCASE("pending, and its bound has passed") {
        story.end(20, row, EndReason::logged_out, milliseconds(5));
        story.authenticate(30, 31, row);
        CHECK(story.broken() == Property::s1_ended);
    }
    SUBCASE("pending") {
        story.end(20, row, EndReason::logged_out, milliseconds(50));
        story.authenticate(30, 31, row);
        CHECK(!story.broken());
    }
    SUBCASE("under way") {
        story.end(20, row);
        story.authenticate(20, 31, row);
        CHECK(!story.broken());
    }
    SUBCASE("never acknowledged, under a policy that promises current answers") {
        story.end(20, row);
        story.history.calls.back().answered = false;
        story.authenticate(30, 31, row);
        CHECK(!story.broken());
        story.promises.current = true;
        CHECK(story.broken() == Property::s1_ended);
    }
    SUBCASE("said to have ended, and it goes on") {
        story.call(SessionVerb::revoke_all, 20, 25);
        CHECK(story.broken() == Property::s1_ended);
    }
    SUBCASE("pending, though it had to be effective") {
        story.end(20, row, EndReason::logged_out, milliseconds(5));
        story.history.calls.back().insists = true;
        CHECK(story.broken() == Property::s1_ended);
    }
    SUBCASE("told as it was") {
        story.end(20, row);
        story.authenticate(30, 31, row, SessionState::revoked).standing.why = EndReason::logged_out;
        CHECK(!story.broken());
        story.history.calls.back().standing.why = EndReason::administrator;
        CHECK(story.broken() == Property::s7_terminal);
    }
}

TEST_CASE("session judge: a session that is valid is refused by nobody") {
    Story story;
    const Session row = story.login(10, 1);
    SUBCASE("unknown") {
        story.authenticate(30, 31, row, SessionState::unknown);
        CHECK(story.broken() == Property::s2_valid);
    }
    SUBCASE("unknown while its login is pending") {
        story.history.calls.front().pending = milliseconds(50);
        story.authenticate(30, 31, row, SessionState::unknown);
        CHECK(!story.broken());
    }
    SUBCASE("expired before its time") {
        story.authenticate(30, 31, row, SessionState::expired).standing.limit = SessionLimit::idle;
        CHECK(story.broken() == Property::s5_limits);
    }
    SUBCASE("expired in time") {
        story.authenticate(1009, 1011, row, SessionState::expired).standing.limit = SessionLimit::idle;
        CHECK(!story.broken());
    }
    SUBCASE("its refresh token is called reused") {
        story.rotate(30, 31, row).standing = {SessionState::reused, SessionLimit::none, EndReason::token_reused};
        CHECK(story.broken().has_value());
    }
}

TEST_CASE("session judge: one rotation of a token is granted") {
    Story story;
    const Session row = story.login(10, 1);
    const Session next = Story::rotated(25, row, 2);
    Story::grant(story.rotate(20, 30, row), next);
    story.commit(25, next);
    CHECK(!story.broken());
    SUBCASE("the access token from before is good no more") {
        story.authenticate(40, 41, row);
        CHECK(story.broken() == Property::s1_ended);
    }
    SUBCASE("the access token from before leads to the session as it is now") {
        story.history.calls.back().pending = milliseconds(100);
        story.authenticate(40, 41, row).access_expires_at += milliseconds(15);
        CHECK(story.broken() == Property::c4_alias);
    }
    SUBCASE("two of one") {
        const Session other = Story::rotated(26, next, 3);
        Story::grant(story.rotate(20, 30, row), other);
        story.commit(26, other);
        CHECK(story.broken() == Property::s3_one_rotation);
    }
    SUBCASE("granted, and not in the database") {
        Story::grant(story.rotate(40, 50, next), Story::rotated(45, next, 3));
        CHECK(story.broken() == Property::s3_one_rotation);
    }
    SUBCASE("again, without a grace") {
        SessionCall& again = story.rotate(40, 50, row);
        Story::grant(again, next);
        again.grant.repeated = true;
        CHECK(story.broken() == Property::s4_theft);
    }
}

TEST_CASE("session judge: a token that was replaced ends the family when it is presented") {
    Story story;
    const Session row = story.login(10, 1);
    Session next = Story::rotated(25, row, 2);
    Story::grant(story.rotate(20, 30, row), next);
    story.commit(25, next);
    SUBCASE("as it should") {
        story.rotate(40, 50, row).standing = {SessionState::reused, SessionLimit::none, EndReason::token_reused};
        next.revoked_at = at(45);
        next.revoked_why = EndReason::token_reused;
        story.commit(45, next);
        CHECK(!story.broken());
        story.authenticate(60, 61, next);
        CHECK(story.broken() == Property::s1_ended);
    }
    SUBCASE("nothing is ended") {
        story.rotate(40, 50, row).standing = {SessionState::reused, SessionLimit::none, EndReason::token_reused};
        CHECK(story.broken() == Property::s4_theft);
    }
    SUBCASE("nobody minds") {
        story.end(35, next);
        story.rotate(40, 50, row).standing = {SessionState::revoked, SessionLimit::none, EndReason::logged_out};
        CHECK(story.broken() == Property::s4_theft);
    }
}

TEST_CASE("session judge: limits of time are kept") {
    Story story;
    Session row = story.login(10, 1);
    SUBCASE("idle") {
        story.authenticate(1010, 1020, row);
        CHECK(story.broken() == Property::s5_limits);
    }
    SUBCASE("used after that") {
        row.last_seen_at = at(1100);
        story.call(SessionVerb::authenticate, 1099, 1101).failed = true;
        story.commit(1100, row);
        CHECK(story.broken() == Property::s5_limits);
    }
    SUBCASE("put off") {
        row.refresh_expires_at += milliseconds(1);
        story.commit(20, row);
        CHECK(story.broken() == Property::s5_limits);
    }
    SUBCASE("reaped before its time") {
        story.end(900, row, EndReason::idle_timeout);
        CHECK(story.broken() == Property::s5_limits);
    }
    SUBCASE("not reaped") {
        story.call(SessionVerb::expire, 1100, 1110);
        CHECK(story.broken() == Property::s5_limits);
    }
    SUBCASE("not noted as used") {
        story.authenticate(500, 510, row);
        CHECK(!story.broken());
        story.history.faultless = true;
        CHECK(story.broken() == Property::s5_limits);
    }
    SUBCASE("unless the clock was stepped meanwhile") {
        story.history.wall = WallHistory(Duration::zero(), {{SteadyTime(milliseconds(1015)), -milliseconds(900)}});
        story.authenticate(1010, 1020, row);
        CHECK(!story.broken());
    }
}

TEST_CASE("session judge: what has ended stays as it ended") {
    Story story;
    const Session row = story.login(10, 1);
    Session ended = story.end(20, row);
    SUBCASE("changed") {
        ended.revoked_why = EndReason::administrator;
        story.commit(30, ended);
        CHECK(story.broken() == Property::s7_terminal);
    }
    SUBCASE("back") {
        story.commit(30, row);
        CHECK(story.broken() == Property::s7_terminal);
    }
    SUBCASE("removed too early") {
        story.remove(300, row);
        CHECK(story.broken() == Property::s5_limits);
    }
    SUBCASE("removed in time") {
        story.call(SessionVerb::expire, 519, 521);
        story.remove(520, row);
        CHECK(!story.broken());
        story.commit(600, row);
        CHECK(story.broken() == Property::s7_terminal);
    }
}

TEST_CASE("session judge: nobody has more sessions than one may") {
    Story story;
    story.promises.rules.sessions_per_user = 2;
    story.login(10, 1);
    story.login(20, 2);
    CHECK(!story.broken());
    SUBCASE("one more") {
        story.login(30, 3);
        CHECK(story.broken() == Property::s6_cap);
    }
    SUBCASE("somebody else's") {
        story.login(30, 3, 2);
        CHECK(!story.broken());
    }
    SUBCASE("refused") {
        story.call(SessionVerb::login, 30, 40).standing.state = SessionState::refused;
        CHECK(!story.broken());
    }
    SUBCASE("refused without a reason") {
        story.call(SessionVerb::login, 30, 40, 2).standing.state = SessionState::refused;
        CHECK(story.broken() == Property::s6_cap);
    }
}

TEST_CASE("session judge: an elevated session takes the old one's place") {
    Story story;
    Session row = story.login(10, 1);
    row.data = "d";
    story.history.calls.front().data = "d";
    story.history.commits.front().row = row;
    Session next = Story::rotated(25, row, 2);
    next.id = handle(2);
    next.rotated_at.reset();
    Session ended = row;
    ended.revoked_at = at(25);
    ended.revoked_why = EndReason::replaced;
    SessionCall& call = story.call(SessionVerb::elevate, 20, 30);
    call.handle = row.id;
    Story::grant(call, next);
    SUBCASE("as it should") {
        story.commit(25, ended);
        story.commit(25, next);
        CHECK(!story.broken());
        story.authenticate(40, 41, row);
        CHECK(story.broken() == Property::s1_ended);
    }
    SUBCASE("beside it") {
        story.commit(25, next);
        CHECK(story.broken() == Property::s8_elevated);
    }
    SUBCASE("without it") {
        story.commit(25, ended);
        CHECK(story.broken() == Property::s8_elevated);
    }
    SUBCASE("without its data") {
        next.data.reset();
        story.commit(25, ended);
        story.commit(25, next);
        CHECK(story.broken() == Property::s8_elevated);
    }
}

TEST_CASE("session judge: an end is told of once and as it was") {
    Story story;
    const Session row = story.login(10, 1);
    Session ended = story.end(20, row);
    SUBCASE("once") {
        story.tell(21, ended);
        story.history.faultless = true;
        CHECK(!story.broken());
    }
    SUBCASE("twice") {
        story.tell(21, ended);
        story.tell(22, ended);
        CHECK(story.broken() == Property::s9_told);
    }
    SUBCASE("for another reason") {
        ended.revoked_why = EndReason::administrator;
        story.tell(21, ended);
        CHECK(story.broken() == Property::s9_told);
    }
    SUBCASE("counted twice") {
        story.history.calls.back().count = 2;
        CHECK(story.broken() == Property::s9_told);
    }
    SUBCASE("too early") {
        story.tell(19, ended);
        CHECK(story.broken() == Property::s9_told);
    }
    SUBCASE("to nobody") {
        story.history.faultless = true;
        CHECK(story.broken() == Property::s9_told);
    }
}

TEST_CASE("session judge: what is listed is what is active") {
    Story story;
    const Session row = story.login(10, 1);
    const auto info = [](const Session& session) { return SessionInfo{session.id, session.user_id, session.created_at, session.last_seen_at, session.refresh_expires_at, "", ""}; };
    SUBCASE("it") {
        story.call(SessionVerb::list, 20, 30).listed = {info(row)};
        CHECK(!story.broken());
    }
    SUBCASE("nothing") {
        story.call(SessionVerb::list, 20, 30);
        CHECK(story.broken() == Property::s10_listed);
    }
    SUBCASE("twice") {
        story.call(SessionVerb::list, 20, 30).listed = {info(row), info(row)};
        CHECK(story.broken() == Property::s10_listed);
    }
    SUBCASE("what has ended") {
        story.end(20, row);
        story.call(SessionVerb::list, 30, 40).listed = {info(row)};
        CHECK(story.broken() == Property::s10_listed);
    }
}
