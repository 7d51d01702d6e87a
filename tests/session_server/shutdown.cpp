// SPDX-License-Identifier: BSL-1.0

// A server that is told to end: what was begun is finished, within the time that a request may take.

#include "world.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <future>
#include <string>
#include <utility>

using namespace session_server_tests;
using namespace std::chrono_literals;

namespace {

/// Answers after a time, and tells when it has begun.
class Slow {
public:
    explicit Slow(std::chrono::milliseconds span) : span_(span) {}
    server::Handler handler() {
        return [this](const server::HttpRequest&, const std::string&) -> server::Awaitable<server::Answer> {
            begun_.set_value();
            boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, span_);
            auto waiting = timer.async_wait(boost::asio::use_awaitable);
            co_await std::move(waiting);
            server::Answer answer;
            answer.body = "done";
            co_return answer;
        };
    }
    void await() { begun_.get_future().wait(); }

private:
    std::chrono::milliseconds span_;
    std::promise<void> begun_;
};

/// A listener whose context runs when the test says so.
struct Still {
    boost::asio::io_context context;
    server::Listener listener;
    Still() : listener(context, server::listen_at(context, "127.0.0.1", 0), {}, done()) { listener.start(); }

private:
    static server::Handler done() {
        return [](const server::HttpRequest&, const std::string&) -> server::Awaitable<server::Answer> {
            server::Answer answer;
            answer.body = "done";
            co_return answer;
        };
    }
};

constexpr const char* get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

} // namespace

TEST_CASE("a request that has begun is answered, and its connection closed; nobody new is let in") {
    Slow slow(100ms);
    boost::asio::io_context context;
    Served served(context, {}, slow.handler());
    Client busy(served.port());
    busy.send(get);
    slow.await();
    served.stop();
    const auto reply = busy.read();
    CHECK(reply.message.body() == "done");
    CHECK(!reply.message.keep_alive());
    CHECK(busy.rest().empty());
    served.join();
    CHECK_THROWS_AS(Client{served.port()}, boost::system::system_error);
}

TEST_CASE("clients that came before the end are answered, though nobody has taken their connections yet") {
    Still still;
    Client first(still.listener.port()), second(still.listener.port()), third(still.listener.port());
    for (auto* client : {&first, &second, &third}) client->send(get);
    still.listener.stop();
    still.context.run();
    for (auto* client : {&first, &second, &third}) {
        REQUIRE(client->heard());
        const auto reply = client->read();
        CHECK(reply.message.body() == "done");
        CHECK(!reply.message.keep_alive());
        CHECK(client->rest().empty());
    }
}

TEST_CASE("a request that is sent before its client can know of the end is answered") {
    Still still;
    Client client(still.listener.port());
    client.send(get);
    while (!client.heard()) still.context.poll();
    CHECK(client.read().message.keep_alive());
    still.listener.stop();
    still.context.poll();
    client.send(get);
    still.context.run();
    REQUIRE(client.heard());
    const auto reply = client.read();
    CHECK(reply.message.body() == "done");
    CHECK(!reply.message.keep_alive());
    CHECK(client.rest().empty());
}

TEST_CASE("connections on which nothing is asked are closed soon") {
    boost::asio::io_context context;
    Slow slow(0ms);
    Served served(context, {.request = 1h, .idle = 1h}, slow.handler());
    Client fresh(served.port()), kept(served.port());
    kept.send(get).read();
    served.stop();
    CHECK(fresh.rest().empty());
    CHECK(kept.rest().empty());
    served.join();
}

TEST_CASE("a client that does not finish its request does not hold up the end for longer than a request may take") {
    boost::asio::io_context context;
    Slow slow(0ms);
    Served served(context, {.request = 200ms}, slow.handler());
    Client half(served.port());
    half.send("GET / HTTP/1.1\r\nHo");
    served.stop();
    served.join();
    half.rest();
}

TEST_CASE("who asks for traffic once it was ended gets none, and does not hold up the end") {
    World world;
    const auto ask = [&] { return world.ask("POST", "/demo/traffic", json::object{{"clients", 2}}, {{"X-Larder", "1"}}).body().at("clients").as_int64(); };
    CHECK(ask() == 2);
    world.stop_traffic();
    CHECK(ask() == 0);
}

TEST_CASE("to be told twice is to be told once") {
    boost::asio::io_context context;
    Slow slow(0ms);
    Served served(context, {}, slow.handler());
    served.stop();
    served.stop();
    served.join();
}
