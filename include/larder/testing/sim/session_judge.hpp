// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/testing/sim/history.hpp>
#include <larder/testing/sim/session_history.hpp>
#include <larder/testing/sim/trace.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {

/// Judges what happened to session stores: a model of sessions that knows of the stores' code nothing but what it was asked, answered and committed.
///
/// What the database committed is the truth, and has rules of its own: an end is terminal, limits stay, one transaction replaces a session. Answers that come
/// from the database must fit a moment between question and answer; what a cache may have answered is held to what had been acknowledged before.
class SessionJudge {
public:
    SessionJudge(const SessionHistory& history, SessionPromises promises) : history_(history), promises_(std::move(promises)), rules_(promises_.rules) {
        for (const SessionCommit& commit : history_.commits) {
            states_[commit.handle].push_back(&commit);
            if (commit.row) holders_[commit.row->jti] = commit.handle;
        }
    }

    /// The first property that the history breaks.
    std::optional<Violation> check() {
        for (const SessionCommit& commit : history_.commits)
            if (!broken_) check_commit(commit);
        for (const SessionCall& call : history_.calls)
            if (call.answered && !call.failed && !broken_) acknowledge(call);
        for (const SessionCall& call : history_.calls)
            if (call.answered && !call.failed && !broken_) check_answer(call);
        if (!broken_) check_told();
        return std::move(broken_);
    }

private:
    using Range = std::pair<TimePoint, TimePoint>;
    using Digest = Hashed<std::string>::Digest;

    /// A state of a session while a call was under way.
    struct Meanwhile {
        const SessionCommit* commit; ///< Null: it was not there yet.
        const SessionCommit* before; ///< The state before; null: there was none.
        Range wall;                  ///< What the wall clock may have shown to whoever judged the state: it looked once, at any time.

        const Session* row() const noexcept { return commit && commit->row ? &*commit->row : nullptr; }
        bool revoked() const noexcept { return row() && row()->revoked_at; }
    };
    /// Since when something is known to be so.
    struct Known {
        std::uint64_t step;
        SteadyTime at;
        Duration bound;
    };

    void breaks(Property property, std::string what) {
        if (!broken_) broken_ = Violation{property, std::move(what)};
    }
    void breaks(Property property, const SessionCall& call, const std::string& what) {
        const bool lines = call.last_line != 0;
        breaks(property, call.who + " asked in " + (lines ? "lines " : "steps ") + std::to_string(lines ? call.first_line : call.invoked) + " to " + std::to_string(lines ? call.last_line : call.returned) + ": " + what);
    }
    static std::string named(const Uuid& handle) { return "session " + shown(handle); }

    static TimePoint::duration in_ms(Duration span) noexcept { return std::chrono::duration_cast<TimePoint::duration>(span); }
    bool idles() const noexcept { return rules_.idle_timeout > Duration::zero(); }
    TimePoint idle_end(const Session& row) const noexcept { return row.last_seen_at + in_ms(rules_.idle_timeout); }
    /// Whether its time is up at a moment.
    bool is_over(const Session& row, TimePoint moment) const noexcept { return row.refresh_expires_at <= moment || (idles() && idle_end(row) <= moment); }
    static Uuid family_of(const Session& row) noexcept { return row.family.value_or(row.id); }

    // ---- what was, when --------------------------------------------------------------------------------------------------

    const std::vector<const SessionCommit*>& states(const Uuid& handle) const {
        static const std::vector<const SessionCommit*> none;
        const auto place = states_.find(handle);
        return place == states_.end() ? none : place->second;
    }
    /// The last state before a step, or null.
    const SessionCommit* before(const Uuid& handle, std::uint64_t step) const {
        const SessionCommit* last = nullptr;
        for (const SessionCommit* each : states(handle))
            if (each->step < step) last = each;
        return last;
    }
    const SessionCommit* at(const Uuid& handle, std::uint64_t step) const { return before(handle, step + 1); }

    /// All states of a session between a call's question and its answer.
    std::vector<Meanwhile> meanwhile(const Uuid& handle, const SessionCall& call) const {
        std::vector<Meanwhile> spans;
        const auto& all = states(handle);
        const SessionCommit* last = nullptr;
        const SessionCommit* now = nullptr;
        const Range wall = history_.wall.range(call.invoked_at, call.returned_at);
        for (const SessionCommit* each : all) {
            if (each->step > call.returned) break;
            if (each->step >= call.invoked) spans.push_back({now, last, wall});
            last = std::exchange(now, each);
        }
        spans.push_back({now, last, wall});
        return spans;
    }

    /// What the wall clock may have shown to whoever made a commit: it acted on a call that had not ended long before.
    Range wall_of(const SessionCommit& commit) const {
        constexpr Duration late = std::chrono::seconds(1);
        SteadyTime since = commit.at;
        for (const SessionCall& call : history_.calls)
            if (call.invoked < commit.step && (!call.returned || call.returned_at + late >= commit.at)) since = std::min(since, call.invoked_at);
        return history_.wall.range(since, commit.at);
    }

    // ---- what was committed ----------------------------------------------------------------------------------------------

    void check_commit(const SessionCommit& commit) {
        const SessionCommit* previous = before(commit.handle, commit.step);
        const Session* was = previous && previous->row ? &*previous->row : nullptr;
        const Session* is = commit.row ? &*commit.row : nullptr;
        const Range wall = wall_of(commit);
        if (previous && !was) return breaks(Property::s7_terminal, named(commit.handle) + " was removed and is there again");
        if (!previous) return is ? check_begun(commit, *is) : void();
        if (!is) {
            if (!was->revoked_at) return breaks(Property::s7_terminal, named(commit.handle) + " was removed although it had not ended");
            if (*was->revoked_at + in_ms(rules_.keep_ended) > wall.second) breaks(Property::s5_limits, named(commit.handle) + " was removed before it had to be kept no longer");
            return;
        }
        if (was->revoked_at) return breaks(Property::s7_terminal, named(commit.handle) + " had ended and was changed");
        if (is->created_at != was->created_at || is->refresh_expires_at != was->refresh_expires_at || is->user_id != was->user_id || family_of(*is) != family_of(*was) || is->data != was->data)
            return breaks(Property::s5_limits, named(commit.handle) + " got another beginning, absolute limit, user, family or data");
        if (is->last_seen_at < was->last_seen_at || is->last_seen_at > wall.second) return breaks(Property::s5_limits, named(commit.handle) + " was noted as used at another time than it was");
        if (is->revoked_at) return check_ended(commit, *was, *is, wall);
        if (is->last_seen_at != was->last_seen_at && is_over(*was, wall.first)) return breaks(Property::s5_limits, named(commit.handle) + " was used after its time was up");
        if (is->refresh_token == was->refresh_token) {
            if (is->jti != was->jti) breaks(Property::s3_one_rotation, named(commit.handle) + " got a new access token without a new refresh token");
            return;
        }
        if (is->jti == was->jti) return breaks(Property::s3_one_rotation, named(commit.handle) + " was given a new refresh token and kept the access token");
        if (is_over(*was, wall.first)) return breaks(Property::s5_limits, named(commit.handle) + " was rotated after its time was up");
        check_access_end(*is, wall);
    }

    void check_access_end(const Session& row, const Range& wall) {
        const bool unlimited = rules_.access_lifetime == Duration::zero();
        if (row.access_expires_at > row.refresh_expires_at || (!unlimited && row.access_expires_at > wall.second + in_ms(rules_.access_lifetime)))
            breaks(Property::s5_limits, named(row.id) + " got an access token for longer than one may last");
    }

    void check_ended(const SessionCommit& commit, const Session& was, const Session& is, const Range& wall) {
        const bool by_idle = is.revoked_why == EndReason::idle_timeout, by_age = is.revoked_why == EndReason::absolute_timeout;
        if (by_idle && !(idles() && idle_end(was) <= wall.second)) return breaks(Property::s5_limits, named(commit.handle) + " was ended as idle before its time was up");
        if (by_age && was.refresh_expires_at > wall.second) return breaks(Property::s5_limits, named(commit.handle) + " was ended as too old before its time was up");
        if (*is.revoked_at > wall.second || *is.revoked_at < wall.first) return breaks(Property::s7_terminal, named(commit.handle) + " was ended at another time than its row says");
        if (is.revoked_why != EndReason::replaced) return;
        // One takes its place in the same transaction.
        for (const SessionCommit& each : history_.commits)
            if (each.step == commit.step && each.row && each.handle != commit.handle && family_of(*each.row) == family_of(is) && !before(each.handle, each.step)) return;
        breaks(Property::s8_elevated, named(commit.handle) + " was ended as replaced, and nothing replaced it");
    }

    void check_begun(const SessionCommit& commit, const Session& row) {
        if (row.revoked_at) return breaks(Property::s7_terminal, named(commit.handle) + " began as ended");
        const Range wall = commit.step == 0 ? Range{row.created_at, row.created_at} : wall_of(commit);
        if (row.family != row.id) return check_replacement(commit, row, wall);
        if (row.created_at < wall.first || row.created_at > wall.second || row.last_seen_at != row.created_at) return breaks(Property::s5_limits, named(commit.handle) + " says that it began at another time than it did");
        if (row.refresh_expires_at != row.created_at + in_ms(rules_.absolute_timeout)) return breaks(Property::s5_limits, named(commit.handle) + " got another absolute limit than that of a login");
        check_access_end(row, wall);
        if (rules_.sessions_per_user != 0 && commit.step != 0) check_cap(commit, row);
    }

    void check_replacement(const SessionCommit& commit, const Session& row, const Range& wall) {
        const Session* replaced = nullptr;
        for (const SessionCommit& each : history_.commits)
            if (each.step == commit.step && each.row && each.row->revoked_why == EndReason::replaced && family_of(*each.row) == family_of(row)) replaced = &*each.row;
        if (!replaced) return breaks(Property::s8_elevated, named(commit.handle) + " was put in the place of a session that did not end with it");
        const SessionCommit* previous = before(replaced->id, commit.step);
        if (!previous || !previous->row || is_over(*previous->row, wall.first)) return breaks(Property::s5_limits, named(replaced->id) + " was elevated after its time was up");
        const Session& old = *previous->row;
        if (row.created_at != old.created_at || row.refresh_expires_at != old.refresh_expires_at || row.user_id != old.user_id || row.ip_address != old.ip_address || row.user_agent != old.user_agent)
            return breaks(Property::s8_elevated, named(commit.handle) + " has another beginning, limit, user or device than what it replaces");
        if (row.jti == old.jti || row.refresh_token == old.refresh_token) return breaks(Property::s8_elevated, named(commit.handle) + " has a secret of what it replaces");
        check_access_end(row, wall);
    }

    /// At a login the user has no more active sessions than one may; those that made room for it were the oldest, and no more than had to.
    void check_cap(const SessionCommit& commit, const Session& row) {
        std::size_t active = 1, made_room = 0;
        TimePoint oldest_left = TimePoint::max(), newest_ended = TimePoint::min();
        for (const auto& [handle, all] : states_) {
            if (handle == commit.handle) continue;
            const SessionCommit* state = at(handle, commit.step);
            if (!state || !state->row || state->row->user_id != row.user_id) continue;
            if (state->step == commit.step && state->row->revoked_why == EndReason::too_many) {
                ++made_room;
                newest_ended = std::max(newest_ended, state->row->created_at);
            } else if (!state->row->revoked_at && !is_over(*state->row, row.created_at)) {
                ++active;
                oldest_left = std::min(oldest_left, state->row->created_at);
            }
        }
        if (active > rules_.sessions_per_user) return breaks(Property::s6_cap, "with " + named(commit.handle) + " its user has " + std::to_string(active) + " sessions, and may have " + std::to_string(rules_.sessions_per_user));
        if (made_room != 0 && (active < rules_.sessions_per_user || newest_ended > oldest_left || rules_.at_limit != AtSessionLimit::end_oldest))
            breaks(Property::s6_cap, "for " + named(commit.handle) + " a session was ended that need not have been");
    }

    // ---- what was acknowledged -------------------------------------------------------------------------------------------

    void acknowledge(const SessionCall& call) {
        const Known known{call.returned, call.returned_at, call.pending};
        const bool granted = call.standing.state == SessionState::active;
        if (call.insists && call.pending != Duration::zero()) return breaks(Property::s1_ended, call, "an end that had to be effective is pending");
        if (call.count > ends_meanwhile(call)) return breaks(Property::s9_told, call, std::to_string(call.count) + " sessions are said to have been ended, and " + std::to_string(ends_meanwhile(call)) + " were");
        switch (call.verb) {
        case SessionVerb::login:
            if (granted) began(call, known);
            if (granted)
                if (const SessionCommit* begun = first(call.grant.handle))
                    for (const SessionCommit& each : history_.commits)
                        if (each.step == begun->step && each.row && each.row->revoked_why == EndReason::too_many) ended_[each.handle].push_back(known);
            break;
        case SessionVerb::rotate:
            if (granted) {
                began(call, known);
                if (const SessionCommit* from = rotated_from(call)) replaced_[from->row->jti].push_back(known);
            } else if (call.standing.state == SessionState::reused) {
                ended(call, known, Property::s4_theft, [this, &call](const Session& row) { return is_of_family(row, call.handle); });
            }
            break;
        case SessionVerb::elevate:
            if (granted) {
                began(call, known);
                ended_[call.handle].push_back(known);
            }
            break;
        case SessionVerb::revoke: ended(call, known, Property::s1_ended, [&call](const Session& row) { return row.id == call.handle; }, false); break;
        case SessionVerb::revoke_family:
            // What has been removed is of no family any more.
            if (const SessionCommit* asked = before(call.handle, call.invoked); asked && asked->row && at(call.handle, call.returned)->row)
                ended(call, known, Property::s1_ended, [this, &call](const Session& row) { return is_of_family(row, call.handle); });
            break;
        case SessionVerb::revoke_all: ended(call, known, Property::s1_ended, [&call](const Session& row) { return row.user_id == call.user; }); break;
        case SessionVerb::revoke_others: ended(call, known, Property::s1_ended, [&call](const Session& row) { return row.user_id == call.user && row.id != call.handle; }); break;
        case SessionVerb::revoke_before: ended(call, known, Property::s1_ended, [&call](const Session& row) { return row.user_id == call.user && row.created_at < call.before; }); break;
        case SessionVerb::revoke_all_before: ended(call, known, Property::s1_ended, [&call](const Session& row) { return row.created_at < call.before; }, true, false); break;
        default: break;
        }
    }

    /// How many sessions ended while a call was under way.
    std::size_t ends_meanwhile(const SessionCall& call) const {
        std::size_t ends = 0;
        for (const SessionCommit& each : history_.commits) ends += each.step >= call.invoked && each.step <= call.returned && each.row && each.row->revoked_at;
        return ends;
    }

    const SessionCommit* first(const Uuid& handle) const {
        const auto& all = states(handle);
        return all.empty() ? nullptr : all.front();
    }
    bool is_of_family(const Session& row, const Uuid& member) const {
        const SessionCommit* begun = first(member);
        return begun && family_of(row) == family_of(*begun->row);
    }

    void began(const SessionCall& call, const Known& known) {
        begun_[call.grant.access].push_back(known);
        valid_[call.grant.handle].push_back(known);
    }

    /// The sessions that were there before the call and that it was about have ended, and what was about to take their place has not, or has ended too.
    /// \param with_followers whether what takes the place of one of them is one of them. \param vouches whether the answer is about what others had ended, too.
    template <class Which>
    void ended(const SessionCall& call, const Known& known, Property property, Which which, bool with_followers = true, bool vouches = true) {
        std::set<Uuid> families;
        for (const auto& [handle, all] : states_) {
            const Session& begun = *all.front()->row;
            if (all.front()->step >= call.invoked || !which(begun)) continue;
            families.insert(family_of(begun));
            const SessionCommit* now = at(handle, call.returned);
            if (now->row && !now->row->revoked_at) return breaks(property, call, named(handle) + " has not ended, although it was said to");
            if (vouches) ended_[handle].push_back(known);
        }
        if (!with_followers) return;
        // Who keeps one of a family keeps what follows from it.
        for (const auto& [handle, all] : states_)
            if (all.front()->step < call.invoked && families.contains(family_of(*all.front()->row)) && !which(*all.front()->row)) families.erase(family_of(*all.front()->row));
        for (const auto& [handle, all] : states_) {
            if (all.front()->step < call.invoked || !families.contains(family_of(*all.front()->row))) continue;
            const SessionCommit* now = at(handle, call.returned);
            if (!now || (now->row && !now->row->revoked_at)) return breaks(property, call, named(handle) + " goes on in the place of a session that was said to have ended");
            if (vouches) ended_[handle].push_back(known);
        }
    }

    bool binds(const Known& known, const SessionCall& call) const {
        const Duration bound = known.bound + promises_.slack;
        return bound == Duration::zero() ? known.step < call.invoked : known.at + bound < call.invoked_at;
    }
    template <class Key>
    bool binds(const std::map<Key, std::vector<Known>>& all, const Key& key, const SessionCall& call) const {
        const auto place = all.find(key);
        return place != all.end() && std::any_of(place->second.begin(), place->second.end(), [&](const Known& each) { return binds(each, call); });
    }

    // ---- what was answered -----------------------------------------------------------------------------------------------

    void check_answer(const SessionCall& call) {
        switch (call.verb) {
        case SessionVerb::login: return check_login(call);
        case SessionVerb::authenticate: return call.standing.state == SessionState::active ? check_accepted(call) : check_refused(call);
        case SessionVerb::rotate: return check_rotation(call);
        case SessionVerb::elevate: return check_elevation(call);
        case SessionVerb::list: return check_list(call);
        case SessionVerb::expire: return check_reaped(call);
        default: return;
        }
    }

    void check_login(const SessionCall& call) {
        if (call.standing.state == SessionState::refused) return check_login_refused(call);
        const SessionCommit* begun = first(call.grant.handle);
        if (call.standing.state != SessionState::active || !begun || begun->step < call.invoked || begun->step > call.returned) return breaks(Property::c5_committed, call, "a session was granted that was not begun");
        const Session& row = *begun->row;
        if (row.jti != call.grant.access || !(row.refresh_token == call.grant.refresh) || row.user_id != call.user || row.data != call.data) breaks(Property::c5_committed, call, named(row.id) + " was begun with something else than was asked and granted");
        if (row.family != row.id) breaks(Property::s8_elevated, call, named(row.id) + " is of another family than its own");
    }

    void check_login_refused(const SessionCall& call) {
        std::size_t most = 0;
        for (const auto& [handle, all] : states_) {
            if (all.front()->row->user_id != call.user) continue;
            const auto spans = meanwhile(handle, call);
            most += std::any_of(spans.begin(), spans.end(), [&](const Meanwhile& each) { return each.row() && !each.revoked() && !is_over(*each.row(), each.wall.first); });
        }
        if (rules_.sessions_per_user == 0 || rules_.at_limit != AtSessionLimit::refuse || most < rules_.sessions_per_user)
            breaks(Property::s6_cap, call, "a login was refused although its user had no more than " + std::to_string(most) + " sessions");
    }

    bool holds(const Session& row, const SessionCall& call) const { return !call.access || row.jti == *call.access; }

    void check_accepted(const SessionCall& call) {
        const auto holder = call.access ? holders_.find(*call.access) : holders_.end();
        const Uuid handle = !call.access ? call.handle : holder != holders_.end() ? holder->second : Uuid{};
        const Session* row = nullptr;
        const SessionCommit* end = nullptr;
        TimePoint seen = TimePoint::min();
        bool as_told = false;
        for (const SessionCommit* each : states(handle)) {
            if (each->step > call.returned) break;
            const bool good = each->row && !each->row->revoked_at && holds(*each->row, call);
            if (good) row = &*each->row;
            if (good) seen = std::max(seen, row->last_seen_at);
            as_told = as_told || (good && row->created_at == call.created_at && row->access_expires_at == call.access_expires_at && row->refresh_expires_at == call.expires_at);
            if (row && !good && !end) end = each;
        }
        if (row && !as_told) return breaks(Property::c4_alias, call, named(handle) + " was accepted as it was at no time with what was presented");
        if (!row || call.grant.handle != handle || call.user != row->user_id) return breaks(Property::c5_committed, call, "what was accepted had not been committed");
        const bool known = binds(ended_, handle, call) || (call.access && binds(replaced_, *call.access, call));
        if (end && ((promises_.current && end->step < call.invoked) || known))
            return breaks(Property::s1_ended, call, named(handle) + " was accepted, although " + (end->row && !end->row->revoked_at ? "its access token had been replaced" : "it had ended") + (known ? ", which was effective" : ", which is promised to be looked up"));
        const TimePoint earliest = history_.wall.range(call.invoked_at, call.returned_at).first;
        if (row->refresh_expires_at <= earliest) return breaks(Property::s5_limits, call, named(handle) + " was accepted beyond its absolute limit");
        if (idles() && seen + in_ms(rules_.idle_timeout) <= earliest) return breaks(Property::s5_limits, call, named(handle) + " was accepted although nobody had used it for too long");
        if (call.access && row->access_expires_at <= earliest) return breaks(Property::s5_limits, call, "an access token of " + named(handle) + " was accepted after its end");
        if (history_.faultless) check_noted(call, handle);
    }

    /// A session that was used is noted as used, at most an interval late.
    void check_noted(const SessionCall& call, const Uuid& handle) {
        const SessionCommit* now = at(handle, call.returned);
        if (!now->row || now->row->revoked_at) return;
        if (now->row->last_seen_at + in_ms(promises_.touch_interval) < history_.wall.range(call.invoked_at, call.invoked_at).first) breaks(Property::s5_limits, call, "the use of " + named(handle) + " was not noted");
    }

    void check_refused(const SessionCall& call) {
        const auto holder = call.access ? holders_.find(*call.access) : holders_.end();
        const Uuid handle = !call.access ? call.handle : holder != holders_.end() ? holder->second : Uuid{};
        const auto spans = meanwhile(handle, call);
        const auto any = [&spans](auto which) { return std::any_of(spans.begin(), spans.end(), which); };
        const SessionStanding& said = call.standing;
        if (said.state == SessionState::revoked && !any([&](const Meanwhile& each) { return each.revoked() && each.row()->revoked_why == said.why; }))
            return breaks(Property::s7_terminal, call, named(handle) + " was called revoked for a reason that it was not revoked for");
        // It may have ended, or be known as it was before it had the token.
        if (any([&](const Meanwhile& each) { return !each.row() || each.revoked() || !holds(*each.row(), call); })) return;
        if (!(call.access ? binds(begun_, *call.access, call) : binds(valid_, handle, call))) return;
        if (said.state == SessionState::expired && any([&](const Meanwhile& each) { return has_passed(*each.row(), said.limit, each.wall.second, call.access.has_value()); })) return;
        breaks(said.state == SessionState::expired ? Property::s5_limits : Property::s2_valid, call, named(handle) + " was refused as " + std::string(name_of(said.state)) + ", although it was valid");
    }

    bool has_passed(const Session& row, SessionLimit limit, TimePoint moment, bool by_access) const {
        switch (limit) {
        case SessionLimit::idle: return idles() && idle_end(row) <= moment;
        case SessionLimit::absolute: return row.refresh_expires_at <= moment;
        case SessionLimit::access: return by_access && row.access_expires_at <= moment;
        case SessionLimit::none: break;
        }
        return false;
    }

    /// What is refused by the database's own answer must be so at a moment between question and answer. \returns whether it is.
    bool fits_a_moment(const std::vector<Meanwhile>& spans, const SessionStanding& said) const {
        return std::any_of(spans.begin(), spans.end(), [&](const Meanwhile& each) {
            switch (said.state) {
            case SessionState::unknown: return !each.row();
            case SessionState::revoked: return each.revoked() && (!said.why || each.row()->revoked_why == said.why);
            case SessionState::expired:
                if (!each.row()) return false;
                if (each.revoked()) return (said.limit == SessionLimit::idle && each.row()->revoked_why == EndReason::idle_timeout) || (said.limit == SessionLimit::absolute && each.row()->revoked_why == EndReason::absolute_timeout);
                return has_passed(*each.row(), said.limit, each.wall.second, false);
            default: return false;
            }
        });
    }

    // ---- rotation

    /// The state from which a rotation led to what was granted, or null.
    const SessionCommit* rotated_from(const SessionCall& call) const {
        const auto spans = meanwhile(call.handle, call);
        for (const Meanwhile& each : spans)
            if (each.row() && each.before && each.before->row && each.commit->step > call.invoked && each.before->row->refresh_token == call.refresh && each.row()->refresh_token == call.grant.refresh &&
                each.row()->jti == call.grant.access)
                return each.before;
        return nullptr;
    }

    /// What a refresh token was exchanged for; null: it was not.
    const Session* exchanged_for(const Uuid& handle, const Hashed<std::string>& token) const {
        const Session* last = nullptr;
        for (const SessionCommit* each : states(handle)) {
            if (!each->row) break;
            if (last && last->refresh_token == token && !(each->row->refresh_token == token)) return &*each->row;
            last = &*each->row;
        }
        return nullptr;
    }

    void check_rotation(const SessionCall& call) {
        const auto spans = meanwhile(call.handle, call);
        const Session* next = exchanged_for(call.handle, call.refresh);
        switch (call.standing.state) {
        case SessionState::active:
            if (call.grant.handle != call.handle) return breaks(Property::c5_committed, call, "another session was granted than the token's");
            return call.grant.repeated ? check_repeated(call, next) : check_granted(call);
        case SessionState::reused:
            if (std::none_of(spans.begin(), spans.end(), [&](const Meanwhile& each) { return may_be_reused(each, call, next); })) breaks(Property::s2_valid, call, "a refresh token of " + named(call.handle) + " was called reused, although it was good");
            return;
        default: break;
        }
        if (!fits_a_moment(spans, call.standing)) return breaks(Property::s2_valid, call, "a refresh token of " + named(call.handle) + " was refused as " + std::string(name_of(call.standing.state)) + ", which the session never was meanwhile");
        if (std::all_of(spans.begin(), spans.end(), [&](const Meanwhile& each) { return must_be_reused(each, call, next); })) breaks(Property::s4_theft, call, "a refresh token of " + named(call.handle) + " that had been replaced was told to be " + std::string(name_of(call.standing.state)));
    }

    void check_granted(const SessionCall& call) {
        if (!rotated_from(call)) return breaks(Property::s3_one_rotation, call, "a rotation of " + named(call.handle) + " was granted that the database does not know, or with tokens that it does not have");
        if (!winners_.insert(call.refresh.digest()).second) breaks(Property::s3_one_rotation, call, "a second rotation of one refresh token of " + named(call.handle) + " was granted");
    }

    void check_repeated(const SessionCall& call, const Session* next) {
        if (rules_.rotation_grace == Duration::zero() || !next || !(next->refresh_token == call.grant.refresh) || next->jti != call.grant.access)
            return breaks(Property::s4_theft, call, "a refresh token of " + named(call.handle) + " was good for something a second time that it may not be");
        const auto spans = meanwhile(call.handle, call);
        const bool used = std::any_of(spans.begin(), spans.end(), [&](const Meanwhile& each) {
            return each.row() && each.before && each.before->row && each.commit->step > call.invoked && !each.revoked() && each.row()->refresh_token == next->refresh_token && each.before->row->refresh_token == next->refresh_token &&
                   each.before->row->grace_left.value_or(0) == each.row()->grace_left.value_or(0) + 1 && each.wall.first < *next->rotated_at + in_ms(rules_.rotation_grace);
        });
        if (!used) return breaks(Property::s4_theft, call, "a refresh token of " + named(call.handle) + " was taken a second time outside its grace");
        if (++repeated_[call.refresh.digest()] > rules_.grace_uses) breaks(Property::s4_theft, call, "a refresh token of " + named(call.handle) + " was taken more often than its grace allows");
    }

    /// Whether a token may be taken for reused while a session is so.
    bool may_be_reused(const Meanwhile& state, const SessionCall& call, const Session* next) const {
        const Session* row = state.row();
        if (!row) return false;
        if (row->revoked_at) return !(row->refresh_token == call.refresh) || row->revoked_why == EndReason::replaced;
        if (row->refresh_token == call.refresh) return false;
        return !has_grace(*row, next) || state.wall.second >= *row->rotated_at + in_ms(rules_.rotation_grace);
    }
    /// Whether it must be.
    bool must_be_reused(const Meanwhile& state, const SessionCall& call, const Session* next) const {
        const Session* row = state.row();
        if (!row || row->revoked_why == EndReason::idle_timeout || row->revoked_why == EndReason::absolute_timeout) return false;
        if (row->revoked_at) return !(row->refresh_token == call.refresh) || row->revoked_why == EndReason::replaced;
        if (row->refresh_token == call.refresh || is_over(*row, state.wall.second)) return false;
        return !has_grace(*row, next) || state.wall.first >= *row->rotated_at + in_ms(rules_.rotation_grace);
    }
    /// Whether a token that was exchanged for what `next` says may be presented again.
    bool has_grace(const Session& row, const Session* next) const {
        return rules_.rotation_grace > Duration::zero() && next && row.refresh_token == next->refresh_token && row.rotated_at && row.grace_left.value_or(0) > 0;
    }

    // ---- the others

    void check_elevation(const SessionCall& call) {
        if (call.standing.state != SessionState::active) {
            if (!fits_a_moment(meanwhile(call.handle, call), call.standing)) breaks(Property::s2_valid, call, named(call.handle) + " could not be elevated, being " + std::string(name_of(call.standing.state)) + ", which it never was meanwhile");
            return;
        }
        const SessionCommit* begun = first(call.grant.handle);
        if (!begun || begun->step < call.invoked || begun->step > call.returned || begun->row->jti != call.grant.access || !(begun->row->refresh_token == call.grant.refresh))
            return breaks(Property::c5_committed, call, "an elevation was granted that was not committed so");
        const SessionCommit* old = at(call.handle, begun->step);
        const SessionCommit* previous = before(call.handle, begun->step);
        if (!old || !old->row || old->step != begun->step || old->row->revoked_why != EndReason::replaced) return breaks(Property::s8_elevated, call, named(call.handle) + " was elevated and did not end");
        if (begun->row->data != (call.data ? call.data : previous->row->data)) breaks(Property::s8_elevated, call, named(call.grant.handle) + " does not have the data of the session whose place it took");
    }

    void check_list(const SessionCall& call) {
        std::set<Uuid> listed;
        for (const SessionInfo& info : call.listed) {
            const auto spans = meanwhile(info.handle, call);
            const bool fits = std::any_of(spans.begin(), spans.end(), [&](const Meanwhile& each) {
                const Session* row = each.row();
                return row && !row->revoked_at && !is_over(*row, each.wall.first) && row->user_id == call.user && row->created_at == info.created_at && row->refresh_expires_at == info.expires_at && row->last_seen_at == info.last_seen_at;
            });
            if (!fits || !listed.insert(info.handle).second) return breaks(Property::s10_listed, call, named(info.handle) + " was listed, which was not so at any moment meanwhile");
        }
        for (const auto& [handle, all] : states_) {
            if (all.front()->row->user_id != call.user || listed.contains(handle)) continue;
            const auto spans = meanwhile(handle, call);
            if (std::all_of(spans.begin(), spans.end(), [&](const Meanwhile& each) { return each.row() && !each.revoked() && !is_over(*each.row(), each.wall.second); }))
                return breaks(Property::s10_listed, call, named(handle) + " was not listed, although it was active throughout");
        }
    }

    void check_reaped(const SessionCall& call) {
        if (call.more) return;
        for (const auto& [handle, all] : states_) {
            const auto spans = meanwhile(handle, call);
            if (spans.size() != 1 || !spans.front().row()) continue;
            const Session& row = *spans.front().row();
            const TimePoint earliest = spans.front().wall.first;
            if (!row.revoked_at && is_over(row, earliest)) return breaks(Property::s5_limits, call, named(handle) + " was not reaped, although its time was up");
            if (row.revoked_at && *row.revoked_at + in_ms(rules_.keep_ended) <= earliest) return breaks(Property::s5_limits, call, named(handle) + " was not removed, although it had been kept for long enough");
        }
    }

    void check_told() {
        std::set<Uuid> told;
        for (const SessionEndTold& each : history_.told) {
            const std::string name = named(each.end.handle);
            const SessionCommit* end = nullptr;
            for (const SessionCommit* state : states(each.end.handle))
                if (state->row && state->row->revoked_at) end = state;
            if (!end || end->step > each.step || end->row->revoked_why != each.end.why || end->row->user_id != each.end.user_id) return breaks(Property::s9_told, "the end of " + name + " was told of, which was not so");
            if (!told.insert(each.end.handle).second) return breaks(Property::s9_told, "the end of " + name + " was told of twice");
        }
        if (!history_.faultless) return;
        for (const auto& [handle, all] : states_)
            if (std::any_of(all.begin(), all.end(), [](const SessionCommit* each) { return each->row && each->row->revoked_at; }) && !told.contains(handle)) return breaks(Property::s9_told, "nobody was told that " + named(handle) + " has ended");
    }

    const SessionHistory& history_;
    SessionPromises promises_;
    const SessionStoreOptions& rules_;
    std::map<Uuid, std::vector<const SessionCommit*>> states_;
    std::map<std::string, Uuid> holders_; ///< Of access tokens.
    std::map<std::string, std::vector<Known>> begun_, replaced_;
    std::map<Uuid, std::vector<Known>> valid_, ended_;
    std::set<Digest> winners_;
    std::map<Digest, std::uint32_t> repeated_;
    std::optional<Violation> broken_;
};

} // namespace testing
} // namespace v0
} // namespace larder
