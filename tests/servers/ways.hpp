// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace larder_tests {

/// What a way to a server swallows.
enum class Hole : std::uint8_t {
    none,
    answers, ///< What comes from the server: it hears, but is not heard.
    both,
    closed, ///< The connections end, and those that are made, as if there were no server.
};

/// One client's way to a server: a TCP proxy on the loopback address that can stop forwarding while its connections stay up. What it held
/// back it forwards when it goes on. Runs on one thread's context; `hole` and `port` are safe from any.
class Way {
public:
    using Tcp = boost::asio::ip::tcp;

    Way(boost::asio::io_context& context, const Tcp::endpoint& server) : context_(context), server_(server), acceptor_(context, Tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)), again_(context) {
        port_ = acceptor_.local_endpoint().port();
        accept();
    }
    Way(const Way&) = delete;
    Way& operator=(const Way&) = delete;

    std::uint16_t port() const noexcept { return port_; }
    void set(Hole hole) {
        boost::asio::post(context_, [this, hole] {
            hole_ = hole;
            if (hole == Hole::closed)
                for (const auto& pair : std::exchange(pairs_, {}))
                    if (const auto open = pair.lock()) open->close();
            const auto held = std::exchange(held_, {});
            for (const auto& go_on : held) go_on();
        });
    }

private:
    /// A connection of the client's and the one to the server that belongs to it.
    struct Pair {
        explicit Pair(boost::asio::io_context& context) : client(context), server(context) {}
        void close() {
            boost::system::error_code ignored;
            client.close(ignored);
            server.close(ignored);
        }
        Tcp::socket client, server;
        std::array<char, 16384> up{}, down{};
    };

    void accept() {
        const auto pair = std::make_shared<Pair>(context_);
        acceptor_.async_accept(pair->client, [this, pair](boost::system::error_code error) {
            if (error == boost::asio::error::operation_aborted) return;
            if (error) {
                // For want of file descriptors, say.
                again_.expires_after(std::chrono::milliseconds(50));
                again_.async_wait([this](boost::system::error_code cancelled) {
                    if (!cancelled) accept();
                });
                return;
            }
            if (hole_ == Hole::closed) {
                accept();
                return;
            }
            std::erase_if(pairs_, [](const auto& each) { return each.expired(); });
            pairs_.push_back(pair);
            pair->server.async_connect(server_, [this, pair](boost::system::error_code refused) {
                if (refused) {
                    pair->close();
                    return;
                }
                boost::system::error_code ignored;
                pair->client.set_option(Tcp::no_delay(true), ignored);
                pair->server.set_option(Tcp::no_delay(true), ignored);
                pump(pair, pair->client, pair->server, pair->up, false);
                pump(pair, pair->server, pair->client, pair->down, true);
            });
            accept();
        });
    }

    void pump(const std::shared_ptr<Pair>& pair, Tcp::socket& from, Tcp::socket& to, std::array<char, 16384>& buffer, bool answers) {
        from.async_read_some(boost::asio::buffer(buffer), [this, pair, &from, &to, &buffer, answers](boost::system::error_code error, std::size_t count) {
            if (error)
                held([pair] { pair->close(); }, answers);
            else
                held([this, pair, &from, &to, &buffer, answers, count] { forward(pair, from, to, buffer, answers, count); }, answers);
        });
    }
    void forward(const std::shared_ptr<Pair>& pair, Tcp::socket& from, Tcp::socket& to, std::array<char, 16384>& buffer, bool answers, std::size_t count) {
        boost::asio::async_write(to, boost::asio::buffer(buffer, count), [this, pair, &from, &to, &buffer, answers](boost::system::error_code error, std::size_t) {
            if (error)
                pair->close();
            else
                pump(pair, from, to, buffer, answers);
        });
    }

    /// Does it now, or when the way is open again.
    void held(std::function<void()> act, bool answers) {
        if (hole_ == Hole::both || (hole_ == Hole::answers && answers))
            held_.push_back(std::move(act));
        else
            act();
    }

    boost::asio::io_context& context_;
    Tcp::endpoint server_;
    Tcp::acceptor acceptor_;
    boost::asio::steady_timer again_; ///< When to accept again after that failed.
    std::uint16_t port_ = 0;
    Hole hole_ = Hole::none;
    std::vector<std::function<void()>> held_;
    std::vector<std::weak_ptr<Pair>> pairs_;
};

/// The ways of all clients, and the thread that forwards.
class Ways {
public:
    /// \param server its port on the loopback address.
    Ways(std::size_t count, std::uint16_t server) : Ways(count, Way::Tcp::endpoint(boost::asio::ip::address_v4::loopback(), server)) {}
    Ways(std::size_t count, const Way::Tcp::endpoint& server) {
        for (std::size_t i = 0; i < count; ++i) ways_.push_back(std::make_unique<Way>(context_, server));
        thread_ = std::thread([this] { context_.run(); });
    }
    Ways(const Ways&) = delete;
    Ways& operator=(const Ways&) = delete;
    ~Ways() {
        context_.stop();
        thread_.join();
    }
    Way& operator[](std::size_t index) { return *ways_[index]; }

private:
    boost::asio::io_context context_;
    std::vector<std::unique_ptr<Way>> ways_;
    std::thread thread_;
};

} // namespace larder_tests
