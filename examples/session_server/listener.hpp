// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "connection.hpp"
#include "limits.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_set>

namespace server {

/// Accepts connections, keeps count of them, and ends them in an orderly way. Members but `stop` are called before the context runs.
class Listener {
public:
    using Tcp = boost::asio::ip::tcp;

    /// \param socket one that listens already.
    Listener(boost::asio::io_context& context, Tcp::acceptor socket, Limits limits, Handler handler);
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    void start();
    /// Accepts those that have come, and no more; what was begun is finished, for as long as a request may take. Then nothing of this keeps the context at work. From any thread.
    void stop();
    std::uint16_t port() const { return port_; }

private:
    boost::asio::awaitable<void> accept();
    boost::asio::awaitable<void> serve(std::shared_ptr<Connection> connection, bool has_room);
    void take(Tcp::socket socket);
    void end();

    boost::asio::io_context& context_;
    boost::asio::strand<boost::asio::any_io_executor> strand_; ///< Where all below is touched.
    Tcp::acceptor acceptor_;
    std::uint16_t port_;
    Limits limits_;
    Handler handler_;
    std::unordered_set<std::shared_ptr<Connection>> connections_;
    boost::asio::steady_timer pause_;
    boost::asio::steady_timer last_moment_;
    bool stopping_ = false;
};

/// Opens a socket that listens. \param port 0: any. Throws `boost::system::system_error`.
boost::asio::ip::tcp::acceptor listen_at(boost::asio::io_context& context, const std::string& address, std::uint16_t port);

} // namespace server
