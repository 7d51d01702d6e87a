// SPDX-License-Identifier: BSL-1.0
#include "credentials.hpp"
#include "live.hpp"
#include "routes.hpp"
#include "store_answers.hpp"
#include "tiers.hpp"
#include "tiers_json.hpp"
#include "traffic.hpp"

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>

#include <string>
#include <utility>

namespace server {
namespace {

/// Nobody but this server's own page, and programs that are told so, may press the buttons: no page from elsewhere, and none whose name was made to lead here.
void check(const Call& call) {
    require_own_page(call.http);
    std::string_view host = call.http[http::field::host];
    if (const auto colon = host.rfind(':'); colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) host = host.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    boost::system::error_code no_address;
    boost::asio::ip::make_address(std::string(host), no_address);
    if (no_address && host != "localhost") refuse(http::status::forbidden, "forbidden", "the demonstration is to be asked for by the server's address, not by a name");
}

Awaitable<Answer> traffic(Application& application, const Call& call) {
    check(call);
    const auto clients = number_in(call.body({"clients"}), "clients", 0, Traffic::most);
    if (!clients) refuse_as_bad("'clients' must be a whole number");
    application.traffic.set(static_cast<std::size_t>(*clients));
    application.live.events.add("traffic", *clients == 0 ? std::string("the demonstration's traffic ends") : fmt::format("{} clients send the demonstration's traffic", *clients));
    co_return json_answer(http::status::ok, {{"clients", application.traffic.clients()}});
}

Awaitable<Answer> log_out_everywhere(Application& application, const Call& call) {
    check(call);
    auto user = number_in(call.body({"user"}), "user", 1, largest_number);
    if (!user) user = application.service.usage.busiest.user();
    if (*user == 0) refuse(http::status::not_found, "not_found", "nobody has used a session lately");
    auto ending = application.service.revoke_all(*user);
    const larder::SessionsEnded ended = co_await std::move(ending);
    if (ended.failed()) co_return unavailable(ended.error());
    application.service.usage.busiest.forget(*user);
    application.live.events.add("logged_out_everywhere", fmt::format("user {}: {} ended", *user, sessions_in_words(ended.count())));
    auto body = ended_in_json(ended);
    body["user"] = *user;
    co_return json_answer(http::status::ok, body);
}

Awaitable<Answer> tier(Application& application, const Call& call) {
    check(call);
    const auto body = call.body({"tier", "up"});
    const auto name = text_in(body, "tier");
    const auto up = truth_in(body, "up");
    if (!name || !up) refuse_as_bad("'tier' and 'up' must be there");
    const auto state = application.tiers.turn(*name, *up);
    if (!state) refuse(http::status::not_found, "not_found", "the stack has no such tier");
    if (!state->can_switch) refuse(http::status::conflict, "refused", "this tier can not be switched");
    application.live.events.add(*up ? "tier_back" : "tier_away", fmt::format("{} is {}", state->name, *up ? "back" : "taken away"));
    co_return json_answer(http::status::ok, in_json(*state));
}

} // namespace

std::span<const Route> demo_routes() {
    static constexpr Route routes[] = {
        {http::verb::post, "/demo/traffic", traffic, true},
        {http::verb::post, "/demo/logout-everywhere", log_out_everywhere, true},
        {http::verb::post, "/demo/tier", tier, true},
    };
    return routes;
}

} // namespace server
