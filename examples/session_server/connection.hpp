// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "answer.hpp"
#include "limits.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>

#include <functional>
#include <memory>
#include <string>

namespace server {

/// Answers a request. \param address where it comes from. Throws nothing; called on any thread.
using Handler = std::function<boost::asio::awaitable<Answer>(const HttpRequest& request, const std::string& address)>;

/// One client's connection: reads requests, which may be sent before the ones before are answered, and answers them in their order.
class Connection : public std::enable_shared_from_this<Connection> {
public:
    using Tcp = boost::asio::ip::tcp;

    /// \param socket runs on a strand of its own. The handler outlives the connection.
    Connection(Tcp::socket socket, const Limits& limits, const Handler& handler);

    /// The strand that everything here runs on.
    boost::asio::any_io_executor executor() { return stream_.get_executor(); }
    /// Serves until the client or `stop` ends it.
    boost::asio::awaitable<void> run();
    /// Says that there is no room, and closes.
    boost::asio::awaitable<void> refuse();
    /// Lets a request that has come, or is on its way, be answered, and closes; soon if there is none. From any thread.
    void stop();
    /// Closes. From any thread.
    void abort();

private:
    using Parser = http::request_parser<http::string_body>;

    boost::asio::awaitable<bool> serve_one();
    boost::asio::awaitable<bool> wait_for_request();
    void wait_no_longer();
    boost::asio::awaitable<boost::system::error_code> read(Parser& parser);
    boost::asio::awaitable<boost::system::error_code> read_until(Parser& parser, bool (Parser::*reached)() const);
    boost::asio::awaitable<bool> write(const HttpRequest* request, const Answer& answer, bool keep);
    boost::asio::awaitable<void> fail(boost::system::error_code error);
    boost::asio::awaitable<void> close_gently();

    boost::beast::tcp_stream stream_;
    boost::beast::flat_buffer buffer_;
    boost::asio::steady_timer arrival_; ///< Ends the reading of a request, but not the connection: the client is told. And the waiting for one, when all ends.
    const Limits& limits_;
    const Handler& handler_;
    std::string address_;
    bool kept_ = false;     ///< Whether it has been answered before.
    bool late_ = false;     ///< Whether a request did not arrive in time.
    bool reading_ = false;  ///< A request that has begun.
    bool waiting_ = false;  ///< For the first byte of a request.
    bool stopping_ = false;
};

} // namespace server
