// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/redis_connection.hpp>

#include <boost/redis/connection.hpp>

#include <chrono>
#include <string>

namespace example {

/// How Boost.Redis reaches a server, where the program uses it without Larder.
inline boost::redis::config boosted_config(const larder::RedisOptions& server) {
    boost::redis::config config;
    config.addr = {server.host, std::to_string(server.port)};
    if (!server.user.empty()) config.username = server.user;
    config.password = server.password;
    config.database_index = static_cast<int>(server.database);
    config.resolve_timeout = config.connect_timeout = server.connect_timeout;
    config.health_check_interval = std::chrono::seconds(0);
    config.reconnect_wait_interval = std::chrono::seconds(0);
    return config;
}

inline const boost::redis::logger silent(boost::redis::logger::level::disabled);

} // namespace example
