// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "limits.hpp"

#include <larder/cache/redis_connection.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace server {

/// What the program can be told.
struct Settings {
    std::uint16_t port = 8080; ///< 0: any.
    std::string listen = "127.0.0.1";
    std::size_t processes = 1; ///< On as many ports, one after the other.
    std::size_t threads = 0;   ///< In each process; 0: as many as the machine has processors.
    Limits limits{};

    std::string policy = "write-through";
    bool redis = false;                ///< Whether Redis is in the stack,
    larder::RedisOptions redis_server{}; ///< and where, if not private:
    bool own_redis = true;
    bool postgres = false;         ///< Whether PostgreSQL is in the stack instead of SQLite,
    std::string postgres_server{}; ///< and how to connect to it, if not private:
    bool own_postgres = true;
    std::string file{};            ///< The SQLite file; empty: a temporary one.
    std::string key{};             ///< The file with the secret of which keys are made; empty: one is made up.
    std::int64_t users = 1000;     ///< Users 1 to this are there to log in.

    std::chrono::seconds idle_timeout = std::chrono::minutes(30);
    std::chrono::seconds absolute_timeout = std::chrono::hours(12);
    std::chrono::seconds access_timeout = std::chrono::minutes(15);
    std::size_t max_sessions = 0;  ///< Of a user; 0: any number.
    bool demo = true;               ///< Whether the page's buttons work.
    std::size_t traffic = 0;        ///< Clients of the demonstration's traffic, in each process, to begin with.
    std::optional<std::chrono::seconds> ends_after{}; ///< Nothing: when it is told.
};

} // namespace server
