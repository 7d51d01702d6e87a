// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "ledger.hpp"

#include <larder/session/session.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

/// What a session service is asked, and what it answers: the same for the original code and for Larder.
namespace example {

/// Which session a service takes the client's for, if it accepts it at all.
struct Answer {
    bool accepted = false;
    larder::Uuid session{};
    larder::Version version = 0;
    larder::Error failure{};
};

/// What a service has done so far.
struct Counters {
    std::uint64_t key_lookups = 0; ///< Keys looked up in the cache that lead to a row's key (or to a group's epoch).
    std::uint64_t row_lookups = 0; ///< Rows looked up in the cache.
    std::uint64_t hits = 0;        ///< Of all these, the ones that the cache answered for good.
    std::uint64_t misses = 0;      ///< The ones that it did not.
    std::uint64_t queries = 0;     ///< Of the database, writes included.
    std::uint64_t rebuilt = 0;     ///< Sessions built from rows of the database.
    std::size_t bytes = 0;         ///< In the cache now.
};

inline constexpr const char* user_agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";

inline larder::TimePoint wall_clock() { return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()); }

/// What a rotation brings.
inline larder::Rotation rotation_to(const Credential& fresh, const larder::HashKey& hash) {
    using namespace std::chrono_literals;
    return {hash(fresh.refresh_token), fresh.jti, wall_clock() + 15min, wall_clock() + 24h * 30};
}

/// What a login writes.
inline larder::Session new_session(std::int64_t user, const Credential& fresh, const larder::HashKey& hash) {
    using namespace std::chrono_literals;
    larder::Session session;
    session.user_id = user;
    session.refresh_token = hash(fresh.refresh_token);
    session.jti = fresh.jti;
    session.access_expires_at = wall_clock() + 15min;
    session.refresh_expires_at = wall_clock() + 24h * 30;
    session.ip_address = "198.51.100.7";
    session.user_agent = user_agent;
    return session;
}

} // namespace example
