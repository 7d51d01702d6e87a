// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "plain_cache.hpp"

#include <larder/cache/redis_connection.hpp>
#include <larder/session/session.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

namespace example {

/// The original's Redis: GET, SET and DEL on one connection, on which the commands of all threads are pipelined. The three SETs of an
/// object go out together, as do the DELs. Values are packed and sealed as Larder's are.
class PlainRedis {
public:
    static constexpr bool shared = true;

    PlainRedis(boost::asio::any_io_executor io, const larder::RedisOptions& server);
    PlainRedis(const PlainRedis&) = delete;
    PlainRedis& operator=(const PlainRedis&) = delete;
    ~PlainRedis();

    std::optional<larder::Session> get(const std::string& key);
    void set(const ThreeKeys& keys, const larder::Session& session, std::chrono::seconds ttl);
    void del(const ThreeKeys& keys);
    /// Nothing of it is in the process.
    std::size_t bytes() const { return 0; }

private:
    struct Connection;
    std::shared_ptr<Connection> connection_;
};

} // namespace example
