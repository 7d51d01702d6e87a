// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "events.hpp"
#include "service.hpp"

#include <boost/asio/io_context.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace server {

/// Clients within the program that lead the lives of sessions: log in, are authenticated most of the time, exchange tokens, log out. For the demonstration.
class Traffic {
public:
    static constexpr std::size_t most = 256;

    /// \param users the clients are those of users 1 to this.
    Traffic(boost::asio::io_context& context, Service& service, Events& events, std::int64_t users);

    /// Makes it so many clients, at most `most`, soon. From any thread.
    void set(std::size_t clients);
    /// Lets them go soon; `set` brings none back. From any thread.
    void stop();
    /// How many there are to be.
    std::size_t clients() const { return wanted_; }

private:
    Awaitable<void> live(std::size_t number);
    bool leave(std::size_t number);

    boost::asio::io_context& context_;
    Service& service_;
    Events& events_;
    std::int64_t users_;
    std::atomic<std::size_t> wanted_{0};
    std::mutex mutex_;
    std::size_t running_ = 0; ///< Under the mutex.
    bool stopped_ = false;    ///< Under the mutex.
};

} // namespace server
