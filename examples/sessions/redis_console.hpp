// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/redis_connection.hpp>

#include <cstddef>
#include <memory>
#include <string>

namespace example {

/// A connection to Redis that blocks, for what is done once. Has no thread, so that the program can fork while it has none.
class RedisConsole {
public:
    /// Connects. Throws `std::runtime_error` if that fails.
    explicit RedisConsole(const larder::RedisOptions& server);
    RedisConsole(const RedisConsole&) = delete;
    RedisConsole& operator=(const RedisConsole&) = delete;
    ~RedisConsole();

    /// The bytes that keys with this beginning take, by the server's own account.
    std::size_t bytes_of(const std::string& beginning);
    /// Removes them.
    void remove(const std::string& beginning);

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace example
