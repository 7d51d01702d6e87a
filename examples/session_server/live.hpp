// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "events.hpp"
#include "service.hpp"
#include "tiers.hpp"

#include <larder/observe/snapshot.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/json/object.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>

namespace server {

/// What the page shows of the process: the library's own counts, and what happened. Thread-safe but for `start`.
class Live {
public:
    /// What does not change.
    struct Process {
        std::uint16_t port;
        std::string stack;
    };

    Live(boost::asio::io_context& context, Service& service, Process process);

    /// Begins to take a snapshot now and then, to look after the tiers, and to reap sessions whose time is up.
    void start(Tiers& tiers);
    void stop();

    /// All of it but the tiers and the traffic, for the page.
    boost::json::object now();

    /// How many calls of the store have failed.
    std::uint64_t failed_calls() const;

    Events events;

private:
    using Clock = std::chrono::steady_clock;
    static constexpr std::size_t snapshots_kept = 5;

    Awaitable<void> watch(Tiers& tiers);
    Awaitable<void> reap();
    /// Waits for a time. \returns whether to go on.
    Awaitable<bool> rest(boost::asio::steady_timer& timer, Clock::duration span);
    larder::Duration told_to_all() const;

    boost::asio::strand<boost::asio::any_io_executor> strand_;
    boost::asio::steady_timer watching_, reaping_;
    Service& service_;
    Process process_;
    Clock::time_point began_ = Clock::now();
    std::mutex mutex_;
    std::deque<larder::MetricsSnapshot> earlier_; ///< One a second, the oldest first.
    bool stopping_ = false;
};

} // namespace server
