// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/entity/hashed.hpp>
#include <larder/entity/schema.hpp>
#include <larder/entity/value.hpp>
#include <larder/session/entities.hpp>

#include <boost/describe/class.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace bench {

/// A session whose schema calls none of its fields secret, so that nothing in it is sealed.
struct UnsealedSession {
    larder::Uuid id{};
    std::int64_t user_id = 0;
    larder::Hashed<std::string> refresh_token{};
    std::string jti{};
    larder::TimePoint created_at{}, last_seen_at{}, access_expires_at{}, refresh_expires_at{};
    std::optional<larder::TimePoint> revoked_at{};
    std::optional<larder::EndReason> revoked_why{};
    std::string ip_address{}, user_agent{};
    std::uint64_t version = 0;
    larder::User user{};

    UnsealedSession() = default;
    explicit UnsealedSession(const larder::Session& from)
        : id(from.id), user_id(from.user_id), refresh_token(from.refresh_token), jti(from.jti), created_at(from.created_at), last_seen_at(from.last_seen_at),
          access_expires_at(from.access_expires_at), refresh_expires_at(from.refresh_expires_at), revoked_at(from.revoked_at), revoked_why(from.revoked_why),
          ip_address(from.ip_address), user_agent(from.user_agent), version(from.version), user(from.user) {}
};
BOOST_DESCRIBE_STRUCT(UnsealedSession, (),
                      (id, user_id, refresh_token, jti, created_at, last_seen_at, access_expires_at, refresh_expires_at, revoked_at, revoked_why, ip_address,
                       user_agent, version, user))

} // namespace bench

template <>
struct larder::entity_traits<bench::UnsealedSession>
    : larder::schema<"sessions", larder::primary<&bench::UnsealedSession::id>, larder::unique<&bench::UnsealedSession::jti>,
                     larder::version<&bench::UnsealedSession::version>, larder::embed<&bench::UnsealedSession::user, &bench::UnsealedSession::user_id>> {};
