// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/engine/judgement.hpp>
#include <larder/engine/reader.hpp>
#include <larder/engine/task.hpp>
#include <larder/engine/verbs.hpp>
#include <larder/engine/writer.hpp>
#include <larder/environment.hpp>
#include <larder/policy/write_through.hpp>
#include <larder/repository/assignments.hpp>
#include <larder/repository/cached_repository.hpp>
#include <larder/repository/scope.hpp>
#include <larder/session/entities.hpp>

#include <boost/asio/deferred.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace larder {
inline namespace v0 {

/// What a session goes on with after its refresh token was used.
struct Rotation {
    Hashed<std::string> refresh_token; ///< The new one; not the one that is presented.
    std::string jti;                   ///< The new access token's id; not the old one's.
    TimePoint access_expires_at{};
    TimePoint refresh_expires_at{};
};

/// The answer to a rotation: rotated, or why the presented refresh token is good for nothing, or an error.
///
/// True in a condition if it rotated; then it is a `Written` of the session.
class Rotated : public Written<Session>, public detail::OrThrow<Rotated> {
public:
    using detail::OrThrow<Rotated>::or_throw;

    Rotated() = default;
    explicit Rotated(Error failure) : Written(std::move(failure)), absence_(Absence::failed) {}
    explicit Rotated(Absence absence) noexcept : absence_(absence) {}
    explicit Rotated(Written<Session> written) : Written(std::move(written)), absence_(failed() ? Absence::failed : Absence::none) {}

    /// Why nothing was rotated: `never_was` (no session has this refresh token, or none any more), `expired`, `revoked`.
    Absence absence() const noexcept { return absence_; }

private:
    Absence absence_ = Absence::never_was;
};

/// User sessions in a backend under a policy: `CachedRepository` for `Session`, and the verbs that only sessions have.
///
/// All that is said of `CachedRepository` holds. Look-ups are its own: `find(id)`, `find_by<&Session::jti>(jti)`,
/// `find_by<&Session::refresh_token>(hash)`, `find_all_by<&Session::user_id>(user)`; and so is `touch`.
/// \tparam Backend where: a `Stack`. \tparam Policy how consistent. \tparam Env the clock, the random source and the observer.
template <class Backend, class Policy = WriteThrough, class Env = SystemEnvironment<Metrics>>
class SessionRepository : public CachedRepository<Session, Backend, Policy, Env> {
    using Base = CachedRepository<Session, Backend, Policy, Env>;
    using Core = typename Base::core_type;
    using Deferred = boost::asio::deferred_t;

public:
    using Base::Base;

    /// Begins a session: inserts it as seen now, with a random id if it has none, and not revoked whatever it says.
    /// Errors: as `insert`; `missing_relation` if there is no such user.
    Written<Session> login(Session session) { return Base::insert(begun(std::move(session))); }
    template <class Token = Deferred>
    auto async_login(Session session, Token&& token = {}) {
        return Base::async_insert(begun(std::move(session)), std::forward<Token>(token));
    }

    /// Exchanges a refresh token for a new one, and ends the access token that went with it, in one conditional write: of any
    /// number of concurrent rotations of one token exactly one rotates, and the others find that no session has it any more.
    /// \param presented the token that is used up. \param next what the session goes on with.
    /// Errors: `invalid_options` if `next` repeats the old token or the old jti, `duplicate_key` if they are another session's, and the database's own.
    Rotated rotate(const Hashed<std::string>& presented, Rotation next) {
        return detail::block_verb<Rotated>(this->core(), Verb::update, rotating(presented, std::move(next)));
    }
    template <class Token = Deferred>
    auto async_rotate(const Hashed<std::string>& presented, Rotation next, Token&& token = {}) {
        return detail::start_verb<Rotated>(this->core(), Verb::update, rotating(presented, std::move(next)), std::forward<Token>(token));
    }

    /// Ends a session for a reason. Terminal; ending it twice changes nothing, and the first reason stays.
    /// \param effect whether to insist that no copy is served any more.
    Written<Session> end(const Uuid& id, EndReason why, Effect effect = Effect::may_be_pending) { return Base::revoke(id, reason(why), effect); }
    template <class Token = Deferred>
    auto async_end(const Uuid& id, EndReason why, Effect effect = Effect::may_be_pending, Token&& token = {}) {
        return Base::async_revoke(id, reason(why), effect, std::forward<Token>(token));
    }

    /// Ends all sessions of a user in one transaction.
    WrittenMany<Session> end_all_of(std::int64_t user, EndReason why = EndReason::logged_out_everywhere) {
        return Base::template revoke_all_by<&Session::user_id>(user, reason(why));
    }
    template <class Token = Deferred>
    auto async_end_all_of(std::int64_t user, EndReason why = EndReason::logged_out_everywhere, Token&& token = {}) {
        return Base::template async_revoke_all_by<&Session::user_id>(user, reason(why), std::forward<Token>(token));
    }

private:
    static Assignments<&Session::revoked_why> reason(EndReason why) { return set<&Session::revoked_why>(why); }

    static TimePoint now(const Env& env) { return std::chrono::time_point_cast<TimePoint::duration>(WallTime(env.wall_now())); }

    Session begun(Session session) const {
        session.created_at = session.last_seen_at = now(this->environment());
        session.revoked_at.reset();
        session.revoked_why.reset();
        return session;
    }

    static auto rotating(const Hashed<std::string>& token, Rotation rotation) {
        return [presented = token, next = std::move(rotation)](Core& core, detail::Driver& driver) -> detail::Task<Rotated> {
            constexpr std::size_t by_token = space_of_v<Session, &Session::refresh_token>;
            auto find = detail::Reader<Core>::template find<by_token>(core, driver, presented, Read{}, detail::Extent::whole);
            auto loaded = co_await find;
            const Found<Session> found = detail::judge_whole(core, std::move(loaded));
            if (found.failed()) co_return Rotated(found.error());
            if (!found) co_return Rotated(found.absence());
            Absence refused = Absence::none;
            auto exchange = [&](Session& session, const Session&) -> Outcome<bool> {
                refused = session.refresh_token == presented ? core.absence_of(schema_of<Session>::expiry_of(session), schema_of<Session>::is_revoked(session))
                                                             : Absence::never_was;
                if (refused != Absence::none) return false;
                if (next.refresh_token == presented) return Error{errc::invalid_options, "sessions: a rotation must bring a new refresh token"};
                if (next.jti == session.jti) return Error{errc::invalid_options, "sessions: a rotation must bring a new jti"};
                session.refresh_token = next.refresh_token;
                session.jti = next.jti;
                session.access_expires_at = next.access_expires_at;
                session.refresh_expires_at = next.refresh_expires_at;
                session.last_seen_at = now(core.env);
                return true;
            };
            auto write = detail::Writer<Core>::modify(core, driver, found->id, exchange, core.options.conflict_retries, false,
                                                      {found.row(), found.age(), found.source() != Level::database, {}});
            Written<Session> written = co_await write;
            if (!written.failed() && refused != Absence::none) co_return Rotated(refused);
            co_return Rotated(std::move(written));
        };
    }
};

} // namespace v0
} // namespace larder
