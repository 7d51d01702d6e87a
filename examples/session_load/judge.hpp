// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "answer.hpp"
#include "ending.hpp"
#include "ledger.hpp"
#include "violation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace load {

/// A request on its way, and what was known when it was sent.
struct Request {
    Kind kind{};
    std::int64_t user = 0;            ///< Of a login.
    std::shared_ptr<Grant> grant{};   ///< Whose token is presented; null: a login.
    std::shared_ptr<Session> target{};///< Of `end_one` and `end_foreign`: what is to be ended.
    std::string server{};             ///< For whoever reads of it.

    Moment asked{};
    bool exchanged_before = false;     ///< The refresh token had been exchanged for certain.
    bool other_end_before = false;     ///< Something else may have ended the session.
    unsigned presented_before = 0;
    std::shared_ptr<Sweep> sweep{};
};

/// What the servers declare and their answers do not say.
struct Declared {
    Span bound{};                                   ///< For how long what has ended may be taken for good where the answer does not say.
    Span idle = std::chrono::minutes(30);           ///< For how long a session may be left alone; the server may give it up after half of that.
    Span lost_life = std::chrono::seconds(15);      ///< How long after its answer was lost a request may still be carried out.
    Span clock_slack = std::chrono::milliseconds(100); ///< By how much the clocks of server and program may differ over a session's life.
};

/// Keeps the ledger, and compares each answer with it.
///
/// Call `ask` when a request is about to be sent, and `hear` with its answer, in the order in which this happens. Not thread-safe.
class Judge {
public:
    /// \param found is told of each violation.
    Judge(Declared declared, std::function<void(const Violation&)> found) : declared_(declared), found_(std::move(found)) {}

    void set_declared_bound(Span bound) { declared_.bound = bound; }
    /// What the moments count from in the text of a violation.
    void set_origin(Moment origin) { origin_ = origin; }

    void ask(Request& request, Moment now) {
        request.asked = now;
        switch (request.kind) {
        case Kind::refresh: return ask_refresh(request);
        case Kind::elevate: return ask_elevate(request);
        case Kind::logout: return session_of(request).end.may(cause("logged out", now));
        case Kind::end_one: return request.target->end.may(cause("ended by its handle", now));
        case Kind::end_others:
        case Kind::end_all: {
            const bool all = request.kind == Kind::end_all;
            request.sweep = Ledger::begin_sweep(account_of(request), cause(all ? "all of the user's sessions ended" : "all other sessions of the user ended", now), all ? "" : session_of(request).handle);
            return;
        }
        case Kind::login:
        case Kind::me:
        case Kind::list:
        case Kind::end_foreign: return;
        }
    }

    /// \returns the tokens that the answer brings, if any.
    std::shared_ptr<Grant> hear(const Request& request, const Answer& answer, Moment now) {
        if (request.kind == Kind::refresh) --session_of(request).exchanging;
        if (answer.in_doubt()) {
            lose(request, now);
            return nullptr;
        }
        if (!answer.trouble.empty() || !of_contract(request.kind, answer.status)) {
            break_rule(Rule::not_of_contract, request, answer, now, answer.trouble);
            if (!only_reads(request.kind)) lose(request, now);
            return nullptr;
        }
        if (answer.unauthorized()) {
            hear_refusal(request, answer, now);
            return nullptr;
        }
        switch (request.kind) {
        case Kind::login: return answer.accepted() ? begin_session(request, answer, now, std::make_shared<Family>(), nullptr) : nullptr;
        case Kind::refresh: return hear_refresh(request, answer, now);
        case Kind::elevate: return hear_elevate(request, answer, now);
        default: break;
        }
        check_accepted(request, answer, now);
        switch (request.kind) {
        case Kind::me: check_identity(request, answer, now); break;
        case Kind::list: check_list(request, answer, now); break;
        case Kind::logout: hear_end(request, session_of(request), "logged out", answer, now); break;
        case Kind::end_one: hear_end_one(request, answer, now); break;
        case Kind::end_foreign: hear_foreign(request, answer, now); break;
        default: hear_sweep(request, answer, now);
        }
        return nullptr;
    }

    /// The session with a handle, if a user began it; null: it is not one of this program's.
    std::shared_ptr<Session> session(std::int64_t user, std::string_view handle) {
        for (const auto& session : ledger_.account(user).sessions)
            if (session->handle == handle) return session;
        return nullptr;
    }

    /// Whether nothing may have ended a session, so that of several who present its token at once one must win.
    bool certainly_good(const Grant& grant, Moment now) const {
        return grant.presented == 0 && !grant.may_have_ended(now) && !grant.session->replacing && now + declared_.clock_slack < grant.asked + grant.life;
    }
    /// Several have presented a refresh token of a session that was certainly good before, and all have been answered. \param began before the first was asked.
    void conclude_race(const Request& one, Moment began, Moment now) {
        const Grant& grant = *one.grant;
        if (grant.exchanged == 1 && grant.lost == 0 && !grant.session->end.possible_before(now) && grant.session->family->end.certain() == Moment::max()) {
            Answer others;
            others.trouble = "none of the others was called reused";
            break_rule(Rule::theft_unnoticed, one, others, now, fmt::format("the token was presented {} times at once, and one won", grant.presented));
        }
        if (grant.exchanged != 0 || grant.lost != 0 || grant.session->end.possible_before(now) || grant.session->family->end.possible_before(began) || now + declared_.clock_slack >= grant.asked + grant.life)
            return;
        Answer nobody;
        nobody.trouble = "each of them was refused";
        break_rule(Rule::never_exchanged, one, nobody, now, fmt::format("the token was presented {} times at once", grant.presented));
    }

private:
    static Cause cause(std::string_view what, Moment asked) { return {what, asked, {}, {}}; }
    Cause cause(std::string_view what, const Request& request, const Answer& answer, Moment now) const { return {what, request.asked, now, answer.bound.value_or(declared_.bound)}; }
    static Session& session_of(const Request& request) { return *request.grant->session; }
    Account& account_of(const Request& request) { return ledger_.account(request.user); }

    static bool of_contract(Kind kind, unsigned status) {
        switch (kind) {
        case Kind::login: return status == 201 || status == 409 || status == 400 || status == 404;
        case Kind::end_one:
        case Kind::end_foreign: return status == 200 || status == 401 || status == 404;
        case Kind::elevate: return status == 200 || status == 201 || status == 401;
        default: return status == 200 || status == 401;
        }
    }

    // ---- asking ----------------------------------------------------------------------------------------------------------

    static void ask_refresh(Request& request) {
        Grant& grant = *request.grant;
        Session& session = *grant.session;
        request.exchanged_before = grant.exchanged != 0;
        request.other_end_before = grant.may_have_ended(request.asked);
        request.presented_before = grant.presented;
        // Whichever of the two comes second is taken for a thief.
        if (grant.presented != 0 || session.replacing) session.family->end.may(cause("a refresh token presented a second time", request.asked));
        ++grant.presented;
        ++session.exchanging;
        grant.access_end.may(cause("its refresh token exchanged", request.asked));
    }

    static void ask_elevate(Request& request) {
        Session& session = session_of(request);
        session.replacing = true;
        session.end.may(cause("elevated", request.asked));
        if (session.exchanging != 0 || request.asked < session.exchanging_until) session.family->end.may(cause("a refresh token presented while its session was elevated", request.asked));
    }

    /// Nobody knows whether it was carried out, or will be.
    void lose(const Request& request, Moment now) {
        if (request.kind == Kind::refresh) {
            ++request.grant->lost;
            session_of(request).exchanging_until = now + declared_.lost_life;
        }
        if (request.sweep) Ledger::drop_sweep(*request.sweep, now + declared_.lost_life);
    }

    // ---- what was refused ------------------------------------------------------------------------------------------------

    void hear_refusal(const Request& request, const Answer& answer, Moment now) {
        if (request.kind == Kind::refresh) return hear_refused_refresh(request, answer, now);
        if (request.sweep) Ledger::drop_sweep(*request.sweep, now);
        const Grant& grant = *request.grant;
        if (grant.access_may_have_ended_otherwise(now, request.asked) || has_expired(request, answer, now)) return;
        break_rule(Rule::refuses_valid, request, answer, now, "nothing has ended the session or its access token");
    }

    void hear_refused_refresh(const Request& request, const Answer& answer, Moment now) {
        const Grant& grant = *request.grant;
        if (answer.state == "reused") {
            if (grant.presented < 2 && !grant.session->replacing)
                break_rule(Rule::false_alarm, request, answer, now, "nobody else has presented this refresh token");
            grant.session->family->end.must(cause("the reuse of a refresh token seen", request, answer, now));
            return;
        }
        if (has_expired(request, answer, now)) return;
        if (request.exchanged_before) {
            if (!request.other_end_before) break_rule(Rule::theft_unnoticed, request, answer, now, "this refresh token had been exchanged before");
            return;
        }
        if (!grant.may_have_ended(now) && grant.presented < 2) break_rule(Rule::refuses_valid, request, answer, now, "nothing has ended the session or its refresh token");
    }

    /// Whether a refusal is right in saying that the time is over.
    bool has_expired(const Request& request, const Answer& answer, Moment now) const {
        if (answer.state != "expired") return false;
        const Grant& grant = *request.grant;
        const Moment at = now + declared_.clock_slack;
        if (answer.limit == "access") return request.kind != Kind::refresh && at >= grant.asked + grant.access_life;
        if (answer.limit == "absolute") return at >= grant.asked + grant.life;
        return answer.limit == "idle" && at >= grant.session->used + declared_.idle / 2;
    }

    // ---- what was accepted -----------------------------------------------------------------------------------------------

    /// Whether the access token may be accepted; else says that it may not.
    bool check_accepted(const Request& request, const Answer& answer, Moment now) {
        const Grant& grant = *request.grant;
        if (const Ending* end = grant.access_ended(request.asked)) {
            break_rule(Rule::accepts_ended, request, answer, now, describe(*end, request.asked));
            return false;
        }
        if (request.asked >= grant.answered + std::min(grant.access_life, grant.life) + declared_.clock_slack) {
            break_rule(Rule::accepts_expired, request, answer, now, fmt::format("the access token was good until {} at most", at(grant.answered + std::min(grant.access_life, grant.life))));
            return false;
        }
        grant.session->used = std::max(grant.session->used, request.asked);
        return true;
    }

    void check_identity(const Request& request, const Answer& answer, Moment now) {
        if (answer.user.value_or(request.user) != request.user || answer.handle != session_of(request).handle)
            break_rule(Rule::wrong_session, request, answer, now, fmt::format("the token is of user {}, session {}", request.user, session_of(request).handle));
    }

    void check_list(const Request& request, const Answer& answer, Moment now) {
        for (const auto& session : account_of(request).sessions) {
            const auto listed = std::find_if(answer.sessions.begin(), answer.sessions.end(), [&](const Listed& each) { return each.handle == session->handle; });
            const bool shown = listed != answer.sessions.end();
            const bool own = session == request.grant->session;
            for (const Ending* end : {&session->end, &session->family->end})
                if (shown && end->certain_at(request.asked)) break_rule(Rule::list_shows_ended, request, answer, now, fmt::format("session {}: {}", session->handle, describe(*end, request.asked)));
            const bool good = session->answered <= request.asked && !session->end.possible_before(now) && !session->family->end.possible_before(now) && now < session->used + declared_.idle / 2 &&
                              now + declared_.clock_slack < session->lasts_until;
            if (!shown && good) break_rule(Rule::list_lacks_valid, request, answer, now, fmt::format("nothing has ended session {}, which was begun at {}", session->handle, at(session->answered)));
            if (shown && listed->current != own) break_rule(Rule::wrong_session, request, answer, now, fmt::format("session {} is {}the one that asks", session->handle, own ? "" : "not "));
        }
    }

    // ---- tokens ----------------------------------------------------------------------------------------------------------

    std::shared_ptr<Grant> begin_session(const Request& request, const Answer& answer, Moment now, std::shared_ptr<Family> family, std::shared_ptr<Session> before) {
        auto session = std::make_shared<Session>();
        session->user = request.user;
        session->handle = answer.handle;
        session->family = std::move(family);
        session->before = std::move(before);
        session->asked = session->used = request.asked;
        session->answered = now;
        session->lasts_until = request.asked + answer.life;
        if (answer.user.value_or(request.user) != request.user) break_rule(Rule::wrong_session, request, answer, now, fmt::format("user {} asked for it", request.user));
        if (!ledger_.note_secret(answer.handle)) break_rule(Rule::secret_repeated, request, answer, now, "its handle is that of another session");
        Ledger::begin(account_of(request), session);
        return grant(std::move(session), request, answer, now);
    }

    std::shared_ptr<Grant> grant(std::shared_ptr<Session> session, const Request& request, const Answer& answer, Moment now) {
        auto given = std::make_shared<Grant>();
        given->session = std::move(session);
        given->access = answer.access;
        given->refresh = answer.refresh;
        given->asked = request.asked;
        given->answered = now;
        given->access_life = answer.access_life;
        given->life = answer.life;
        const bool fresh_access = ledger_.note_secret(answer.access), fresh_refresh = ledger_.note_secret(answer.refresh);
        if (!fresh_access || !fresh_refresh) break_rule(Rule::secret_repeated, request, answer, now, fmt::format("its {} token was given before", fresh_access ? "refresh" : "access"));
        return given;
    }

    std::shared_ptr<Grant> hear_refresh(const Request& request, const Answer& answer, Moment now) {
        Grant& used = *request.grant;
        ++used.exchanged;
        if (used.exchanged > 1)
            break_rule(request.exchanged_before ? Rule::theft_unnoticed : Rule::exchanged_twice, request, answer, now,
                       request.exchanged_before ? "this refresh token had been exchanged before" : "this refresh token was exchanged by somebody else at the same time");
        else if (const Ending* end = used.ended(request.asked))
            break_rule(Rule::accepts_ended, request, answer, now, describe(*end, request.asked));
        else if (request.asked >= used.answered + used.life + declared_.clock_slack)
            break_rule(Rule::accepts_expired, request, answer, now, fmt::format("the session was good until {} at most", at(used.answered + used.life)));
        check_identity(request, answer, now);
        used.session->used = std::max(used.session->used, request.asked);
        used.access_end.must(cause("its refresh token exchanged", request, answer, now));
        return grant(used.session, request, answer, now);
    }

    std::shared_ptr<Grant> hear_elevate(const Request& request, const Answer& answer, Moment now) {
        if (!answer.accepted()) return nullptr;
        Session& old = session_of(request);
        check_accepted(request, answer, now);
        old.end.must(cause("elevated", request, answer, now));
        return begin_session(request, answer, now, old.family, request.grant->session);
    }

    // ---- ends ------------------------------------------------------------------------------------------------------------

    /// Whether a session was good for certain from before a request until now, but for what the request itself does.
    bool was_good(const Session& session, const Request& request, Moment now) const {
        return session.answered <= request.asked && session.end.only_by(request.asked) && !session.family->end.possible_before(now) && now + declared_.clock_slack < session.lasts_until &&
               now < session.used + declared_.idle / 2;
    }

    void hear_end(const Request& request, Session& session, std::string_view what, const Answer& answer, Moment now) {
        if (answer.ended == 0 && was_good(session, request, now))
            break_rule(Rule::too_few_ended, request, answer, now, fmt::format("session {} was good, and nobody else ended it", session.handle));
        session.end.must(cause(what, request, answer, now));
    }

    void hear_end_one(const Request& request, const Answer& answer, Moment now) {
        if (answer.status == 200) return hear_end(request, *request.target, "ended by its handle", answer, now);
        if (was_good(*request.target, request, now)) break_rule(Rule::refuses_valid, request, answer, now, fmt::format("session {} is the caller's, and nothing else has ended it", request.target->handle));
    }

    void hear_foreign(const Request& request, const Answer& answer, Moment now) {
        if (answer.status == 200) break_rule(Rule::foreign_ended, request, answer, now, fmt::format("session {} is of another user", request.target->handle));
    }

    void hear_sweep(const Request& request, const Answer& answer, Moment now) {
        std::uint64_t good = 0;
        for (const auto& session : account_of(request).sessions)
            good += request.sweep->covers(*session) && was_good(*session, request, now);
        if (answer.ended < good) break_rule(Rule::too_few_ended, request, answer, now, fmt::format("{} sessions of user {} were good, and nobody else ended them", good, request.user));
        Ledger::finish_sweep(account_of(request), *request.sweep, now, answer.bound.value_or(declared_.bound));
    }

    // ---- telling ---------------------------------------------------------------------------------------------------------

    std::string at(Moment moment) const { return fmt::format("{:.3f} s", std::chrono::duration<double>(moment - origin_).count()); }
    static double milliseconds(Span span) { return std::chrono::duration<double, std::milli>(span).count(); }

    /// How an end had become certain before a moment.
    std::string describe(const Ending& end, Moment asked) const {
        const Cause& cause = end.cause();
        return fmt::format("{}: asked at {}, answered at {}, good for nobody from {:.1f} ms after that on; that was {:.1f} ms before this was asked", cause.what, at(cause.asked), at(*cause.answered),
                           milliseconds(cause.bound), milliseconds(asked - end.certain()));
    }

    static std::string said(const Answer& answer) {
        std::string text = answer.status == 0 ? std::string("nothing") : std::to_string(answer.status);
        for (const auto& [name, value] : {std::pair<std::string_view, std::string_view>{"", answer.code}, {"state ", answer.state}, {"limit ", answer.limit}, {"why ", answer.why}, {"from ", answer.source}})
            if (!value.empty()) text += fmt::format(", {}{}", name, value);
        if (answer.user) text += fmt::format(", user {}", *answer.user);
        if (!answer.handle.empty()) text += fmt::format(", session {}", answer.handle);
        if (answer.stale) text += ", called stale";
        if (answer.accepted() && answer.bound) text += fmt::format(", {} ended, bound {:.1f} ms", answer.ended, milliseconds(*answer.bound));
        if (!answer.trouble.empty()) text += fmt::format(" ({})", answer.trouble);
        return text;
    }

    void break_rule(Rule rule, const Request& request, const Answer& answer, Moment now, const std::string& known) {
        Violation violation{rule, request.kind, now, {}};
        violation.story.push_back(fmt::format("asked     at {}: {}{}, user {}{}", at(request.asked), name_of(request.kind), request.server.empty() ? "" : " of " + request.server, request.user,
                                              request.grant ? fmt::format(", session {}, tokens given at {}", session_of(request).handle, at(request.grant->answered)) : ""));
        violation.story.push_back(fmt::format("answered  at {}: {}", at(now), said(answer)));
        if (!known.empty()) violation.story.push_back("known     " + known);
        found_(violation);
    }

    Ledger ledger_;
    Declared declared_;
    Moment origin_{};
    std::function<void(const Violation&)> found_;
};

} // namespace load
