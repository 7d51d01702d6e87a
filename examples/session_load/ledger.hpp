// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "ending.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

/// What the program knows to be true of the sessions that it began: as much as the answers say, and no more.
namespace load {

/// All that follow from one login.
struct Family {
    Ending end{};
};

/// A session, until it is put in the place of by another.
struct Session {
    std::int64_t user = 0;
    std::string handle{};
    std::shared_ptr<Family> family{};
    std::shared_ptr<Session> before{}; ///< In whose place it was put.
    Moment asked{}, answered{};        ///< Its login or elevation.
    Moment lasts_until{};              ///< As long at least it is good, if it is used and nothing ends it.
    Ending end{};
    bool replacing = false;            ///< Somebody has asked to put another in its place.
    unsigned exchanging = 0;           ///< Requests under way that present one of its refresh tokens.
    Moment exchanging_until = Moment::min(); ///< As long, one whose answer was lost may still be carried out.
    Moment used{};                     ///< When the last request was sent that was accepted.
};

/// An access token and a refresh token that came together.
struct Grant {
    std::shared_ptr<Session> session{};
    std::string access{}, refresh{};
    Moment asked{}, answered{};
    Span access_life{}, life{};
    Ending access_end{};   ///< By an exchange of the refresh token.
    unsigned presented = 0; ///< How often its refresh token was,
    unsigned exchanged = 0; ///< and how often that was answered with new tokens,
    unsigned lost = 0;      ///< or not at all.

    /// Whether anything that was asked may have ended it before a moment.
    bool may_have_ended(Moment before) const { return session->end.possible_before(before) || session->family->end.possible_before(before); }
    /// The same, but for what the request has asked for that was sent at a moment.
    bool may_have_ended_otherwise(Moment before, Moment sent) const {
        return (session->end.possible_before(before) && !session->end.only_by(sent)) || session->family->end.possible_before(before);
    }
    bool access_may_have_ended_otherwise(Moment before, Moment sent) const { return access_end.possible_before(before) || may_have_ended_otherwise(before, sent); }
    /// What has ended the session for everyone at a moment; null: nothing.
    const Ending* ended(Moment at) const {
        for (const Ending* end : {&session->end, &session->family->end})
            if (end->certain_at(at)) return end;
        return nullptr;
    }
    const Ending* access_ended(Moment at) const { return access_end.certain_at(at) ? &access_end : ended(at); }
    /// From when on the access token must be refused by everyone, as far as is known; `Moment::max()`: never.
    Moment access_certain() const { return std::min({access_end.certain(), session->end.certain(), session->family->end.certain()}); }
};

/// The ending of all sessions of a user, or of all but one.
struct Sweep {
    Cause cause{};
    std::string kept{};                  ///< A handle; empty: none.
    Moment effective_until = Moment::max(); ///< Sessions begun later are none of its business.

    /// Whether it ends a session for certain, if it is carried out: one that was there before it was asked for, or was put in the place of such a one
    /// meanwhile: that came first, else it would have found nothing to replace.
    bool covers(const Session& session) const {
        if (!kept.empty() && session.handle == kept) return false;
        if (session.answered <= cause.asked) return true;
        return session.before && covers(*session.before);
    }
    /// Whether it may end a session.
    bool touches(const Session& session) const { return session.handle != kept && session.asked < effective_until; }
};

/// A user's sessions, and what ends several of them.
struct Account {
    std::vector<std::shared_ptr<Session>> sessions{};
    std::vector<std::shared_ptr<Sweep>> sweeps{};
};

/// All accounts, and every secret that was given to anybody.
class Ledger {
public:
    Account& account(std::int64_t user) { return accounts_[user]; }

    /// Notes a secret, or a handle. \returns whether it is new.
    bool note_secret(std::string_view text) { return secrets_.insert(std::hash<std::string_view>{}(text)).second; }

    /// A session has begun: sweeps that were under way meanwhile may have ended it, or have done so.
    static void begin(Account& account, const std::shared_ptr<Session>& session) {
        account.sessions.push_back(session);
        for (const auto& sweep : account.sweeps) {
            if (!sweep->touches(*session)) continue;
            session->end.may(sweep->cause);
            conclude(*sweep, *session);
        }
        prune(account, session->answered);
    }

    static std::shared_ptr<Sweep> begin_sweep(Account& account, const Cause& cause, std::string kept) {
        auto sweep = std::make_shared<Sweep>(Sweep{cause, std::move(kept)});
        account.sweeps.push_back(sweep);
        for (const auto& session : account.sessions)
            if (sweep->touches(*session)) session->end.may(cause);
        return sweep;
    }
    static void finish_sweep(Account& account, Sweep& sweep, Moment answered, Span bound) {
        sweep.cause.answered = answered;
        sweep.cause.bound = bound;
        sweep.effective_until = answered;
        for (const auto& session : account.sessions) conclude(sweep, *session);
    }
    /// It was refused: what was said of it stays possible, but of no session that begins from now on.
    static void drop_sweep(Sweep& sweep, Moment until) { sweep.effective_until = until; }

private:
    static constexpr std::size_t remembered = 64; ///< Sessions of a user that have ended.
    static constexpr auto long_ago = std::chrono::minutes(2);

    static void conclude(const Sweep& sweep, Session& session) {
        if (sweep.cause.answered && sweep.touches(session) && sweep.covers(session)) session.end.must(sweep.cause);
    }

    /// Forgets what ended first, and sweeps that no request under way can have met.
    static void prune(Account& account, Moment now) {
        std::erase_if(account.sweeps, [now](const auto& sweep) { return sweep->effective_until != Moment::max() && sweep->effective_until + long_ago < now; });
        for (const auto& session : account.sessions)
            if (session->before && session->before->answered + long_ago < now) session->before.reset();
        if (account.sessions.size() <= 2 * remembered) return;
        const auto over = [now](const std::shared_ptr<Session>& session) { return session->end.certain_at(now) || session->family->end.certain_at(now); };
        auto surplus = static_cast<std::size_t>(std::count_if(account.sessions.begin(), account.sessions.end(), over));
        std::erase_if(account.sessions, [&](const auto& session) { return over(session) && surplus > remembered && surplus-- != 0; });
    }

    std::unordered_map<std::int64_t, Account> accounts_;
    std::unordered_set<std::size_t> secrets_;
};

} // namespace load
