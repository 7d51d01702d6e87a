// SPDX-License-Identifier: BSL-1.0

// The lives of sessions over HTTP, with tokens in the header.

#include "world.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>

using namespace session_server_tests;

TEST_CASE("a login grants secrets that authenticate, once each") {
    World world;
    const auto login = world.ask("POST", "/login", json::object{{"user", 7}});
    CHECK(login.status() == 201);
    CHECK(login.field("Cache-Control") == "no-store");
    CHECK(login.field("Content-Type") == "application/json");
    CHECK(login.cookie("larder_access").empty());
    const auto granted = login.body();
    CHECK(granted.at("user") == 7);
    CHECK(granted.at("access_expires_in_ms").to_number<int>() > 0);
    CHECK(granted.at("expires_in_ms").to_number<std::int64_t>() > granted.at("access_expires_in_ms").to_number<std::int64_t>());

    const auto me = world.me(granted);
    CHECK(me.status() == 200);
    CHECK(me.body().at("user") == 7);
    CHECK(me.body().at("handle") == granted.at("handle"));
    CHECK(world.me(granted).body().at("source") == "memory");
}

TEST_CASE("what is no good token is unauthorized, and the answer says why and how to do it right") {
    World world;
    for (const auto& reply : {world.ask("GET", "/me"), world.ask("GET", "/me", {}, {{"Authorization", "Bearer nonsense"}}), world.ask("GET", "/sessions", {}, {{"Cookie", "larder_access=1"}})}) {
        CHECK(reply.status() == 401);
        CHECK(reply.code() == "unauthorized");
        CHECK(reply.error("state") == "unknown");
        CHECK(reply.field("WWW-Authenticate") == "Bearer");
    }
    for (const char* field : {"nonsense", "Basic dXNlcjpwYXNz", "Bearer"}) CHECK(world.ask("GET", "/me", {}, {{"Authorization", field}}).code() == "bad_request");
    CHECK(world.ask("GET", "/me", {}, {{"Authorization", "Bearer a"}, {"Authorization", "Bearer b"}}).code() == "bad_request");
}

TEST_CASE("a refresh token is exchanged once; presented again it ends the family") {
    World world;
    const auto granted = world.login();
    const auto renewed = world.ask("POST", "/refresh", json::object{{"refresh", granted.at("refresh")}});
    CHECK(renewed.status() == 200);
    CHECK(renewed.body().at("handle") == granted.at("handle"));
    CHECK(world.me(granted).status() == 401);
    CHECK(world.me(renewed.body()).status() == 200);

    const auto theft = world.ask("POST", "/refresh", json::object{{"refresh", granted.at("refresh")}});
    CHECK(theft.status() == 401);
    CHECK(theft.error("state") == "reused");
    CHECK(theft.error("message").find("have been ended") != std::string::npos);
    const auto after = world.me(renewed.body());
    CHECK(after.status() == 401);
    CHECK(after.error("state") == "revoked");
    CHECK(after.error("why") == "token_reused");
}

TEST_CASE("an elevation puts another session in the place of the one before") {
    World world;
    const auto granted = world.login();
    const auto elevated = world.ask("POST", "/elevate", {}, {{"Authorization", bearer(granted)}});
    CHECK(elevated.status() == 200);
    CHECK(elevated.body().at("handle") != granted.at("handle"));
    CHECK(elevated.body().at("user") == 7);
    CHECK(world.me(granted).error("why") == "replaced");
    CHECK(world.me(elevated.body()).status() == 200);
}

TEST_CASE("a logout ends the session, and tells when that is effective") {
    World world;
    const auto granted = world.login();
    const auto logout = world.ask("POST", "/logout", {}, {{"Authorization", bearer(granted)}});
    CHECK(logout.status() == 200);
    CHECK(logout.body() == json::object{{"ended", 1}, {"effect", {{"state", "effective"}, {"bound_ms", 0}}}});
    CHECK(world.me(granted).error("why") == "logged_out");
}

TEST_CASE("a user sees and ends sessions of their own, and nobody else's") {
    World world;
    const auto mine = world.login(7);
    const auto other = world.login(7);
    const auto strangers = world.login(8);
    const auto list = world.ask("GET", "/sessions", {}, {{"Authorization", bearer(mine)}, {"User-Agent", "test"}}).body().at("sessions").as_array();
    REQUIRE(list.size() == 2);
    for (const auto& each : list) {
        CHECK(each.at("address") == "127.0.0.1");
        CHECK(each.at("current").as_bool() == (each.at("handle") == mine.at("handle")));
        CHECK(each.as_object().size() == 6);
    }
    const auto end = [&](const json::object& session) { return world.ask("DELETE", "/sessions/" + std::string(session.at("handle").as_string()), {}, {{"Authorization", bearer(mine)}}); };
    CHECK(end(strangers).code() == "not_found");
    CHECK(world.me(strangers).status() == 200);
    CHECK(end(other).body().at("ended") == 1);
    CHECK(world.me(other).error("state") == "revoked");
    CHECK(end(other).code() == "not_found");
    for (const char* handle : {"7", "00000000-0000-0000-0000-00000000000g", "{00000000-0000-0000-0000-000000000000}"})
        CHECK(world.ask("DELETE", "/sessions/" + std::string(handle), {}, {{"Authorization", bearer(mine)}}).code() == "bad_request");
    CHECK(end(mine).body().at("ended") == 1);
    CHECK(world.me(mine).status() == 401);
}

TEST_CASE("the others, or all, are ended at once") {
    World world;
    const auto first = world.login(), second = world.login(), third = world.login();
    const auto end = [&](const char* query) { return world.ask("DELETE", std::string("/sessions") + query, {}, {{"Authorization", bearer(first)}}); };
    for (const char* query : {"", "?which=some", "?which=", "?which=all&which=others", "?which=others&more=1", "?all"}) CHECK(end(query).code() == "bad_request");
    CHECK(world.me(second).status() == 200);
    CHECK(end("?which=others").body().at("ended") == 2);
    CHECK(world.me(second).error("why") == "logged_out_everywhere");
    CHECK(world.me(first).status() == 200);
    CHECK(end("?which=all").body().at("ended") == 1);
    CHECK(world.me(first).status() == 401);
}

TEST_CASE("a login that would be one session too many is refused") {
    World world({}, {.sessions_per_user = 2});
    world.login();
    world.login();
    const auto third = world.ask("POST", "/login", json::object{{"user", 7}});
    CHECK(third.status() == 409);
    CHECK(third.code() == "refused");
    CHECK(world.ask("POST", "/login", json::object{{"user", 8}}).status() == 201);
}

TEST_CASE("a login of nobody is not found, and one that says something else than it may is bad") {
    World world;
    CHECK(world.ask("POST", "/login", json::object{{"user", 21}}).code() == "not_found");
    for (const auto& body : {json::object{}, json::object{{"user", "7"}}, json::object{{"user", 7.5}}, json::object{{"user", 0}}, json::object{{"user", -7}}, json::object{{"user", 1e300}},
                             json::object{{"user", nullptr}}, json::object{{"user", 7}, {"cookies", 1}}, json::object{{"user", 7}, {"admin", true}}})
        CHECK(world.ask("POST", "/login", body).code() == "bad_request");
}

TEST_CASE("what is said of an error never repeats a secret") {
    World world;
    const auto granted = world.login();
    const std::string access(granted.at("access").as_string()), refresh(granted.at("refresh").as_string());
    world.ask("POST", "/logout", {}, {{"Authorization", bearer(granted)}});
    for (const auto& reply : {world.me(granted), world.ask("POST", "/refresh", json::object{{"refresh", refresh}}), world.ask("POST", "/refresh", json::object{{"refresh", refresh}, {refresh, 1}}),
                              world.ask("GET", "/" + access), world.ask("GET", "/me", {}, {{"Authorization", access}}), world.ask("DELETE", "/sessions?" + access, {}, {{"Authorization", bearer(granted)}})}) {
        CHECK(reply.status() >= 400);
        CHECK(reply.message.body().find(access) == std::string::npos);
        CHECK(reply.message.body().find(refresh) == std::string::npos);
    }
    const auto metrics = world.ask("GET", "/metrics").message.body() + world.ask("GET", "/live.json").message.body();
    CHECK(metrics.find(access) == std::string::npos);
    CHECK(metrics.find(refresh) == std::string::npos);
}
