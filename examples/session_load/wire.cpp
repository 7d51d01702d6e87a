// SPDX-License-Identifier: BSL-1.0
#include "wire.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/system/error_code.hpp>

#include <charconv>
#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace load {

namespace asio = boost::asio;
namespace http = boost::beast::http;

Server read_server(std::string_view text) {
    const auto wrong = [whole = std::string(text)] { return std::invalid_argument("'" + whole + "' is no address of a server: http://HOST:PORT"); };
    constexpr std::string_view scheme = "http://";
    if (text.starts_with(scheme)) text.remove_prefix(scheme.size());
    if (text.ends_with('/')) text.remove_suffix(1);
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0) throw wrong();
    Server server{std::string(text.substr(0, colon)), 0};
    if (server.host.front() == '[' && server.host.back() == ']') server.host = server.host.substr(1, server.host.size() - 2);
    const std::string_view port = text.substr(colon + 1);
    const auto read = std::from_chars(port.data(), port.data() + port.size(), server.port);
    if (read.ec != std::errc() || read.ptr != port.data() + port.size() || server.port == 0 || server.host.find('/') != std::string::npos) throw wrong();
    return server;
}

void look_up(Server& server) {
    asio::io_context io;
    asio::ip::tcp::resolver resolver(io);
    for (const auto& found : resolver.resolve(server.host, std::to_string(server.port))) server.places.push_back(found.endpoint());
}

void Wire::hang_up() {
    stream_.reset();
    buffer_.clear();
}

asio::awaitable<bool> Wire::reach() {
    if (stream_ && std::chrono::steady_clock::now() < used_ + longest_idle) co_return true;
    hang_up();
    boost::system::error_code failure;
    auto token = asio::redirect_error(asio::use_awaitable, failure);
    stream_.emplace(executor_);
    stream_->expires_after(patience_);
    auto connect = stream_->async_connect(server_.places, token);
    co_await std::move(connect);
    if (failure) {
        trouble_ = server_.text() + ": " + failure.message();
        hang_up();
        co_return false;
    }
    boost::system::error_code ignored;
    stream_->socket().set_option(asio::ip::tcp::no_delay(true), ignored);
    co_return true;
}

asio::awaitable<Reply> Wire::exchange(Message message) {
    Reply reply;
    boost::system::error_code failure;
    auto token = asio::redirect_error(asio::use_awaitable, failure);
    message.set(http::field::host, server_.text());
    message.set(http::field::user_agent, "larder-session-load");
    message.prepare_payload();
    stream_->expires_after(patience_);
    auto write = http::async_write(*stream_, message, token);
    co_await std::move(write);
    http::response_parser<http::string_body> parser;
    constexpr std::size_t longest = 64U << 20;
    parser.body_limit(longest);
    if (!failure) {
        auto read = http::async_read(*stream_, buffer_, parser, token);
        co_await std::move(read);
    }
    if (failure) {
        reply.trouble = server_.text() + ": " + failure.message();
        hang_up();
        co_return reply;
    }
    used_ = std::chrono::steady_clock::now();
    auto response = parser.release();
    reply.status = response.result_int();
    for (const auto& field : response)
        if (field.name() == http::field::set_cookie) reply.cookies.emplace_back(field.value());
    reply.body = std::move(response.body());
    if (!response.keep_alive()) hang_up();
    co_return reply;
}

} // namespace load
