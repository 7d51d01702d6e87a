// SPDX-License-Identifier: BSL-1.0

// What the load program makes of the texts that servers send.

#include "../../examples/session_load/reading.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

using namespace load;
using namespace std::chrono_literals;

namespace {

Answer read(Kind kind, unsigned status, const std::string& body, const std::vector<std::string>& cookies = {}, bool in_cookies = false) { return read_answer(kind, status, body, cookies, in_cookies); }

const std::string tokens = R"("access":"A","refresh":"R",)";
std::string granted(const std::string& more) { return R"({"user":7,"handle":"H",)" + more + R"("access_expires_in_ms":900000,"expires_in_ms":43200000})"; }

} // namespace

TEST_CASE("the load program reads what is granted, in the text or in cookies") {
    const Answer plain = read(Kind::login, 201, granted(tokens));
    CHECK(plain.trouble == "");
    CHECK(plain.user == 7);
    CHECK(plain.handle == "H");
    CHECK(plain.access == "A");
    CHECK(plain.refresh == "R");
    CHECK(plain.access_life == 15min);
    CHECK(plain.life == 12h);
    CHECK(!plain.bound);
    CHECK(read(Kind::refresh, 200, granted(tokens + R"("effect":{"state":"pending","bound_ms":20},)")).bound == Span(20ms));

    const std::string marks = "; Path=/; HttpOnly; Secure; SameSite=Strict";
    const std::vector<std::string> cookies = {"larder_access=A" + marks, "larder_refresh=R" + marks};
    const Answer hidden = read(Kind::login, 201, granted(""), cookies, true);
    CHECK(hidden.trouble == "");
    CHECK(hidden.access == "A");
    CHECK(hidden.refresh == "R");
    CHECK(read(Kind::login, 201, granted(tokens), cookies, true).trouble != "");
    CHECK(read(Kind::login, 201, granted(""), {cookies[0]}, true).trouble != "");
    for (const std::string mark : {"; HttpOnly", "; Secure", "; SameSite=Strict"}) {
        CAPTURE(mark);
        auto bare = cookies;
        bare[1].erase(bare[1].find(mark), mark.size());
        CHECK(read(Kind::login, 201, granted(""), bare, true).trouble != "");
    }
}

TEST_CASE("the load program reads who is meant, lists, ends and refusals") {
    const Answer me = read(Kind::me, 200, R"({"user":7,"handle":"H","source":"shared","stale":true})");
    CHECK(me.trouble == "");
    CHECK(me.source == "shared");
    CHECK(me.stale);
    const Answer list = read(Kind::list, 200, R"({"sessions":[{"handle":"H","current":true},{"handle":"I"}]})");
    CHECK(list.trouble == "");
    REQUIRE(list.sessions.size() == 2);
    CHECK(list.sessions[0].current);
    CHECK(list.sessions[1].handle == "I");
    const Answer ended = read(Kind::end_all, 200, R"({"ended":3,"effect":{"state":"effective","bound_ms":0}})");
    CHECK(ended.trouble == "");
    CHECK(ended.ended == 3);
    CHECK(ended.bound == Span(0));
    for (const char* body : {R"({"error":{"code":"unauthorized","message":"no","state":"revoked","why":"logged_out"}})", R"({"error":{"code":"unauthorized","message":"no"},"state":"revoked","why":"logged_out"})"}) {
        const Answer refused = read(Kind::me, 401, body);
        CHECK(refused.trouble == "");
        CHECK(refused.state == "revoked");
        CHECK(refused.why == "logged_out");
        CHECK(refused.code == "unauthorized");
    }
}

TEST_CASE("the load program says what is wrong with an answer") {
    for (const char* body : {"", "what?", "[]", "{}", R"({"user":"7","handle":"H","source":"memory"})", R"({"user":7,"handle":8,"source":"memory"})", R"({"user":7,"handle":"H","source":"memory","stale":0})"}) {
        CAPTURE(body);
        CHECK(read(Kind::me, 200, body).trouble != "");
    }
    CHECK(read(Kind::login, 201, granted("")).trouble != "");
    CHECK(read(Kind::login, 201, granted(R"("access":"","refresh":"R",)")).trouble != "");
    CHECK(read(Kind::list, 200, R"({"sessions":{}})").trouble != "");
    for (const char* body : {R"({"ended":1})", R"({"ended":1,"effect":{"state":"soon","bound_ms":0}})", R"({"ended":1,"effect":{"state":"effective","bound_ms":5}})", R"({"ended":1,"effect":{"state":"pending","bound_ms":-5}})"}) {
        CAPTURE(body);
        CHECK(read(Kind::logout, 200, body).trouble != "");
    }
    for (const char* body : {R"({"error":"no"})", R"({"error":{"code":"unauthorized"}})", R"({"error":{"code":"unauthorized","message":""}})"}) {
        CAPTURE(body);
        CHECK(read(Kind::me, 401, body).trouble != "");
    }
}

TEST_CASE("the load program reads the bound that a server declares") {
    CHECK(read_declared_bound(R"({"now":{"staleness_bound_ms":300}})") == 300ms);
    for (const char* body : {"", "{}", R"({"now":{}})", R"({"now":{"staleness_bound_ms":"x"}})"}) CHECK(read_declared_bound(body) == Span(0));
}
