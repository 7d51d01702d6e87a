// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/verb.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

/// A server of sessions that has nothing but the table of them, and can be told to do one thing wrong.
namespace session_fleet {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace json = boost::json;

enum class Fault {
    none,
    accepts_ended,       ///< An access token is good for ever.
    is_late,             ///< What has ended is accepted for as long as it declares,
    is_later_than_said,  ///< or for longer.
    refuses_valid,       ///< Now and then a good token is refused.
    exchanges_twice,     ///< A refresh token that was exchanged is exchanged again.
    overlooks_theft,     ///< It is refused, but the family goes on, and nobody is told.
    says_reused_only,    ///< Or somebody is told, but the family goes on.
    calls_all_reused,    ///< A refresh token that nobody else has presented is called reused.
    ends_strangers,      ///< Anybody may end any session.
    lists_ended,         ///< Ended sessions stay in the list.
    lists_nothing,       ///< The list is empty.
    answers_for_another, ///< GET /me names another user.
    repeats_secrets,     ///< All logins get the same access token.
    ends_nothing,        ///< Logouts are acknowledged, and forgotten.
    talks_nonsense,      ///< Answers are no JSON now and then.
    loses_answers,       ///< Connections break now and then, before a request was carried out or after it. This is no fault in an answer.
};

class StandIn {
public:
    explicit StandIn(Fault fault) : fault_(fault), acceptor_(io_, {asio::ip::address_v4::loopback(), 0}) {
        asio::co_spawn(io_, accept(), asio::detached);
        thread_ = std::thread([this] { io_.run(); });
    }
    StandIn(const StandIn&) = delete;
    StandIn& operator=(const StandIn&) = delete;
    ~StandIn() {
        io_.stop();
        thread_.join();
    }

    std::string url() const { return fmt::format("http://127.0.0.1:{}", acceptor_.local_endpoint().port()); }

private:
    using Request = http::request<http::string_body>;
    using Response = http::response<http::string_body>;
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::milliseconds declared{40};
    static constexpr unsigned now_and_then = 60;

    struct Session {
        std::int64_t user = 0;
        std::string handle{}, family{}, access{}, refresh{};
        std::string ended{}; ///< Why; empty: it has not.
        Clock::time_point since{};
    };
    using Known = std::shared_ptr<Session>;

    asio::awaitable<void> accept() {
        for (;;) {
            auto socket = co_await acceptor_.async_accept(asio::use_awaitable);
            asio::co_spawn(io_, serve(std::move(socket)), asio::detached);
        }
    }

    asio::awaitable<void> serve(asio::ip::tcp::socket socket) {
        boost::beast::flat_buffer buffer;
        boost::system::error_code failure;
        auto token = asio::redirect_error(asio::use_awaitable, failure);
        for (;;) {
            Request request;
            auto read = http::async_read(socket, buffer, request, token);
            co_await std::move(read);
            if (failure) co_return;
            const unsigned turn = ++turn_;
            if (fault_ == Fault::loses_answers && turn % now_and_then == 0) co_return;
            Response response{http::status::ok, request.version()};
            response.body() = json::serialize(answer(request, response));
            if (fault_ == Fault::loses_answers && turn % now_and_then == now_and_then / 2) co_return;
            if (fault_ == Fault::talks_nonsense && turn % now_and_then == 0) response.body() = "what?";
            response.keep_alive(request.keep_alive());
            response.prepare_payload();
            auto write = http::async_write(socket, response, token);
            co_await std::move(write);
            if (failure || !request.keep_alive()) co_return;
        }
    }

    std::string secret() { return fmt::format("{:08x}-{}", ++made_, fault_ == Fault::none ? "whole" : "broken"); }

    json::object refuse(Response& response, unsigned status, std::string_view code, std::string_view state = {}, std::string_view why = {}) const {
        response.result(status);
        json::object error{{"code", code}, {"message", "no"}};
        if (!state.empty()) error["state"] = state;
        if (!why.empty()) error["why"] = why;
        if (state == "reused") error["effect"] = effect();
        return {{"error", std::move(error)}};
    }
    json::object effect() const {
        if (fault_ == Fault::is_late || fault_ == Fault::is_later_than_said) return {{"state", "pending"}, {"bound_ms", declared.count()}};
        return {{"state", "effective"}, {"bound_ms", 0}};
    }
    json::object give(Session& session, unsigned status, Response& response) {
        session.access = fault_ == Fault::repeats_secrets ? "the same" : secret();
        session.refresh = secret();
        response.result(status);
        return {{"user", session.user}, {"handle", session.handle}, {"access", session.access}, {"refresh", session.refresh}, {"access_expires_in_ms", 900'000}, {"expires_in_ms", 3'600'000}, {"effect", effect()}};
    }
    Known begin(std::int64_t user, std::string family) {
        auto session = std::make_shared<Session>();
        session->user = user;
        session->handle = secret();
        session->family = family.empty() ? session->handle : std::move(family);
        sessions_[session->handle] = session;
        return session;
    }

    /// Ends sessions. \returns how many.
    int end(std::string_view why, const std::function<bool(const Session&)>& which) {
        int count = 0;
        for (const auto& [handle, session] : sessions_) {
            if (!session->ended.empty() || !which(*session)) continue;
            ++count;
            if (fault_ == Fault::ends_nothing && why != "replaced") continue;
            session->ended = why;
            session->since = Clock::now();
        }
        return count;
    }

    /// The session of an access token, if that may be used.
    Known allowed(const Request& request) {
        std::string_view token = request[http::field::authorization];
        constexpr std::string_view scheme = "Bearer ";
        if (token.starts_with(scheme)) token.remove_prefix(scheme.size());
        const auto place = by_access_.find(std::string(token));
        if (place == by_access_.end()) return nullptr;
        const auto& [session, replaced] = place->second;
        if (fault_ == Fault::accepts_ended) return session;
        const auto held = fault_ == Fault::is_later_than_said ? 10 * declared : fault_ == Fault::is_late ? declared / 2 : std::chrono::milliseconds(0);
        const auto over = [&](Clock::time_point since) { return Clock::now() >= since + held; };
        if (!session->ended.empty() && over(session->since)) return nullptr;
        if (replaced != Clock::time_point{} && over(replaced)) return nullptr;
        if (fault_ == Fault::refuses_valid && turn_ % now_and_then == 0) return nullptr;
        return session;
    }

    json::object granted(const Known& session, unsigned status, Response& response) {
        if (const auto old = by_access_.find(session->access); old != by_access_.end()) old->second.second = Clock::now();
        auto body = give(*session, status, response);
        by_access_[session->access] = {session, {}};
        by_refresh_[session->refresh] = session;
        return body;
    }

    json::object refresh(const Request& request, Response& response) {
        const auto body = json::parse(request.body()).as_object();
        const std::string token(body.at("refresh").as_string());
        const auto place = by_refresh_.find(token);
        if (place == by_refresh_.end()) return refuse(response, 401, "unauthorized", "unknown");
        const Known session = place->second;
        const bool current = session->refresh == token && session->ended != "replaced";
        if (fault_ == Fault::exchanges_twice && session->ended.empty()) return granted(session, 200, response);
        if (fault_ == Fault::overlooks_theft && !current) return refuse(response, 401, "unauthorized", "unknown");
        if (!current || fault_ == Fault::calls_all_reused) {
            if (fault_ != Fault::says_reused_only) end("token_reused", [&](const Session& each) { return each.family == session->family; });
            return refuse(response, 401, "unauthorized", "reused");
        }
        if (!session->ended.empty()) return refuse(response, 401, "unauthorized", "revoked", session->ended);
        return granted(session, 200, response);
    }

    json::object list(const Session& own) const {
        json::array sessions;
        for (const auto& [handle, session] : sessions_)
            if (session->user == own.user && (session->ended.empty() || fault_ == Fault::lists_ended) && fault_ != Fault::lists_nothing)
                sessions.push_back(json::object{{"handle", handle}, {"current", handle == own.handle}});
        return {{"sessions", std::move(sessions)}};
    }

    json::object answer(const Request& request, Response& response) {
        const std::string target(request.target());
        if (target == "/live.json") return {{"now", json::object{{"staleness_bound_ms", 0}}}};
        if (target == "/login") return granted(begin(json::parse(request.body()).as_object().at("user").to_number<std::int64_t>(), {}), 201, response);
        if (target == "/refresh") return refresh(request, response);
        const Known own = allowed(request);
        if (!own) return refuse(response, 401, "unauthorized", "revoked");
        if (target == "/me") return {{"user", own->user + (fault_ == Fault::answers_for_another ? 1 : 0)}, {"handle", own->handle}, {"source", "memory"}, {"stale", false}};
        if (target == "/sessions" && request.method() == http::verb::get) return list(*own);
        if (target == "/elevate") {
            const Known fresh = begin(own->user, own->family);
            end("replaced", [&](const Session& each) { return each.handle == own->handle; });
            return granted(fresh, 200, response);
        }
        int count = 0;
        if (target == "/logout")
            count = end("logged_out", [&](const Session& each) { return each.handle == own->handle; });
        else if (target == "/sessions?which=all" || target == "/sessions?which=others")
            count = end("logged_out_everywhere", [&](const Session& each) { return each.user == own->user && (target.ends_with("all") || each.handle != own->handle); });
        else {
            const auto place = sessions_.find(target.substr(std::string_view("/sessions/").size()));
            if (place == sessions_.end() || (place->second->user != own->user && fault_ != Fault::ends_strangers)) return refuse(response, 404, "not_found");
            count = end("logged_out", [&](const Session& each) { return each.handle == place->second->handle; });
        }
        return {{"ended", count}, {"effect", effect()}};
    }

    Fault fault_;
    asio::io_context io_{1};
    asio::ip::tcp::acceptor acceptor_;
    std::map<std::string, Known> sessions_; ///< By handle.
    std::map<std::string, std::pair<Known, Clock::time_point>> by_access_; ///< And since when another has replaced the token.
    std::map<std::string, Known> by_refresh_;
    unsigned turn_ = 0, made_ = 0;
    std::thread thread_;
};

} // namespace session_fleet
