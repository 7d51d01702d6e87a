// SPDX-License-Identifier: BSL-1.0

// Sessions in cookies: which are set, and whose requests they speak for.

#include "world.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace session_server_tests;

namespace {

/// What a browser sends of a cookie that was set.
std::string sent(const std::string& cookie) { return cookie.substr(0, cookie.find(';')); }

struct Browser {
    World& world;
    std::string access{}, refresh{};

    explicit Browser(World& of) : world(of) { take(world.ask("POST", "/login", json::object{{"user", 7}, {"cookies", true}}, {{"X-Larder", "1"}})); }
    void take(const Reply& reply) {
        access = sent(reply.cookie("larder_access"));
        refresh = sent(reply.cookie("larder_refresh"));
    }
};

} // namespace

TEST_CASE("a login with cookies sets them so that no script and no foreign page gets at them, and shows no secret") {
    World world;
    const auto reply = world.ask("POST", "/login", json::object{{"user", 7}, {"cookies", true}}, {{"X-Larder", "1"}});
    CHECK(reply.status() == 201);
    CHECK(!reply.body().contains("access"));
    CHECK(!reply.body().contains("refresh"));
    for (const char* name : {"larder_access", "larder_refresh"}) {
        const auto cookie = reply.cookie(name);
        CAPTURE(cookie);
        for (const char* attribute : {"; HttpOnly", "; Secure", "; SameSite=Strict", "; Max-Age="}) CHECK(cookie.find(attribute) != std::string::npos);
        CHECK(cookie.find("Domain") == std::string::npos);
    }
    CHECK(reply.cookie("larder_access").find("; Path=/;") != std::string::npos);
    CHECK(reply.cookie("larder_refresh").find("; Path=/refresh;") != std::string::npos);
}

TEST_CASE("a cookie authenticates, and changes nothing without the header of the server's own page") {
    World world;
    Browser browser(world);
    CHECK(world.ask("GET", "/me", {}, {{"Cookie", "theme=dark; " + browser.access + "; lang=en"}}).status() == 200);
    CHECK(world.ask("GET", "/me", {}, {{"Cookie", "xlarder_access=1;;=; " + browser.access}}).status() == 200);
    for (const auto& [method, target] : {std::pair{"POST", "/logout"}, {"POST", "/elevate"}, {"DELETE", "/sessions?which=all"}}) {
        for (const char* value : {"0", "", "11"}) CHECK(world.ask(method, target, {}, {{"Cookie", browser.access}, {"X-Larder", value}}).code() == "forbidden");
        CHECK(world.ask(method, target, {}, {{"Cookie", browser.access}}).code() == "forbidden");
    }
    CHECK(world.ask("POST", "/refresh", {}, {{"Cookie", browser.refresh}}).code() == "forbidden");
    CHECK(world.ask("POST", "/login", json::object{{"user", 7}, {"cookies", true}}).code() == "forbidden");
    CHECK(world.ask("GET", "/me", {}, {{"Cookie", browser.access}}).status() == 200);
}

TEST_CASE("a refresh with the cookie sets new ones, and a logout removes them") {
    World world;
    Browser browser(world);
    const auto before = browser.access;
    const auto renewed = world.ask("POST", "/refresh", {}, {{"Cookie", browser.refresh}, {"X-Larder", "1"}});
    CHECK(renewed.status() == 200);
    CHECK(!renewed.body().contains("access"));
    browser.take(renewed);
    CHECK(world.ask("GET", "/me", {}, {{"Cookie", before}}).status() == 401);
    CHECK(world.ask("GET", "/me", {}, {{"Cookie", browser.access}}).status() == 200);
    const auto logout = world.ask("POST", "/logout", {}, {{"Cookie", browser.access}, {"X-Larder", "1"}});
    CHECK(logout.status() == 200);
    for (const char* name : {"larder_access", "larder_refresh"}) CHECK(logout.cookie(name).find("; Max-Age=0;") != std::string::npos);
}

TEST_CASE("a cookie that is there twice is somebody else's, at least once") {
    World world;
    Browser browser(world);
    CHECK(world.ask("GET", "/me", {}, {{"Cookie", browser.access + "; larder_access=01"}}).code() == "bad_request");
    CHECK(world.ask("GET", "/me", {}, {{"Cookie", "larder_access=01"}, {"Cookie", browser.access}}).code() == "bad_request");
}

TEST_CASE("the header goes before the cookie, and needs no proof of the page") {
    World world;
    const Browser browser(world);
    const auto granted = world.login(8);
    CHECK(world.ask("GET", "/me", {}, {{"Cookie", browser.access}, {"Authorization", bearer(granted)}}).body().at("user") == 8);
    CHECK(world.ask("POST", "/logout", {}, {{"Cookie", browser.access}, {"Authorization", bearer(granted)}}).status() == 200);
    CHECK(world.ask("GET", "/me", {}, {{"Cookie", browser.access}}).status() == 200);
}
