// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/entity/schema.hpp>
#include <larder/entity/value.hpp>

#include <boost/describe/class.hpp>

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

namespace chaos {

/// What the clients read and write: a session of a user, found by its id, its token and its jti.
struct Login {
    larder::Uuid id{};
    std::int64_t user_id = 0;
    std::string token{}, jti{};
    std::uint64_t stamp = 0; ///< The number of the call that wrote this version.
    std::optional<larder::TimePoint> revoked_at{};
    larder::TimePoint expires_at{};
    std::uint64_t version = 0;
};
BOOST_DESCRIBE_STRUCT(Login, (), (id, user_id, token, jti, stamp, revoked_at, expires_at, version))

/// \name Rows, tokens and jtis are numbered from 1; this is what they are called in the database
/// @{
inline larder::Uuid id_of(std::uint64_t number) {
    larder::Uuid id{};
    for (std::size_t i = 0; i < 8; ++i) *(id.begin() + 15 - i) = static_cast<std::uint8_t>(number >> (8 * i));
    return id;
}
inline std::uint64_t number_of(const larder::Uuid& id) {
    std::uint64_t number = 0;
    for (std::size_t i = 8; i < 16; ++i) number = number << 8 | *(id.begin() + i);
    return number;
}
inline std::string token_of(std::uint64_t number) { return "t" + std::to_string(number); }
inline std::string jti_of(std::uint64_t number) { return "j" + std::to_string(number); }
inline std::uint64_t number_of(const std::string& code) { return std::strtoull(code.c_str() + 1, nullptr, 10); }
/// @}

} // namespace chaos

template <>
struct larder::entity_traits<chaos::Login>
    : larder::schema<"logins", larder::primary<&chaos::Login::id>, larder::unique<&chaos::Login::token>, larder::unique<&chaos::Login::jti>, larder::group<&chaos::Login::user_id>,
                     larder::version<&chaos::Login::version>, larder::expires<&chaos::Login::expires_at>, larder::revoked<&chaos::Login::revoked_at>> {};
