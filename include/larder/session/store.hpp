// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/engine/task.hpp>
#include <larder/engine/verbs.hpp>
#include <larder/repository/effect.hpp>
#include <larder/repository/unit_of_work.hpp>
#include <larder/session/session.hpp>
#include <larder/session/store_desk.hpp>
#include <larder/session/store_options.hpp>
#include <larder/session/store_results.hpp>
#include <larder/session/store_steps.hpp>
#include <larder/session/tokens.hpp>

#include <boost/asio/deferred.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// \file User sessions as one puts them into production: secrets, time limits, theft, revocation.
///
/// ```cpp
/// larder::SessionStore store(sessions, {{.id = 1, .secret = key}}, larder::OpensslRandom{});
/// auto granted = store.login({.user_id = 7, .ip_address = "192.0.2.1"});    // granted.secrets(): shown now, and never again
/// if (auto who = store.authenticate(jti)) serve(who.user_id());             // else who.state(), who.limit(), who.why()
/// auto renewed = store.rotate(refresh_token);                               // `reused`: stolen, and the whole family has been ended
/// store.revoke_all(7, larder::EndReason::logged_out_everywhere, larder::Effect::required);
/// ```
///
/// Not part of <larder/larder.hpp>.

namespace larder {
inline namespace v0 {

/// The rules of sessions over a `SessionRepository`: who may begin one, how long it lasts, what renews it, and what ends it.
///
/// **Secrets.** A session is named by its *handle*, which is public: a random UUID (version 4). Its client gets two secrets of 256 random bits: the id of its *access
/// token* (jti), presented with each request, and a *refresh token*, exchanged for new ones. They are shown once, in the answer that makes them.
/// Rows, caches, keys of caches, errors and events have their keyed hashes (HMAC-SHA-256), or nothing. To change the key, give the store the new one in
/// front of the old one, which goes on recognising what it made. In a fleet take three steps, each finished in every process before the next, else processes
/// call good tokens unknown: give the new key behind the old one, which goes on making; move it to the front; take the old one away once the
/// sessions that were last renewed under it have expired. Refresh tokens and tags are compared in a time that does not depend on what they are; an access token is found by a keyed hash that
/// nobody can compute who does not know the key, so that the time which a look-up takes tells nothing of what would have been right.
///
/// **Time** is the environment's wall clock, judged here at each answer and not by a cache: an idle and an absolute limit for the session, and one for
/// the access token. Where a cached copy says that nobody used a session for too long, the database is asked before the session is given up.
///
/// **Theft.** A refresh token that had been exchanged before is recognised however old it is; then the session's whole family (all that
/// follow from one login) is ended. See `SessionStoreOptions::rotation_grace` for clients that ask twice.
///
/// **Ends** are terminal: the row stays, revoked, and no write can bring it back. Ending several is one serializable transaction: a session that another
/// call was about to put in the place of one of them is ended as well, or is not begun. As long as the row stays (`SessionStoreOptions::keep_ended`) it refers to its
/// user, whom the database therefore does not let go: to delete a user, end all their sessions, and erase the rows or wait for the reaper.
///
/// Each operation has a blocking form and an asynchronous one, about which all holds that is said of `CachedRepository`; the handler's signature is `void(Error,
/// Answer)`. Answers that are false in a condition without `failed()` are no errors. Safe to use from any thread. The store keeps what the
/// repository is made of, but answers `stopped` once the repository is gone. The database must have transactions.
template <class Backend, class Policy = WriteThrough, class Env = SystemEnvironment<Metrics>>
class SessionStore {
public:
    using Sessions = SessionRepository<Backend, Policy, Env>;

private:
    using Core = typename Sessions::core_type;
    using Steps = detail::SessionSteps<Core>;
    using Desk = detail::SessionDesk;
    using Driver = detail::Driver;
    using Deferred = boost::asio::deferred_t;
    template <class T>
    using Task = detail::Task<T>;
    static_assert(detail::have_transactions_v<Core>, "larder: a session store changes several rows in one transaction: its database needs begin(isolation), takes(transaction) and within(transaction)");

public:
    /// \param sessions where the rows are. \param keys of the keyed hashes: the first makes, all recognise. \param random where secrets come from.
    /// Throws `Failure` (`errc::invalid_options`) if there is no key, two have one number, one is all zeros, or an option is out of range.
    SessionStore(Sessions& sessions, std::vector<SessionKey> keys, RandomBytes random, SessionStoreOptions options = {}) : core_(sessions.core()) {
        if (Error wrong = options.check(sessions.options())) throw Failure(std::move(wrong));
        desk_ = std::make_shared<const Desk>(std::move(keys), std::move(random), std::move(options));
    }

    /// The rules in force.
    const SessionStoreOptions& options() const noexcept { return desk_->options; }

    /// \name Beginning and using a session
    /// @{

    /// Begins a session. Under a bound of sessions per user, a user who has as many may be `refused`, or lose the oldest.
    /// Errors: `missing_relation` if there is no such user, `no_random_bytes`, `transaction_conflict`, and the database's own.
    /// One that was cancelled, timed out or whose outcome is unknown may have begun a session: nobody has its secrets, but it is listed and counts until it is ended
    /// or expires.
    Granted login(Login login) { return block<Granted>(Verb::insert, beginning(std::move(login))); }
    template <class Token = Deferred>
    auto async_login(Login login, Token&& token = {}) {
        return start<Granted>(Verb::insert, beginning(std::move(login)), std::forward<Token>(token));
    }

    /// Whether the session of an access token is good. Notes its use, at most once in `Options::touch_interval`; that this fails does not make it less
    /// good. A token that was exchanged is `unknown`. What was not made here with one of the keys costs no look-up: an access token carries a tag, as a refresh token does.
    Authenticated authenticate(std::string_view access) { return block<Authenticated>(Verb::find_by, authenticating(access)); }
    template <class Token = Deferred>
    auto async_authenticate(std::string_view access, Token&& token = {}) {
        return start<Authenticated>(Verb::find_by, authenticating(access), std::forward<Token>(token));
    }

    /// The same by handle, for who knows already that the handle is the caller's: a signed token that carries it, say. The limit of access tokens does not apply.
    Authenticated authenticate(const Uuid& handle) { return block<Authenticated>(Verb::find, authenticating(handle)); }
    template <class Token = Deferred>
    auto async_authenticate(const Uuid& handle, Token&& token = {}) {
        return start<Authenticated>(Verb::find, authenticating(handle), std::forward<Token>(token));
    }

    /// Exchanges a refresh token: the session gets a new one and a new access token, and the old ones are good for nothing. Of any number of concurrent
    /// rotations of one token exactly one is answered so; the others are `reused`, or get the same answer within the grace.
    ///
    /// A query that asks the database, and a conditional write. Errors: `no_random_bytes` and the database's own; after `outcome_unknown` the token may have been exchanged.
    Granted rotate(std::string_view refresh) { return block<Granted>(Verb::update, rotating(refresh)); }
    template <class Token = Deferred>
    auto async_rotate(std::string_view refresh, Token&& token = {}) {
        return start<Granted>(Verb::update, rotating(refresh), std::forward<Token>(token));
    }

    /// Puts a session with another handle and other secrets in the place of one whose user has proved more (a password, a second factor), so that
    /// who knew the old one gains nothing. It keeps data, device, family and absolute limit; the old one is ended, as `replaced`.
    /// From then on the old refresh token is a stolen one: who presents it ends the family, the new session among it. So a client whose tabs or threads share
    /// a session lets no other of them refresh while it is elevated, and none with the old token after. \param data replaces the session's, if given.
    Granted elevate(const Uuid& handle, std::optional<std::string> data = {}) { return block<Granted>(Verb::update, elevating(handle, std::move(data))); }
    template <class Token = Deferred>
    auto async_elevate(const Uuid& handle, std::optional<std::string> data = {}, Token&& token = {}) {
        return start<Granted>(Verb::update, elevating(handle, std::move(data)), std::forward<Token>(token));
    }

    /// A user's active sessions, without secrets: the one whose use was noted last comes first. Asks the database.
    SessionList list(std::int64_t user) { return block<SessionList>(Verb::find_all_by, listing(user)); }
    template <class Token = Deferred>
    auto async_list(std::int64_t user, Token&& token = {}) {
        return start<SessionList>(Verb::find_all_by, listing(user), std::forward<Token>(token));
    }
    /// @}

    /// \name Ending sessions
    /// Ending what has ended changes nothing, and the first reason stays. \param effect whether to insist that no copy of what is ended is served
    /// any more: else the answer says for how long it may be.
    /// @{

    /// Ends a session, whosever it is: where the handle comes from outside, say whose it must be.
    SessionsEnded revoke(const Uuid& handle, EndReason why = EndReason::logged_out, Effect effect = Effect::may_be_pending) {
        return block<SessionsEnded>(Verb::revoke, revoking(handle, why, effect));
    }
    template <class Token = Deferred>
    auto async_revoke(const Uuid& handle, EndReason why = EndReason::logged_out, Effect effect = Effect::may_be_pending, Token&& token = {}) {
        return start<SessionsEnded>(Verb::revoke, revoking(handle, why, effect), std::forward<Token>(token));
    }

    /// Ends a session if it is that user's; of another's, and of one that is not there, the answer is the same: none was ended. Asks the database besides.
    SessionsEnded revoke(std::int64_t user, const Uuid& handle, EndReason why = EndReason::logged_out, Effect effect = Effect::may_be_pending) {
        return block<SessionsEnded>(Verb::revoke, revoking_own(user, handle, why, effect));
    }
    template <class Token = Deferred>
    auto async_revoke(std::int64_t user, const Uuid& handle, EndReason why = EndReason::logged_out, Effect effect = Effect::may_be_pending, Token&& token = {}) {
        return start<SessionsEnded>(Verb::revoke, revoking_own(user, handle, why, effect), std::forward<Token>(token));
    }

    /// Ends all sessions of a user.
    SessionsEnded revoke_all(std::int64_t user, EndReason why = EndReason::logged_out_everywhere, Effect effect = Effect::may_be_pending) {
        return block<SessionsEnded>(Verb::revoke_all, revoking_of(user, detail::EverySession{}, why, effect));
    }
    template <class Token = Deferred>
    auto async_revoke_all(std::int64_t user, EndReason why = EndReason::logged_out_everywhere, Effect effect = Effect::may_be_pending, Token&& token = {}) {
        return start<SessionsEnded>(Verb::revoke_all, revoking_of(user, detail::EverySession{}, why, effect), std::forward<Token>(token));
    }

    /// Ends all sessions of a user but one.
    SessionsEnded revoke_others(std::int64_t user, const Uuid& kept, EndReason why = EndReason::logged_out_everywhere, Effect effect = Effect::may_be_pending) {
        return block<SessionsEnded>(Verb::revoke_all, revoking_of(user, all_but(kept), why, effect));
    }
    template <class Token = Deferred>
    auto async_revoke_others(std::int64_t user, const Uuid& kept, EndReason why = EndReason::logged_out_everywhere, Effect effect = Effect::may_be_pending, Token&& token = {}) {
        return start<SessionsEnded>(Verb::revoke_all, revoking_of(user, all_but(kept), why, effect), std::forward<Token>(token));
    }

    /// Ends all sessions of a user that were begun before a moment: when the password was changed, say. An elevated session was begun with its login.
    /// Sessions know the millisecond in which they were begun; a finer moment is rounded up, so that none
    /// that was begun before it stays, and with them go those that were begun later in its millisecond.
    template <class Span>
    SessionsEnded revoke_before(std::int64_t user, std::chrono::sys_time<Span> moment, EndReason why = EndReason::logged_out_everywhere, Effect effect = Effect::may_be_pending) {
        return block<SessionsEnded>(Verb::revoke_all, revoking_of(user, begun_before(std::chrono::ceil<TimePoint::duration>(moment)), why, effect));
    }
    template <class Span, class Token = Deferred>
    auto async_revoke_before(std::int64_t user, std::chrono::sys_time<Span> moment, EndReason why = EndReason::logged_out_everywhere, Effect effect = Effect::may_be_pending, Token&& token = {}) {
        return start<SessionsEnded>(Verb::revoke_all, revoking_of(user, begun_before(std::chrono::ceil<TimePoint::duration>(moment)), why, effect), std::forward<Token>(token));
    }

    /// Ends the sessions of all users that were begun before a moment: when keys were lost, say. It goes through them in batches, each session in a write of its own, and lasts
    /// as long as there are any; after an error those that it came to are ended. Of what others have ended just then it says nothing: that is as effective as
    /// they were told.
    template <class Span>
    SessionsEnded revoke_before(std::chrono::sys_time<Span> moment, EndReason why = EndReason::administrator, Effect effect = Effect::may_be_pending) {
        return block<SessionsEnded>(Verb::revoke_all, revoking_before(std::chrono::ceil<TimePoint::duration>(moment), why, effect));
    }
    template <class Span, class Token = Deferred>
    auto async_revoke_before(std::chrono::sys_time<Span> moment, EndReason why = EndReason::administrator, Effect effect = Effect::may_be_pending, Token&& token = {}) {
        return start<SessionsEnded>(Verb::revoke_all, revoking_before(std::chrono::ceil<TimePoint::duration>(moment), why, effect), std::forward<Token>(token));
    }

    /// Ends the family of a session: all that follow from the login that it follows from.
    SessionsEnded revoke_family(const Uuid& handle, EndReason why = EndReason::administrator, Effect effect = Effect::may_be_pending) {
        return block<SessionsEnded>(Verb::revoke_all, revoking_family(handle, why, effect));
    }
    template <class Token = Deferred>
    auto async_revoke_family(const Uuid& handle, EndReason why = EndReason::administrator, Effect effect = Effect::may_be_pending, Token&& token = {}) {
        return start<SessionsEnded>(Verb::revoke_all, revoking_family(handle, why, effect), std::forward<Token>(token));
    }

    /// Reaps once: ends the sessions whose time is up, which is told of as any other end, and removes the rows of what ended `keep_ended` ago. It asks the
    /// database and depends on no cache's expiry; without it sessions expire all the same, but nobody is told. Call it now and then, in any number of processes: each end is
    /// told of by one of them. \param most how many rows it looks at for each of its three reasons, the earliest first; 1 or more.
    /// The answer says whether to go on at once. The database finds them by `refresh_expires_at`, `last_seen_at` and `revoked_at`, which deserve an index where sessions are many.
    Reaped expire(std::size_t most = 500) { return block<Reaped>(Verb::erase, reaping(most)); }
    template <class Token = Deferred>
    auto async_expire(std::size_t most = 500, Token&& token = {}) {
        return start<Reaped>(Verb::erase, reaping(most), std::forward<Token>(token));
    }
    /// @}

private:
    template <class Result, class Body>
    Result block(Verb verb, Body body) {
        return detail::block_verb<Result>(core_, verb, std::move(body));
    }
    template <class Result, class Body, class Token>
    auto start(Verb verb, Body body, Token&& token) {
        return detail::start_verb<Result>(core_, verb, std::move(body), std::forward<Token>(token));
    }

    auto beginning(Login login) const {
        return [desk = desk_, login = std::move(login)](Core& core, Driver& driver) { return Steps::login(core, driver, *desk, login); };
    }

    auto authenticating(std::string_view access) const {
        return [desk = desk_, key = desk_->tokens.read_access(access)](Core& core, Driver& driver) -> Task<Authenticated> {
            if (!key) co_return Authenticated(SessionStanding{});
            auto authenticate = Steps::template authenticate<Steps::by_jti>(core, driver, *desk, *key);
            co_return co_await authenticate;
        };
    }
    auto authenticating(const Uuid& handle) const {
        return [desk = desk_, handle](Core& core, Driver& driver) { return Steps::template authenticate<Steps::by_id>(core, driver, *desk, handle); };
    }

    auto rotating(std::string_view refresh) const {
        return [desk = desk_, presented = desk_->tokens.read_refresh(refresh)](Core& core, Driver& driver) -> Task<Granted> {
            if (!presented) {
                desk->tell(AuditKind::unknown_token, nullptr, Steps::now(core));
                co_return Granted(SessionStanding{});
            }
            auto rotate = Steps::rotate(core, driver, *desk, *presented);
            co_return co_await rotate;
        };
    }

    auto elevating(const Uuid& handle, std::optional<std::string> data) const {
        return [desk = desk_, handle, data = std::move(data)](Core& core, Driver& driver) { return Steps::elevate(core, driver, *desk, handle, data); };
    }

    auto listing(std::int64_t user) const {
        return [desk = desk_, user](Core& core, Driver& driver) { return Steps::list(core, driver, *desk, user); };
    }

    auto revoking(const Uuid& handle, EndReason why, Effect effect) const {
        return [desk = desk_, handle, why, effect](Core& core, Driver& driver) { return Steps::end_one(core, driver, *desk, handle, why, effect); };
    }
    auto revoking_own(std::int64_t user, const Uuid& handle, EndReason why, Effect effect) const {
        return [desk = desk_, user, handle, why, effect](Core& core, Driver& driver) { return Steps::end_own(core, driver, *desk, user, handle, why, effect); };
    }
    template <class Which>
    auto revoking_of(std::int64_t user, Which which, EndReason why, Effect effect) const {
        return [desk = desk_, user, which, why, effect](Core& core, Driver& driver) { return Steps::template end_group<Steps::of_user>(core, driver, *desk, user, which, why, effect); };
    }
    auto revoking_family(const Uuid& handle, EndReason why, Effect effect) const {
        return [desk = desk_, handle, why, effect](Core& core, Driver& driver) { return Steps::end_family_of(core, driver, *desk, handle, why, effect); };
    }

    auto revoking_before(TimePoint moment, EndReason why, Effect effect) const {
        check_due();
        return [desk = desk_, moment, why, effect](Core& core, Driver& driver) { return Steps::end_before(core, driver, *desk, moment, why, effect); };
    }
    auto reaping(std::size_t most) const {
        check_due();
        return [desk = desk_, most](Core& core, Driver& driver) -> Task<Reaped> {
            if (most == 0) co_return Reaped(Error{errc::invalid_options, "sessions: the reaper must be let look at one row or more"});
            auto reap = Steps::reap(core, driver, *desk, most);
            co_return co_await reap;
        };
    }

    static constexpr void check_due() {
        static_assert(detail::can_list_due<typename Core::Database, Session, &Session::created_at>, "larder: this database cannot list the rows whose time is due: it needs list_due<Member>(moment, most)");
    }

    static auto all_but(const Uuid& kept) {
        return [kept](const Session& session) { return session.id != kept; };
    }
    static auto begun_before(TimePoint moment) {
        return [moment](const Session& session) { return session.created_at < moment; };
    }

    std::shared_ptr<Core> core_;
    std::shared_ptr<const Desk> desk_;
};

} // namespace v0
} // namespace larder
