// SPDX-License-Identifier: BSL-1.0
#include "live.hpp"
#include "routes.hpp"
#include "tiers.hpp"
#include "tiers_json.hpp"
#include "traffic.hpp"

#include <larder/observe/prometheus.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <string>
#include <utility>

namespace server {
namespace {

namespace json = boost::json;

Awaitable<Answer> metrics(Application& application, const Call&) {
    Answer answer;
    answer.body = larder::prometheus(application.service.metrics(), {.labels = {{"entity", "Session"}, {"policy", std::string(application.service.policy())}}});
    answer.type = larder::prometheus_content_type;
    co_return answer;
}

Awaitable<Answer> health(Application& application, const Call&) {
    co_await application.tiers.look();
    json::array away;
    for (const auto& tier : application.tiers.states())
        if (!tier.up && tier.name != "memory") away.emplace_back(tier.name); // Without the memory tier it is slower, and no less healthy.
    if (away.empty()) co_return json_answer(http::status::ok, {{"status", "ok"}});
    co_return json_answer(http::status::service_unavailable, {{"status", "degraded"}, {"away", std::move(away)}});
}

Awaitable<Answer> live(Application& application, const Call&) {
    auto object = application.live.now();
    json::array tiers;
    for (const auto& tier : application.tiers.states()) tiers.push_back(in_json(tier));
    object["tiers"] = std::move(tiers);
    object["traffic"] = {{"clients", application.traffic.clients()}};
    co_return json_answer(http::status::ok, object);
}

} // namespace

std::span<const Route> watching_routes() {
    static constexpr Route routes[] = {
        {http::verb::get, "/metrics", metrics},
        {http::verb::get, "/healthz", health},
        {http::verb::get, "/live.json", live},
    };
    return routes;
}

} // namespace server
