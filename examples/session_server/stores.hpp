// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../sessions/servers.hpp"
#include "../sessions/temp_folder.hpp"
#include "settings.hpp"

#include <larder/cache/redis_connection.hpp>

#include <optional>
#include <string>

namespace server {

/// Where the sessions are kept.
struct Place {
    std::string sqlite{};                        ///< The database file; empty: PostgreSQL.
    std::string postgres{};                      ///< How to connect to it.
    std::optional<larder::RedisOptions> redis{}; ///< The cache that processes share.
};

/// The stores of a run: starts the servers that are its own, which end with it, and makes what is missing of tables and users. To be made while the process has no thread
/// but one.
class Stores {
public:
    /// Throws `std::exception` for what can not be had.
    explicit Stores(const Settings& settings);

    const Place& place() const { return place_; }

private:
    example::TempFolder folder_;
    std::optional<example::PrivateRedis> redis_;
    std::optional<example::PrivatePostgres> postgres_;
    Place place_;
};

} // namespace server
