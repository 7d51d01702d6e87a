// SPDX-License-Identifier: BSL-1.0
#include "listener.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <new>
#include <utility>

namespace server {

namespace asio = boost::asio;

namespace {

/// How long no connection is accepted after that failed: for want of file descriptors, say.
constexpr auto accept_pause = std::chrono::milliseconds(50);

constexpr auto quietly = asio::as_tuple(asio::use_awaitable);

} // namespace

asio::ip::tcp::acceptor listen_at(asio::io_context& context, const std::string& address, std::uint16_t port) {
    using Tcp = asio::ip::tcp;
    const Tcp::endpoint where(asio::ip::make_address(address), port);
    Tcp::acceptor acceptor(context, where.protocol());
    acceptor.set_option(Tcp::acceptor::reuse_address(true));
    acceptor.bind(where);
    acceptor.listen();
    return acceptor;
}

Listener::Listener(asio::io_context& context, Tcp::acceptor socket, Limits limits, Handler handler)
    : context_(context), strand_(asio::make_strand(asio::any_io_executor(context.get_executor()))), acceptor_(std::move(socket)), port_(acceptor_.local_endpoint().port()), limits_(limits),
      handler_(std::move(handler)), pause_(context), last_moment_(context) {}

void Listener::start() { asio::co_spawn(strand_, accept(), asio::detached); }

void Listener::stop() {
    asio::post(strand_, [this] {
        if (std::exchange(stopping_, true)) return;
        boost::system::error_code ignored;
        acceptor_.cancel(ignored);
        pause_.cancel();
    });
}

asio::awaitable<void> Listener::accept() {
    while (!stopping_) {
        auto accepting = acceptor_.async_accept(asio::make_strand(asio::any_io_executor(context_.get_executor())), quietly);
        auto [error, socket] = co_await std::move(accepting);
        if (!error) {
            take(std::move(socket));
            continue;
        }
        if (stopping_) break;
        pause_.expires_after(accept_pause);
        auto pausing = pause_.async_wait(quietly);
        co_await std::move(pausing);
    }
    end();
}

void Listener::end() {
    // Those that the system has let in already: they may have sent a request.
    boost::system::error_code none_left;
    acceptor_.non_blocking(true, none_left);
    for (int i = 0; i < asio::socket_base::max_listen_connections && !none_left; ++i) {
        auto socket = acceptor_.accept(asio::make_strand(asio::any_io_executor(context_.get_executor())), none_left);
        if (!none_left) take(std::move(socket));
    }
    acceptor_.close(none_left);
    if (connections_.empty()) return;
    for (const auto& connection : connections_) connection->stop();
    last_moment_.expires_after(limits_.request);
    last_moment_.async_wait(asio::bind_executor(strand_, [this](boost::system::error_code cancelled) {
        if (cancelled) return;
        for (const auto& connection : connections_) connection->abort();
    }));
}

void Listener::take(Tcp::socket socket) {
    // Those that are told that there is no room take some, too.
    if (connections_.size() >= 2 * limits_.connections) return;
    const bool has_room = connections_.size() < limits_.connections;
    try {
        const auto connection = std::make_shared<Connection>(std::move(socket), limits_, handler_);
        connections_.insert(connection);
        if (stopping_) connection->stop(); // So that its first answer says that it is the last.
        asio::co_spawn(strand_, serve(connection, has_room), asio::detached);
    } catch (const std::bad_alloc&) {
        // The client is turned away; there may be memory for the next.
    }
}

asio::awaitable<void> Listener::serve(std::shared_ptr<Connection> connection, bool has_room) {
    const auto executor = connection->executor();
    auto ended = asio::co_spawn(executor, has_room ? connection->run() : connection->refuse(), asio::as_tuple(asio::use_awaitable));
    co_await std::move(ended);
    connections_.erase(connection);
    if (stopping_ && connections_.empty()) last_moment_.cancel();
}

} // namespace server
