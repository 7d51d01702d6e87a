// SPDX-License-Identifier: BSL-1.0

// Requests that are malformed, or try to be taken for something else: each gets a clear error, and changes nothing.

#include "world.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using namespace session_server_tests;

namespace {

constexpr std::string_view host = "Host: 127.0.0.1\r\n";

std::string with_body(std::string_view body) { return "POST /login HTTP/1.1\r\n" + std::string(host) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body); }

} // namespace

TEST_CASE("what is no HTTP request is told so, and the connection is closed") {
    World world;
    using namespace std::string_literals;
    const std::string h(host);
    for (const auto& text : {
             "nonsense\r\n\r\n"s,
             "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a client's hello\r\n\r\n"s,
             "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"s,
             "GET /me HTTP/3.1\r\n"s + h + "\r\n",
             "GET  /me HTTP/1.1\r\n"s + h + "\r\n",
             "G\0T /me HTTP/1.1\r\n"s + h + "\r\n",
             "GET /m\x01 HTTP/1.1\r\n"s + h + "\r\n",
             "GET /me HTTP/1.1\r\nHost : a\r\n\r\n"s,
             "GET /me HTTP/1.1\r\n"s + h + "X: a\0b\r\n\r\n"s,
             "GET /me HTTP/1.1\r\n"s + h + ": no name\r\n\r\n",
             "POST /login HTTP/1.1\r\n"s + h + "Content-Length: -1\r\n\r\n",
             "POST /login HTTP/1.1\r\n"s + h + "Content-Length: 1e3\r\n\r\n",
             "POST /login HTTP/1.1\r\n"s + h + "Content-Length: 99999999999999999999999\r\n\r\n",
             "POST /login HTTP/1.1\r\n"s + h + "Content-Length: 10\r\nContent-Length: 11\r\n\r\n{\"user\":7}",
             "POST /login HTTP/1.1\r\n"s + h + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
         }) {
        CAPTURE(text);
        Client client(world.port());
        const auto reply = client.send(text).read();
        CHECK(reply.status() == 400);
        CHECK(reply.code() == "bad_request");
        CHECK(!reply.error("message").empty());
        CHECK(reply.message.keep_alive() == false);
        CHECK(client.rest().empty());
    }
}

TEST_CASE("a request whose length is said in two ways is not taken for two") {
    World world;
    Client client(world.port());
    client.send("POST /login HTTP/1.1\r\n" + std::string(host) + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /live.json HTTP/1.1\r\n" + std::string(host) + "\r\n");
    CHECK(client.read().code() == "bad_request");
    CHECK(client.rest().empty());
}

TEST_CASE("a request whose encoding leaves open where it ends is refused, and what follows is not taken for another") {
    World world;
    const auto post = [](std::string_view version, std::string_view fields) {
        return "POST /login HTTP/" + std::string(version) + "\r\n" + std::string(host) + std::string(fields) + "\r\n\r\na\r\n{\"user\":7}\r\n0\r\n\r\nGET /live.json HTTP/1.1\r\n" + std::string(host) + "\r\n";
    };
    for (const std::string fields : {"Transfer-Encoding: xchunked", "Transfer-Encoding: chunked, identity", "Transfer-Encoding: identity", "Transfer-Encoding:", "Transfer-Encoding: gzip, chunked",
                               "Transfer-Encoding: xchunked\r\nContent-Length: 25", "Transfer-Encoding: chunked, identity\r\nContent-Length: 25", "Content-Length: 25\r\nTransfer-Encoding: xchunked",
                               "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked"}) {
        CAPTURE(fields);
        Client client(world.port());
        const auto reply = client.send(post("1.1", fields)).read();
        CHECK(reply.status() == 400);
        CHECK(!reply.message.keep_alive());
        CHECK(client.rest().empty());
    }
    CHECK(Client(world.port()).send(post("1.0", "Transfer-Encoding: chunked\r\nConnection: keep-alive")).read().status() == 400);
    CHECK(Client(world.port()).send(post("1.1", "Transfer-Encoding: Chunked")).read().status() == 201);
}

TEST_CASE("what follows a body in chunks says nothing of the request") {
    World world;
    const auto granted = world.login();
    const auto post = [](std::string_view path, std::string_view fields, std::string_view chunk, std::string_view trailers) {
        return "POST " + std::string(path) + " HTTP/1.1\r\n" + std::string(host) + std::string(fields) + "Transfer-Encoding: chunked\r\n\r\n" + std::string(chunk) + "\r\n0\r\n" + std::string(trailers) + "\r\n";
    };
    const std::string authorization = "Authorization: " + bearer(granted) + "\r\n", own_page = "X-Larder: 1\r\n";
    Client client(world.port());
    CHECK(client.send(post("/logout", "", "2\r\n{}", authorization + own_page + "Connection: close\r\n")).read().status() == 401);
    CHECK(world.me(granted).status() == 200);
    CHECK(client.send(post("/demo/traffic", "", "d\r\n{\"clients\":0}", own_page)).read().status() == 403);
    CHECK(client.send(post("/demo/traffic", own_page, "d\r\n{\"clients\":0}", "X: 1\r\n")).read().status() == 200);
    CHECK(client.send(post("/logout", authorization, "2\r\n{}", "")).read().status() == 200);
}

TEST_CASE("a target with a host in it is taken apart as an address") {
    World world;
    const auto ask = [&](std::string_view target) { return Client(world.port()).send("GET " + std::string(target) + " HTTP/1.1\r\n" + std::string(host) + "\r\n").read(); };
    CHECK(ask("http://a/healthz").message.body() == ask("/healthz").message.body());
    CHECK(ask("HTTP://a:1/healthz").status() == 200);
    const auto root = ask("/").message.body();
    for (const char* target : {"http://a", "http://a/", "http://a?x=/healthz", "http://a?/healthz"}) CHECK(ask(target).message.body() == root);
    for (const char* target : {"http://a#/healthz", "http:///healthz", "http://?/healthz"}) CHECK(ask(target).status() == 400);
}

TEST_CASE("a port in Host that is none is bad, so that a name can not pass for an address") {
    World world;
    const auto status = [&](std::string_view name) {
        return Client(world.port()).send("POST /demo/traffic HTTP/1.1\r\nHost: " + std::string(name) + "\r\nX-Larder: 1\r\nContent-Length: 13\r\n\r\n{\"clients\":0}").read().status();
    };
    for (const char* name : {"127.0.0.1", "127.0.0.1:80", "127.0.0.1:", "[::1]", "[::1]:80", "localhost:80"}) CHECK(status(name) == 200);
    for (const char* name : {"127.0.0.1:example.org", "[::1]:example.org", "localhost:80a"}) CHECK(status(name) == 400);
    CHECK(status("example.org:80") == 403);
}

TEST_CASE("a request without one Host, or for no path, is bad") {
    World world;
    const auto code = [&](std::string_view text) { return Client(world.port()).send(text).read().code(); };
    CHECK(code("GET /healthz HTTP/1.1\r\n\r\n") == "bad_request");
    CHECK(code("GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n") == "bad_request");
    CHECK(code("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n") == "bad_request");
    CHECK(code("CONNECT example.org:443 HTTP/1.1\r\nHost: a\r\n\r\n") == "bad_request");
    CHECK(Client(world.port()).send("GET /healthz HTTP/1.0\r\n\r\n").read().status() == 200);
    CHECK(Client(world.port()).send("GET http://a/healthz HTTP/1.1\r\nHost: a\r\n\r\n").read().status() == 200);
}

TEST_CASE("a body that is no JSON object, or says what it may not, is bad, and the connection goes on") {
    World world;
    Client client(world.port());
    std::string deep;
    for (int i = 0; i < 10000; ++i) deep += "[";
    using namespace std::string_literals;
    for (const auto& body : {"{"s, "[]"s, "7"s, "null"s, "\"user\""s, "{\"user\":7"s, "{\"user\":7}}"s, "{user:7}"s, "{\"user\":7,}"s, "{\"user\":\"\\ud800\"}"s, "{\"user\":7}\0"s, "\xff\xfe"s, deep}) {
        const auto reply = client.send(with_body(body)).read();
        CHECK(reply.code() == "bad_request");
        CHECK(reply.message.keep_alive());
    }
    CHECK(client.ask("POST", "/login", json::object{{"user", 7}}).status() == 201);
    CHECK(client.ask("POST", "/logout", json::object{{"user", 7}}, {{"Authorization", "Bearer a"}}).code() == "bad_request");
}

TEST_CASE("a request that ends in its middle is none, and changes nothing") {
    World world;
    const auto granted = world.login();
    const std::string logout = "POST /logout HTTP/1.1\r\n" + std::string(host) + "Authorization: " + bearer(granted) + "\r\nContent-Length: 2\r\n\r\n{}";
    for (std::size_t length = 1; length < logout.size(); length += 7) {
        Client client(world.port());
        client.send(std::string_view(logout).substr(0, length)).shut_down();
        CHECK(client.rest().empty());
    }
    CHECK(world.me(granted).status() == 200);
    CHECK(Client(world.port()).send(logout).read().status() == 200);
}

TEST_CASE("a client that waits to be told to send its body is told") {
    World world;
    Client client(world.port());
    client.send("POST /login HTTP/1.1\r\n" + std::string(host) + "Expect: 100-continue\r\nContent-Length: 10\r\n\r\n");
    CHECK(client.read().status() == 100);
    CHECK(client.send("{\"user\":7}").read().status() == 201);
    Client old(world.port()); // To which there is no such answer.
    CHECK(old.send("POST /login HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n{\"user\":7}").read().status() == 201);
}
