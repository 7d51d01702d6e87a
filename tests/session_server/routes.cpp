// SPDX-License-Identifier: BSL-1.0

// Which methods each path knows, and what is there beside sessions: the page, what watches the server, the demonstration.

#include "world.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

using namespace session_server_tests;

TEST_CASE("each path knows its methods, and says which") {
    World world;
    const std::vector<std::pair<std::string, std::vector<std::string>>> table{
        {"/login", {"POST"}},
        {"/me", {"GET", "HEAD"}},
        {"/refresh", {"POST"}},
        {"/elevate", {"POST"}},
        {"/logout", {"POST"}},
        {"/sessions", {"GET", "HEAD", "DELETE"}},
        {"/sessions/00000000-0000-0000-0000-000000000000", {"DELETE"}},
        {"/metrics", {"GET", "HEAD"}},
        {"/healthz", {"GET", "HEAD"}},
        {"/live.json", {"GET", "HEAD"}},
        {"/", {"GET", "HEAD"}},
        {"/page.css", {"GET", "HEAD"}},
        {"/page.js", {"GET", "HEAD"}},
        {"/demo/traffic", {"POST"}},
        {"/demo/logout-everywhere", {"POST"}},
        {"/demo/tier", {"POST"}},
    };
    Client client(world.port());
    for (const auto& [path, methods] : table)
        for (const std::string method : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}) {
            CAPTURE(path);
            CAPTURE(method);
            const auto reply = client.ask(method, path);
            const bool known = std::find(methods.begin(), methods.end(), method) != methods.end();
            CHECK((reply.status() == 405) == !known);
            CHECK(reply.status() != 404);
            if (known) continue;
            if (method != "HEAD") CHECK(reply.code() == "method_not_allowed");
            std::string allowed;
            for (const auto& each : methods) allowed += (allowed.empty() ? "" : ", ") + each;
            CHECK(reply.field("Allow") == allowed);
        }
}

TEST_CASE("nothing is at other paths") {
    World world;
    for (const char* path : {"/nothing", "//", "/me/", "/me/more", "/sessions/", "/sessions/a/b", "/index.html", "/../etc/passwd", "/page.css/..", "/LOGIN", "/%6de", "/demo", "/icon.svg/"}) {
        const auto reply = world.ask("GET", path);
        CAPTURE(path);
        CHECK(reply.status() == 404);
        CHECK(reply.code() == "not_found");
    }
}

TEST_CASE("HEAD is GET without the body") {
    World world;
    Client client(world.port());
    const auto whole = client.ask("GET", "/page.css"), head = client.ask("HEAD", "/page.css");
    CHECK(head.status() == 200);
    CHECK(head.message.body().empty());
    CHECK(head.field("Content-Length") == std::to_string(whole.message.body().size()));
}

TEST_CASE("the page loads nothing from elsewhere") {
    World world;
    const auto page = world.ask("GET", "/");
    CHECK(page.field("Content-Type") == "text/html; charset=utf-8");
    CHECK(page.field("Content-Security-Policy").starts_with("default-src 'self';"));
    CHECK(page.field("X-Content-Type-Options") == "nosniff");
    CHECK(world.ask("GET", "/page.js").field("Content-Type") == "text/javascript; charset=utf-8");
}

TEST_CASE("what watches the server is told what the library has counted") {
    World world;
    const auto granted = world.login();
    const auto before = world.ask("GET", "/live.json").body();
    for (int i = 0; i < 5; ++i) world.me(granted);
    const auto after = world.ask("GET", "/live.json").body();
    const auto grown = [&](const char* name) { return after.at("totals").at(name).to_number<std::int64_t>() - before.at("totals").at(name).to_number<std::int64_t>(); };
    CHECK(grown("requests") == 5);
    CHECK(grown("hits") == 5);
    CHECK(grown("queries") == 0);
    CHECK(before.at("totals").at("writes") == 1);
    CHECK(after.at("now").at("entries") == 1);
    CHECK(after.at("process").at("policy") == "WriteThrough");
    CHECK(after.at("tiers").as_array().size() == 2);

    const auto metrics = world.ask("GET", "/metrics");
    CHECK(metrics.field("Content-Type") == "text/plain; version=0.0.4; charset=utf-8");
    CHECK(metrics.message.body().find("larder_calls_total{entity=\"Session\",policy=\"WriteThrough\",verb=\"find_by\"} 5") != std::string::npos);
    CHECK(world.ask("GET", "/healthz").body() == json::object{{"status", "ok"}});
}

TEST_CASE("the demonstration's buttons work for the server's own page, asked for by an address") {
    World world;
    const auto granted = world.login(7);
    const auto press = [&](std::string_view target, const json::object& body) { return world.ask("POST", target, body, {{"X-Larder", "1"}}); };
    CHECK(world.ask("POST", "/demo/logout-everywhere", json::object{{"user", 7}}).code() == "forbidden");
    const std::string text = "POST /demo/logout-everywhere HTTP/1.1\r\nHost: evil.example.org:8080\r\nX-Larder: 1\r\nContent-Length: 10\r\n\r\n{\"user\":7}";
    CHECK(Client(world.port()).send(text).read().code() == "forbidden");
    CHECK(world.me(granted).status() == 200);

    CHECK(press("/demo/logout-everywhere", {{"user", 7}}).body() == json::object{{"ended", 1}, {"effect", {{"state", "effective"}, {"bound_ms", 0}}}, {"user", 7}});
    CHECK(world.me(granted).error("why") == "logged_out_everywhere");
    const auto events = world.ask("GET", "/live.json").body().at("events").as_array();
    REQUIRE(!events.empty());
    CHECK(events[0].at("kind") == "logged_out_everywhere");
    CHECK(events[0].at("text") == "user 7: 1 session ended");

    CHECK(press("/demo/tier", {{"tier", "memory"}, {"up", false}}).body() == json::object{{"tier", "memory"}, {"up", false}, {"can_switch", true}});
    const auto again = world.login(8);
    CHECK(world.me(again).body().at("source") == "database");
    CHECK(press("/demo/tier", {{"tier", "memory"}, {"up", true}}).body().at("up") == true);
    world.me(again);
    CHECK(world.me(again).body().at("source") == "memory");
    CHECK(press("/demo/tier", {{"tier", "database"}, {"up", false}}).code() == "refused");
    CHECK(press("/demo/tier", {{"tier", "redis"}, {"up", false}}).code() == "not_found");
    for (const auto& body : {json::object{}, json::object{{"tier", "memory"}}, json::object{{"tier", 1}, {"up", true}}, json::object{{"tier", "memory"}, {"up", "yes"}}}) CHECK(press("/demo/tier", body).code() == "bad_request");

    CHECK(press("/demo/traffic", {{"clients", 2}}).body() == json::object{{"clients", 2}});
    for (const int clients : {-1, 257}) CHECK(press("/demo/traffic", {{"clients", clients}}).code() == "bad_request");
    // Its logins end some time.
    while (world.ask("GET", "/live.json").body().at("totals").at("writes").to_number<int>() < 20) {}
    CHECK(press("/demo/traffic", {{"clients", 0}}).body() == json::object{{"clients", 0}});
}

TEST_CASE("without the demonstration there are no buttons") {
    World world({}, {}, false);
    for (const char* path : {"/demo/traffic", "/demo/logout-everywhere", "/demo/tier"}) CHECK(world.ask("POST", path, json::object{}, {{"X-Larder", "1"}}).code() == "not_found");
    const auto live = world.ask("GET", "/live.json").body();
    for (const auto& tier : live.at("tiers").as_array()) CHECK(tier.at("can_switch") == false);
}
