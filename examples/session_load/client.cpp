// SPDX-License-Identifier: BSL-1.0
#include "client.hpp"

#include "reading.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/verb.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <string>
#include <utility>

namespace load {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

constexpr auto patience = std::chrono::seconds(10);
constexpr auto leave_alone = std::chrono::milliseconds(50);

bool takes_cookies(const Options& options, std::size_t number) { return options.cookies && (!options.bearer || number % 2 == 0); }

} // namespace

Client::Client(Run& run, std::size_t number)
    : run_(run), random_(run.options.seed * 1'000'003 + number), in_cookies_(takes_cookies(run.options, number)), wires_(run.options.servers.size()), away_until_(run.options.servers.size()) {}

std::unique_ptr<Wire> Client::take_wire(std::size_t server) {
    auto& free = wires_[server];
    if (free.empty()) return std::make_unique<Wire>(run_.executor, run_.options.servers[server], patience);
    auto wire = std::move(free.back());
    free.pop_back();
    return wire;
}

Request Client::request(Kind kind, std::shared_ptr<Grant> grant) const {
    Request request;
    request.kind = kind;
    request.user = grant ? grant->session->user : user_;
    request.grant = std::move(grant);
    return request;
}

Wire::Message Client::message_of(const Request& request) const {
    static constexpr std::pair<http::verb, const char*> lines[kind_count] = {{http::verb::post, "/login"},  {http::verb::get, "/me"},        {http::verb::post, "/refresh"},   {http::verb::post, "/elevate"},
                                                                            {http::verb::get, "/sessions"}, {http::verb::post, "/logout"},   {http::verb::delete_, "/sessions/"}, {http::verb::delete_, "/sessions/"},
                                                                            {http::verb::delete_, "/sessions?which=others"}, {http::verb::delete_, "/sessions?which=all"}};
    const auto& [verb, place] = lines[static_cast<std::size_t>(request.kind)];
    Wire::Message message(verb, place + (request.target ? request.target->handle : std::string()), 11);
    if (request.kind == Kind::login) {
        message.body() = fmt::format(R"({{"user":{},"cookies":{}}})", request.user, in_cookies_);
    } else if (request.kind == Kind::refresh) {
        if (in_cookies_)
            message.set(http::field::cookie, "larder_refresh=" + request.grant->refresh);
        else
            message.body() = fmt::format(R"({{"refresh":"{}"}})", request.grant->refresh);
    } else if (in_cookies_) {
        message.set(http::field::cookie, "larder_access=" + request.grant->access);
    } else {
        message.set(http::field::authorization, "Bearer " + request.grant->access);
    }
    if (in_cookies_) message.set("X-Larder", "1");
    if (!message.body().empty()) message.set(http::field::content_type, "application/json");
    return message;
}

asio::awaitable<void> Client::pause(Span span) {
    const Moment end = run_.began + std::chrono::duration_cast<Span>(std::chrono::duration<double>(run_.options.seconds));
    asio::steady_timer timer(run_.executor);
    timer.expires_at(std::min(std::chrono::steady_clock::now() + span, std::max(end, std::chrono::steady_clock::now())));
    boost::system::error_code ignored;
    auto token = asio::redirect_error(asio::use_awaitable, ignored);
    auto wait = timer.async_wait(token);
    co_await std::move(wait);
}

asio::awaitable<Heard> Client::ask(Request request, bool after_the_end) {
    Heard heard;
    const std::size_t count = wires_.size();
    for (;;) {
        const std::size_t first = below(count);
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t server = (first + i) % count;
            if (std::chrono::steady_clock::now() < away_until_[server]) continue;
            auto wire = take_wire(server);
            auto reaching = wire->reach();
            const bool reached = co_await std::move(reaching);
            if (!reached) {
                ++run_.tally.not_sent;
                run_.tally.trouble = wire->trouble();
                away_until_[server] = std::chrono::steady_clock::now() + leave_alone;
                continue;
            }
            request.server = wire->server().text();
            auto message = message_of(request);
            run_.judge.ask(request, std::chrono::steady_clock::now());
            auto exchange = wire->exchange(std::move(message));
            const Reply reply = co_await std::move(exchange);
            const Moment now = std::chrono::steady_clock::now();
            if (reply.trouble.empty()) {
                ++run_.tally.servers[request.server];
                heard.answer = read_answer(request.kind, reply.status, reply.body, reply.cookies, in_cookies_);
            } else {
                heard.answer.lost = true;
                heard.answer.trouble = reply.trouble;
            }
            heard.sent = true;
            heard.grant = run_.judge.hear(request, heard.answer, now);
            run_.tally.note(request.kind, heard.answer, now - request.asked);
            wires_[server].push_back(std::move(wire));
            heard.request = std::move(request);
            co_return heard;
        }
        if (run_.over() || after_the_end) {
            heard.request = std::move(request);
            co_return heard;
        }
        auto waiting = pause(leave_alone);
        co_await std::move(waiting);
    }
}

asio::awaitable<std::vector<Heard>> Client::ask_at_once(std::vector<Request> requests) {
    std::vector<Heard> all(requests.size());
    const auto one = [this, &requests, &all](std::size_t i) -> asio::awaitable<void> {
        auto asking = ask(requests[i]);
        all[i] = co_await std::move(asking);
    };
    using Operation = decltype(asio::co_spawn(run_.executor, one(0), asio::deferred));
    std::vector<Operation> operations;
    for (std::size_t i = 0; i < requests.size(); ++i) operations.push_back(asio::co_spawn(run_.executor, one(i), asio::deferred));
    auto group = asio::experimental::make_parallel_group(std::move(operations));
    auto waiting = group.async_wait(asio::experimental::wait_for_all(), asio::use_awaitable);
    const auto done = co_await std::move(waiting);
    for (const auto& failure : std::get<1>(done))
        if (failure) std::rethrow_exception(failure);
    co_return all;
}

} // namespace load
