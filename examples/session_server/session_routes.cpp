// SPDX-License-Identifier: BSL-1.0
#include "credentials.hpp"
#include "live.hpp"
#include "routes.hpp"
#include "store_answers.hpp"

#include <larder/session/entities.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/uuid/string_generator.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

namespace server {
namespace {

namespace json = boost::json;

/// A session that a request may speak for.
struct Caller {
    larder::Authenticated session;
    bool by_cookie = false;
};

/// Whose request it is. Throws `Refusal` if it is nobody's. \param changes whether the request changes something.
Awaitable<Caller> caller(Application& application, const Call& call, bool changes) {
    auto credential = access_token_of(call.http);
    if (!credential) throw Refusal(unauthorized({}, "the request has neither the header Authorization nor the cookie larder_access"));
    if (credential->cookie && changes) require_own_page(call.http);
    auto authenticating = application.service.authenticate(std::move(credential->token));
    larder::Authenticated session = co_await std::move(authenticating); // named: g++ 12 destroys temporaries of initializer lists twice here
    Caller found{std::move(session), credential->cookie};
    if (found.session.failed()) throw Refusal(unavailable(found.session.error()));
    if (!found.session) throw Refusal(unauthorized({found.session.state(), found.session.limit(), found.session.why()}, "the access token is not good"));
    co_return found;
}

Awaitable<Answer> login(Application& application, const Call& call) {
    const auto body = call.body({"user", "cookies"});
    const auto user = number_in(body, "user", 1, largest_number);
    const bool cookies = truth_in(body, "cookies").value_or(false);
    if (!user) refuse_as_bad("'user' must be a whole number");
    if (cookies) require_own_page(call.http);
    larder::Login order{.user_id = *user, .ip_address = call.address, .user_agent = std::string(call.http[http::field::user_agent])};
    auto beginning = application.service.login(std::move(order));
    const larder::Granted granted = co_await std::move(beginning);
    if (granted.error() == larder::errc::missing_relation) refuse(http::status::not_found, "not_found", "there is no such user");
    co_return granted_answer(granted, http::status::created, cookies, *user);
}

Awaitable<Answer> me(Application& application, const Call& call) {
    auto asking = caller(application, call, false);
    const Caller who = co_await std::move(asking);
    co_return json_answer(http::status::ok, {{"user", who.session.user_id()},
                                             {"handle", boost::uuids::to_string(who.session.handle())},
                                             {"source", name_of(who.session.source())},
                                             {"age_ms", std::chrono::floor<std::chrono::milliseconds>(who.session.age()).count()}});
}

Awaitable<Answer> refresh(Application& application, const Call& call) {
    auto presented = text_in(call.body({"refresh"}), "refresh");
    const bool by_cookie = !presented;
    if (by_cookie) {
        presented = cookie_in(call.http, refresh_cookie);
        if (!presented) throw Refusal(unauthorized({}, "the request has neither a refresh token nor the cookie larder_refresh"));
        require_own_page(call.http);
    }
    auto rotating = application.service.rotate(std::move(*presented));
    const larder::Granted granted = co_await std::move(rotating);
    if (granted.state() == larder::SessionState::reused) application.live.events.add("token_reused", fmt::format("a refresh token was presented again: {} ended", sessions_in_words(granted.ended())));
    co_return granted_answer(granted, http::status::ok, by_cookie);
}

Awaitable<Answer> elevate(Application& application, const Call& call) {
    call.body({});
    auto asking = caller(application, call, true);
    const Caller who = co_await std::move(asking);
    auto elevating = application.service.elevate(who.session.handle());
    const larder::Granted granted = co_await std::move(elevating);
    co_return granted_answer(granted, http::status::ok, who.by_cookie, who.session.user_id());
}

Awaitable<Answer> logout(Application& application, const Call& call) {
    call.body({});
    auto asking = caller(application, call, true);
    const Caller who = co_await std::move(asking);
    auto ending = application.service.revoke(who.session.handle());
    const larder::SessionsEnded ended = co_await std::move(ending);
    co_return without_cookies(ended_answer(ended), who.by_cookie);
}

Awaitable<Answer> list(Application& application, const Call& call) {
    auto asking = caller(application, call, false);
    const Caller who = co_await std::move(asking);
    auto listing = application.service.list(who.session.user_id());
    const larder::SessionList sessions = co_await std::move(listing);
    if (sessions.failed()) throw Refusal(unavailable(sessions.error()));
    json::array each;
    for (const auto& session : sessions)
        each.push_back({{"handle", boost::uuids::to_string(session.handle)},
                        {"address", session.ip_address},
                        {"user_agent", session.user_agent},
                        {"created_at_ms", milliseconds_of(session.created_at)},
                        {"last_seen_at_ms", milliseconds_of(session.last_seen_at)},
                        {"current", session.handle == who.session.handle()}});
    co_return json_answer(http::status::ok, {{"sessions", std::move(each)}});
}

larder::Uuid handle_in(std::string_view text) {
    constexpr std::size_t length = 36;
    try {
        if (text.size() == length) return boost::uuids::string_generator()(text.begin(), text.end());
    } catch (const std::exception&) {
        // Told of below.
    }
    refuse_as_bad("a handle is a UUID");
}

Awaitable<Answer> end_one(Application& application, const Call& call) {
    call.body({});
    const larder::Uuid handle = handle_in(call.named);
    auto asking = caller(application, call, true);
    const Caller who = co_await std::move(asking);
    const bool own = handle == who.session.handle();
    if (!own) {
        auto listing = application.service.list(who.session.user_id());
        const larder::SessionList sessions = co_await std::move(listing);
        if (sessions.failed()) throw Refusal(unavailable(sessions.error()));
        if (std::none_of(sessions.begin(), sessions.end(), [&](const auto& session) { return session.handle == handle; }))
            refuse(http::status::not_found, "not_found", "the caller has no active session of that handle");
    }
    auto ending = application.service.revoke(handle);
    const larder::SessionsEnded ended = co_await std::move(ending);
    co_return without_cookies(ended_answer(ended), who.by_cookie && own);
}

Awaitable<Answer> end_many(Application& application, const Call& call) {
    call.body({});
    const auto which = call.parameter("which");
    if (which != "others" && which != "all") refuse_as_bad("the query must say 'which=others' or 'which=all'");
    const bool all = which == "all";
    auto asking = caller(application, call, true);
    const Caller who = co_await std::move(asking);
    const auto user = who.session.user_id();
    auto ending = all ? application.service.revoke_all(user) : application.service.revoke_others(user, who.session.handle());
    const larder::SessionsEnded ended = co_await std::move(ending);
    if (ended) application.live.events.add("logged_out_everywhere", fmt::format("user {}: {} ended", user, sessions_in_words(ended.count())));
    co_return without_cookies(ended_answer(ended), who.by_cookie && all);
}

} // namespace

std::span<const Route> session_routes() {
    static constexpr Route routes[] = {
        {http::verb::post, "/login", login},         {http::verb::get, "/me", me},           {http::verb::post, "/refresh", refresh},
        {http::verb::post, "/elevate", elevate},     {http::verb::post, "/logout", logout},  {http::verb::get, "/sessions", list},
        {http::verb::delete_, "/sessions", end_many}, {http::verb::delete_, "/sessions/{}", end_one},
    };
    return routes;
}

} // namespace server
