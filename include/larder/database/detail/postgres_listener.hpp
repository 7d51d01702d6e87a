// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/detail/postgres_call.hpp>
#include <larder/database/detail/postgres_connection.hpp>
#include <larder/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {

/// Hears what is notified on one channel of a server, over a connection of its own, which is made anew when it is lost. Notifications that
/// were sent while there was none are lost, so it says that something may have been notified whenever it begins to listen.
///
/// Keeps the executor at work until it is stopped. Thread-safe.
class PostgresListener final : public PostgresOwner, public std::enable_shared_from_this<PostgresListener> {
    using Connection = std::shared_ptr<PostgresConnection>;

public:
    /// \param listen makes the request by which the server is asked to notify. \param rest how long it rests after a connection has ended.
    /// \param heard called on the executor, without a lock held.
    PostgresListener(boost::asio::any_io_executor executor, PostgresTarget target, std::function<PostgresRequest()> listen, std::chrono::milliseconds rest, std::function<void()> heard)
        : executor_(std::move(executor)), target_(std::move(target)), listen_(std::move(listen)), rest_(rest), heard_(std::move(heard)), timer_(executor_) {}

    void start() {
        Connection opened;
        {
            const std::lock_guard lock(mutex_);
            if (stopped_) return;
            opened = connection_ = std::make_shared<PostgresConnection>(executor_, true);
        }
        opened->start(target_, shared_from_this());
    }

    /// Ends it. What it hears at this moment it may still tell.
    void stop() {
        Connection last;
        {
            const std::lock_guard lock(mutex_);
            stopped_ = true;
            timer_.cancel();
            last.swap(connection_);
        }
        if (last) last->close(shared_from_this(), {errc::stopped, "nobody listens any more"});
    }

    void connected(const Connection& connection) override {
        auto call = make_postgres_call(listen_(), [](const PostgresAnswer&) {});
        connection->submit(call, shared_from_this());
    }
    void answered(const Connection& connection, PostgresCallPtr, PostgresAnswer answer) override {
        if (answer.failure)
            connection->close(shared_from_this(), {errc::database_failure, "the server does not let it listen"});
        else
            heard_();
    }
    void ended(const Connection&, std::vector<PostgresCallPtr>, std::vector<PostgresCallPtr>, Error) override {
        const std::lock_guard lock(mutex_);
        if (stopped_) return;
        connection_.reset();
        timer_.expires_after(rest_);
        timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
            if (!error) self->start();
        });
    }
    void notified() override { heard_(); }

private:
    boost::asio::any_io_executor executor_;
    const PostgresTarget target_;
    const std::function<PostgresRequest()> listen_;
    const std::chrono::milliseconds rest_;
    const std::function<void()> heard_;
    std::mutex mutex_;
    Connection connection_;
    boost::asio::steady_timer timer_;
    bool stopped_ = false;
};

} // namespace detail
} // namespace v0
} // namespace larder
