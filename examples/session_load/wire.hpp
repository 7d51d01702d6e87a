// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "answer.hpp"
#include "ending.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace load {

/// A server of sessions.
struct Server {
    std::string host;
    std::uint16_t port = 0;
    std::vector<boost::asio::ip::tcp::endpoint> places{}; ///< Of which any is it.

    std::string text() const { return host + ":" + std::to_string(port); }
};

/// Reads "http://HOST:PORT" or "HOST:PORT"; an IPv6 address stands in brackets. Throws `std::invalid_argument`.
Server read_server(std::string_view text);

/// Finds the places of a server. Throws `boost::system::system_error` if its host has none.
void look_up(Server& server);

/// What came back from a server, as it came.
struct Reply {
    unsigned status = 0;
    std::string body{};
    std::vector<std::string> cookies{}; ///< The values of the fields Set-Cookie.
    std::string trouble{};              ///< Why there is none; empty: there is.
};

/// A client's connection to a server, kept alive from one request to the next. Not thread-safe.
class Wire {
public:
    using Executor = boost::asio::any_io_executor;
    using Message = boost::beast::http::request<boost::beast::http::string_body>;

    /// \param server outlives it. \param patience how long a server may take to answer.
    Wire(Executor executor, const Server& server, Span patience) : executor_(std::move(executor)), server_(server), patience_(patience) {}

    const Server& server() const noexcept { return server_; }

    /// Connects, unless it is: not if it has been idle for so long that the server may just be about to hang up. \returns whether it is connected;
    /// else `trouble` says why not.
    boost::asio::awaitable<bool> reach();
    /// Sends a request on the connection, and waits for the answer. \pre `reach` has succeeded.
    boost::asio::awaitable<Reply> exchange(Message message);

    const std::string& trouble() const noexcept { return trouble_; }

private:
    static constexpr auto longest_idle = std::chrono::seconds(1);

    void hang_up();

    Executor executor_;
    const Server& server_;
    Span patience_;
    std::optional<boost::beast::tcp_stream> stream_;
    boost::beast::flat_buffer buffer_;
    Moment used_{};
    std::string trouble_;
};

} // namespace load
