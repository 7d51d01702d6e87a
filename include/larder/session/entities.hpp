// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/entity/hashed.hpp>
#include <larder/entity/schema.hpp>
#include <larder/entity/value.hpp>

#include <boost/describe/class.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace larder {
inline namespace v0 {

/// Somebody who can log in: the row that a session embeds. Kept in the table "users", with a key that the database makes.
struct User {
    std::int64_t id = 0;
    std::string email{};    ///< Unique.
    std::string username{}; ///< Unique.
    std::uint64_t version = 0;

    friend bool operator==(const User&, const User&) = default;
};
BOOST_DESCRIBE_STRUCT(User, (), (id, email, username, version))

/// Why a session was revoked. Rows have the number: new reasons come last.
enum class EndReason : std::uint8_t {
    logged_out,            ///< Its user ended it.
    logged_out_everywhere, ///< Its user ended all of theirs.
    token_reused,          ///< A refresh token was presented that had been replaced.
    replaced,              ///< A newer session took its place.
    administrator,         ///< Somebody in charge ended it.
    too_many,              ///< Its user began more sessions than one may have.
    idle_timeout,          ///< Nobody used it for too long.
    absolute_timeout,      ///< It had lasted as long as a session may.
    password_changed,      ///< Its user's password was changed.
};

constexpr std::string_view name_of(EndReason reason) noexcept {
    constexpr std::string_view names[] = {"logged_out", "logged_out_everywhere", "token_reused", "replaced", "administrator", "too_many", "idle_timeout", "absolute_timeout",
                                           "password_changed"};
    return names[static_cast<std::size_t>(reason)];
}

/// A session of a user: found by its id, by its refresh token and by the id of its access token (jti); it carries its user.
///
/// The refresh token itself is nowhere: rows, caches and keys hold its keyed hash (`HashKey`).
struct Session {
    Uuid id{};                             ///< An empty one is replaced by a random one when the session is inserted.
    std::int64_t user_id = 0;
    Hashed<std::string> refresh_token{};     ///< Unique.
    std::string jti{};                       ///< The id of the access token that stands for the session, or what is kept of it (`SessionStore`); unique.
    TimePoint created_at{};
    TimePoint last_seen_at{};              ///< Written lazily (`touch`); moves no version.
    TimePoint access_expires_at{};         ///< When the access token ends; the session goes on, for its refresh token is good for a new one.
    TimePoint refresh_expires_at{};        ///< When the refresh token ends, and the session with it.
    std::optional<TimePoint> revoked_at{};   ///< Set once and for all when the session was ended before its time.
    std::optional<EndReason> revoked_why{};  ///< Set with it.
    std::string ip_address{};                ///< Where it was begun from.
    std::string user_agent{};                ///< With what.
    std::optional<std::string> data{};       ///< The application's own; kept when the session is rotated or elevated.
    std::optional<Uuid> family{};            ///< The id of the first of the sessions that follow from one login; null: it is of none but itself.
    std::optional<TimePoint> rotated_at{};   ///< When its refresh token was last exchanged.
    std::optional<Bytes> rotation_salt{};    ///< What leads from the refresh token before to this one, while that one may be presented again.
    std::optional<std::uint32_t> grace_left{}; ///< How often it may be.
    std::uint64_t version = 0;
    User user{};                             ///< Loaded with the session, in the same query.

    friend bool operator==(const Session&, const Session&) = default;
};
BOOST_DESCRIBE_STRUCT(Session, (),
                      (id, user_id, refresh_token, jti, created_at, last_seen_at, access_expires_at, refresh_expires_at, revoked_at, revoked_why, ip_address,
                       user_agent, data, family, rotated_at, rotation_salt, grace_left, version, user))

} // namespace v0
} // namespace larder

template <>
struct larder::entity_traits<larder::User>
    : larder::schema<"users", larder::primary<&larder::User::id>, larder::unique<&larder::User::email>, larder::unique<&larder::User::username>,
                     larder::version<&larder::User::version>> {};

/// What tells of its user or is a secret is sealed in tiers that others share, or is there as a keyed hash. The warm fields are what a yes or no takes: whose session it is, and every time that limits it.
template <>
struct larder::entity_traits<larder::Session>
    : larder::schema<"sessions", larder::primary<&larder::Session::id>, larder::unique<&larder::Session::refresh_token>, larder::unique<&larder::Session::jti>,
                     larder::group<&larder::Session::user_id>, larder::group<&larder::Session::family>, larder::version<&larder::Session::version>, larder::expires<&larder::Session::refresh_expires_at>,
                     larder::revoked<&larder::Session::revoked_at>, larder::touch<&larder::Session::last_seen_at>,
                     larder::embed<&larder::Session::user, &larder::Session::user_id>,
                     larder::warm<&larder::Session::user_id, &larder::Session::created_at, &larder::Session::last_seen_at, &larder::Session::access_expires_at,
                                  &larder::Session::refresh_expires_at, &larder::Session::revoked_at, &larder::Session::revoked_why>,
                     larder::secret<&larder::Session::refresh_token, &larder::Session::jti, &larder::Session::rotation_salt, &larder::Session::ip_address, &larder::Session::user_agent,
                                    &larder::Session::data>> {};
