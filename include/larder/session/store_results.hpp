// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/entity/value.hpp>
#include <larder/error.hpp>
#include <larder/observe/event.hpp>
#include <larder/repository/result.hpp>
#include <larder/session/entities.hpp>
#include <larder/session/secret.hpp>
#include <larder/session/store_errors.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {

/// Where a session stands, as a store answers.
enum class SessionState : std::uint8_t {
    active,  ///< It is good.
    expired, ///< A limit of its time has passed: `SessionLimit`.
    revoked, ///< It was ended: `why()`.
    reused,  ///< The refresh token had been replaced: all sessions of its family have been ended.
    unknown, ///< There is no such session, or none any more; or the token is none.
    refused, ///< The user has as many sessions as one may have.
    failed,  ///< The answer is an error.
};

constexpr std::string_view name_of(SessionState state) noexcept {
    constexpr std::string_view names[] = {"active", "expired", "revoked", "reused", "unknown", "refused", "failed"};
    return names[static_cast<std::size_t>(state)];
}

/// Which limit of a session's time has passed.
enum class SessionLimit : std::uint8_t {
    none,
    idle,     ///< Nobody used the session for too long.
    absolute, ///< It has lasted as long as a session may.
    access,   ///< The access token has ended; the session goes on, for its refresh token is good for another.
};

constexpr std::string_view name_of(SessionLimit limit) noexcept {
    constexpr std::string_view names[] = {"none", "idle", "absolute", "access"};
    return names[static_cast<std::size_t>(limit)];
}

/// A state and what belongs to it.
struct SessionStanding {
    SessionState state = SessionState::unknown;
    SessionLimit limit = SessionLimit::none; ///< With `expired`.
    std::optional<EndReason> why{};          ///< With `revoked` and `reused`; nothing where nobody gave a reason.
};

/// What every answer of a store about one session says. True in a condition if the session is good.
template <class Answer>
class SessionAnswer : public detail::MayFail<Answer> {
public:
    explicit operator bool() const noexcept { return standing_.state == SessionState::active; }
    SessionState state() const noexcept { return standing_.state; }
    /// Which limit has passed; `none` unless it expired.
    SessionLimit limit() const noexcept { return standing_.limit; }
    /// Why it was ended.
    std::optional<EndReason> why() const noexcept { return standing_.why; }

    /// What `or_throw` throws where there is no good session and nothing failed: the `session_errc` of the state, with the limit or the reason in its text.
    Error refusal() const {
        session_errc code = session_errc::unknown;
        std::string text = "sessions: " + std::string(name_of(state()));
        switch (state()) {
        case SessionState::expired: code = session_errc::expired; break;
        case SessionState::revoked: code = session_errc::revoked; break;
        case SessionState::reused: code = session_errc::reused; break;
        case SessionState::refused: code = session_errc::refused; break;
        case SessionState::unknown:
        case SessionState::active:
        case SessionState::failed: break;
        }
        if (limit() != SessionLimit::none) text += ", by its limit: " + std::string(name_of(limit()));
        if (why()) text += ", because of: " + std::string(name_of(*why()));
        return {make_error_code(code), std::move(text)};
    }

protected:
    SessionAnswer() = default;
    explicit SessionAnswer(Error failure) : detail::MayFail<Answer>(std::move(failure)), standing_{SessionState::failed, SessionLimit::none, {}} {}
    explicit SessionAnswer(const SessionStanding& standing) noexcept : standing_(standing) {}

private:
    SessionStanding standing_;
};

/// What may be shown of a session to its user.
struct SessionInfo {
    Uuid handle{};
    std::int64_t user_id = 0;
    TimePoint created_at{};
    TimePoint last_seen_at{};
    TimePoint expires_at{};   ///< Its absolute limit.
    std::string ip_address{};
    std::string user_agent{};
};

/// The answer to an authentication: whether the session is good, and if so or if it has been, whose it is. As wide as the warm fields.
class Authenticated : public SessionAnswer<Authenticated> {
public:
    Authenticated() = default;
    explicit Authenticated(Error failure) : SessionAnswer(std::move(failure)) {}
    explicit Authenticated(const SessionStanding& standing) noexcept : SessionAnswer(standing) {}
    Authenticated(const SessionStanding& standing, const Session& row, Level source, Duration age) noexcept
        : SessionAnswer(standing), handle_(row.id), user_id_(row.user_id), created_at_(row.created_at), last_seen_at_(row.last_seen_at), access_expires_at_(row.access_expires_at),
          expires_at_(row.refresh_expires_at), age_(age), source_(source) {}

    /// Nil with `unknown` and `failed`.
    const Uuid& handle() const noexcept { return handle_; }
    /// Whose session it is or was; 0 with `unknown` and `failed`.
    std::int64_t user_id() const noexcept { return user_id_; }
    TimePoint created_at() const noexcept { return created_at_; }
    /// When its use was last noted.
    TimePoint last_seen_at() const noexcept { return last_seen_at_; }
    TimePoint access_expires_at() const noexcept { return access_expires_at_; }
    /// The session's absolute limit.
    TimePoint expires_at() const noexcept { return expires_at_; }
    /// Where the answer came from, and how long ago it was loaded there.
    Level source() const noexcept { return source_; }
    Duration age() const noexcept { return age_; }

private:
    Uuid handle_{};
    std::int64_t user_id_ = 0;
    TimePoint created_at_{}, last_seen_at_{}, access_expires_at_{}, expires_at_{};
    Duration age_{};
    Level source_ = Level::database;
};

/// The secrets of a session: what its client is given, and nobody keeps.
struct SessionSecrets {
    Secret access;  ///< The id of the access token (jti).
    Secret refresh; ///< The refresh token.
};

/// The answer to a login, a rotation or an elevation: the session and its secrets, or why there are none.
class Granted : public SessionAnswer<Granted> {
public:
    Granted() = default;
    explicit Granted(Error failure) : SessionAnswer(std::move(failure)) {}
    explicit Granted(const SessionStanding& standing) noexcept : SessionAnswer(standing) {}
    Granted(const SessionStanding& standing, const Uuid& handle, std::int64_t user, std::size_t ended = 0, Duration pending = {}) noexcept
        : SessionAnswer(standing), handle_(handle), user_id_(user), pending_(pending), ended_(ended) {}
    Granted(const Session& row, SessionSecrets secrets, Duration pending, bool repeated, std::size_t ended)
        : SessionAnswer(SessionStanding{SessionState::active, SessionLimit::none, {}}), handle_(row.id), user_id_(row.user_id), access_expires_at_(row.access_expires_at), expires_at_(row.refresh_expires_at),
          secrets_(std::move(secrets)), pending_(pending), ended_(ended), repeated_(repeated) {}

    /// The session's handle; of one that is not good, the handle of the session that the token or handle was of. Nil where there is none: `unknown`, `refused`, `failed`.
    const Uuid& handle() const noexcept { return handle_; }
    /// Whose session it is, or whose it was, also with `expired`, `revoked` and `reused`, or who was `refused`; 0 with `unknown` and `failed`.
    std::int64_t user_id() const noexcept { return user_id_; }
    /// Empty unless the answer is true in a condition.
    const SessionSecrets& secrets() const noexcept { return secrets_; }
    TimePoint access_expires_at() const noexcept { return access_expires_at_; }
    /// The session's absolute limit.
    TimePoint expires_at() const noexcept { return expires_at_; }
    /// Whether this is the answer that the token had got before, given again within the grace.
    bool repeated() const noexcept { return repeated_; }
    /// How many sessions were ended for it: the oldest ones, the one before, or a family.
    std::size_t ended() const noexcept { return ended_; }
    /// For how long at most what was changed or ended may still be taken for what it was; 0 if it is effective.
    Duration pending() const noexcept { return pending_; }
    bool effective() const noexcept { return !failed() && pending_ == Duration::zero(); }

private:
    Uuid handle_{};
    std::int64_t user_id_ = 0;
    TimePoint access_expires_at_{}, expires_at_{};
    SessionSecrets secrets_{};
    Duration pending_{};
    std::size_t ended_ = 0;
    bool repeated_ = false;
};

/// A user's active sessions, the one whose use was noted last first. True in a condition if they could be listed.
class SessionList : public detail::MayFail<SessionList> {
public:
    SessionList() = default;
    explicit SessionList(Error failure) : MayFail(std::move(failure)) {}
    explicit SessionList(std::vector<SessionInfo> sessions) noexcept : sessions_(std::move(sessions)) {}

    explicit operator bool() const noexcept { return !failed(); }

    std::size_t size() const noexcept { return sessions_.size(); }
    bool empty() const noexcept { return sessions_.empty(); }
    const SessionInfo& operator[](std::size_t index) const noexcept { return sessions_[index]; }
    auto begin() const noexcept { return sessions_.begin(); }
    auto end() const noexcept { return sessions_.end(); }

private:
    std::vector<SessionInfo> sessions_;
};

/// The answer to the ending of sessions. True in a condition if it is done; there may have been none to end.
class SessionsEnded : public detail::MayFail<SessionsEnded> {
public:
    SessionsEnded() = default;
    explicit SessionsEnded(Error failure) : MayFail(std::move(failure)) {}
    SessionsEnded(std::size_t count, Duration pending) noexcept : pending_(pending), count_(count), done_(true) {}

    explicit operator bool() const noexcept { return done_; }
    /// How many were ended by this call.
    std::size_t count() const noexcept { return count_; }
    /// For how long at most an ended session may still be taken for active; 0 if it is effective.
    Duration pending() const noexcept { return pending_; }
    bool effective() const noexcept { return done_ && pending_ == Duration::zero(); }

private:
    Duration pending_{};
    std::size_t count_ = 0;
    bool done_ = false;
};

/// What one call of the reaper did. True in a condition if it came to its end.
class Reaped : public detail::MayFail<Reaped> {
public:
    Reaped() = default;
    explicit Reaped(Error failure) : MayFail(std::move(failure)) {}

    explicit operator bool() const noexcept { return !failed(); }

    std::size_t expired = 0; ///< Sessions whose time was up, and which this call has ended.
    std::size_t erased = 0;  ///< Rows that this call has removed.
    bool more = false;       ///< Whether there may be more to do at once.
};

} // namespace v0
} // namespace larder
