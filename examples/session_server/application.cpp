// SPDX-License-Identifier: BSL-1.0
#include "application.hpp"

#include "log.hpp"
#include "routes.hpp"

#include <fmt/format.h>

#include <exception>
#include <optional>
#include <string>

namespace server {
namespace {

/// What a path has in the place of "{}"; an empty text if the route's has none; nothing if the path is another.
std::optional<std::string_view> match(std::string_view route, std::string_view path) {
    const auto hole = route.find("{}");
    if (hole == std::string_view::npos) return route == path ? std::optional(std::string_view()) : std::nullopt;
    if (!path.starts_with(route.substr(0, hole))) return std::nullopt;
    const auto named = path.substr(hole);
    if (named.empty() || named.find('/') != std::string_view::npos) return std::nullopt;
    return named;
}

struct Choice {
    const Route* route = nullptr;
    std::string allowed{}; ///< The methods that the path knows.
};

Choice choose(Call& call, bool demo) {
    // HEAD is GET without the body.
    const auto method = call.http.method() == http::verb::head ? http::verb::get : call.http.method();
    Choice choice;
    for (const auto& routes : {session_routes(), page_routes(), watching_routes(), demo_routes()})
        for (const auto& route : routes) {
            if (route.demo && !demo) continue;
            const auto named = match(route.path, call.path);
            if (!named) continue;
            if (!choice.allowed.empty()) choice.allowed += ", ";
            choice.allowed += http::to_string(route.method);
            if (route.method == http::verb::get) choice.allowed += ", HEAD";
            if (route.method != method) continue;
            call.named = *named;
            choice.route = &route;
        }
    return choice;
}

Awaitable<Answer> answer_or_throw(Application& application, const HttpRequest& request, const std::string& address) {
    Call call(request, address);
    const Choice choice = choose(call, application.demo);
    if (choice.route) {
        auto answering = choice.route->answer(application, call);
        co_return co_await std::move(answering);
    }
    if (choice.allowed.empty()) refuse(http::status::not_found, "not_found", "there is nothing at this path");
    Answer answer = error_answer(http::status::method_not_allowed, "method_not_allowed", fmt::format("this path knows {} only", choice.allowed));
    answer.fields.emplace_back("Allow", choice.allowed);
    co_return answer;
}

} // namespace

Awaitable<Answer> Application::answer(const HttpRequest& request, const std::string& address) {
    try {
        auto answering = answer_or_throw(*this, request, address);
        co_return co_await std::move(answering);
    } catch (const Refusal& refusal) {
        co_return refusal.answer();
    } catch (const std::exception& failed) {
        log(fmt::format("a request failed: {}", failed.what()));
    }
    co_return error_answer(http::status::internal_server_error, "internal", "the request failed");
}

} // namespace server
