// SPDX-License-Identifier: BSL-1.0

// What a client may take up, and that it may use a connection for several requests, sent without waiting.

#include "world.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace session_server_tests;
using namespace std::chrono_literals;

namespace {

/// Answers with the path.
server::Handler echo() {
    return [](const server::HttpRequest& request, const std::string&) -> server::Awaitable<server::Answer> {
        server::Answer answer;
        answer.body = request.target();
        co_return answer;
    };
}

std::string get(std::string_view path) { return "GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n"; }

/// A listener without a store behind it.
struct Echo {
    boost::asio::io_context context;
    Served served;
    explicit Echo(server::Limits limits = {}) : served(context, limits, echo()) {}
    std::uint16_t port() const { return served.port(); }
};

} // namespace

TEST_CASE("requests that are sent without waiting are answered in their order, on one connection") {
    const Echo echo;
    Client client(echo.port());
    std::string all;
    for (int i = 0; i < 100; ++i) all += get("/" + std::to_string(i));
    client.send(all);
    for (int i = 0; i < 100; ++i) {
        const auto reply = client.read();
        CHECK(reply.message.body() == "/" + std::to_string(i));
        CHECK(reply.message.keep_alive());
    }
    CHECK(client.send("GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").read().message.body() == "/last");
    CHECK(client.rest().empty());
}

TEST_CASE("a connection of HTTP/1.0 is closed after its answer, unless it asks not to be") {
    const Echo echo;
    Client closed(echo.port()), kept(echo.port());
    CHECK(closed.send("GET /a HTTP/1.0\r\n\r\n").read().message.body() == "/a");
    CHECK(closed.rest().empty());
    for (int i = 0; i < 2; ++i) CHECK(kept.send("GET /b HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").read().message.keep_alive());
}

TEST_CASE("a body or a header that is too large is refused before it was sent") {
    const Echo echo({.body = 1000, .header = 500});
    const auto answer = [&](const std::string& text) { return Client(echo.port()).send(text).read(); };
    const auto post = [](std::size_t size) { return "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n"; };
    CHECK(answer(post(1000) + std::string(1000, 'a')).status() == 200);
    for (const auto& text : {post(1001), post(std::size_t{1} << 40), "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n" + std::string(1024, 'a') + "\r\n"}) {
        const auto reply = answer(text);
        CHECK(reply.status() == 413);
        CHECK(reply.code() == "too_large");
    }
    CHECK(answer("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(400, 'a') + "\r\n\r\n").status() == 200);
    for (const auto& text : {"GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(600, 'a'), "GET /" + std::string(600, 'a'), std::string(100'000, 'a')}) {
        const auto reply = answer(text);
        CHECK(reply.status() == 431);
        CHECK(reply.code() == "header_too_large");
    }
}

TEST_CASE("a client that sends its request too slowly is told so, and closed") {
    const Echo echo({.request = 100ms});
    for (const char* begin : {"G", "GET / HTTP/1.1\r\nHost: a\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab"}) {
        Client client(echo.port());
        const auto reply = client.send(begin).read();
        CHECK(reply.status() == 408);
        CHECK(reply.code() == "timeout");
        CHECK(client.rest().empty());
    }
}

TEST_CASE("a client that never stops sending its request is told that it is too slow, whatever it sends when its time is over") {
    const Echo echo({.body = std::uint64_t{1} << 40, .request = 100ms});
    std::string chunks;
    for (int i = 0; i < 50; ++i) chunks += "1;a\r\n \r\n";
    const auto drip = [&] {
        Client client(echo.port());
        client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        const auto end = std::chrono::steady_clock::now() + 5s;
        while (!client.heard() && std::chrono::steady_clock::now() < end) client.send(chunks);
        CHECK(client.heard());
        if (client.heard()) CHECK(client.read().status() == 408);
    };
    std::vector<std::thread> clients;
    for (int i = 0; i < 4; ++i) clients.emplace_back(drip);
    for (auto& client : clients) client.join();
}

TEST_CASE("a client that says nothing is closed, with nothing said") {
    const Echo echo({.request = 100ms, .idle = 150ms});
    CHECK(Client(echo.port()).rest().empty());
    Client kept(echo.port());
    kept.send(get("/")).read();
    CHECK(kept.rest().empty());
}

TEST_CASE("a client that does not take its answer does not keep others from theirs") {
    const server::Handler large = [](const server::HttpRequest& request, const std::string&) -> server::Awaitable<server::Answer> {
        server::Answer answer;
        answer.body = request.target() == "/small" ? std::string("small") : std::string(std::size_t{32} << 20, 'a');
        co_return answer;
    };
    boost::asio::io_context context;
    const Served served(context, {.request = 200ms}, large);
    Client slow(served.port());
    slow.send(get("/large") + get("/large"));
    for (int i = 0; i < 10; ++i) CHECK(Client(served.port()).send(get("/small")).read().message.body() == "small");
}

TEST_CASE("beyond so many connections each is told that there is no room, and there is when one ends") {
    const Echo echo({.connections = 2});
    auto first = std::make_unique<Client>(echo.port()), second = std::make_unique<Client>(echo.port());
    for (auto* client : {first.get(), second.get()}) client->send(get("/")).read();
    Client third(echo.port());
    const auto reply = third.send(get("/")).read();
    CHECK(reply.status() == 503);
    CHECK(reply.code() == "unavailable");
    third.shut_down();
    CHECK(third.rest().empty());
    second.reset();
    for (;;) {
        const auto again = Client(echo.port()).send(get("/")).read();
        if (again.status() == 200) break;
        CHECK(again.status() == 503);
    }
    CHECK(first->send(get("/")).read().status() == 200);
}
