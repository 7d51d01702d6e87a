// SPDX-License-Identifier: BSL-1.0
#include "tiers.hpp"

#include <algorithm>
#include <utility>

namespace server {

Tiers::Tiers(Service& service, bool demo, Switch redis, Switch database) : service_(service), demo_(demo), switch_redis_(std::move(redis)), switch_database_(std::move(database)) {}

std::vector<TierState> Tiers::states() const {
    std::vector<TierState> states{{"memory", memory_up_, demo_}};
    if (const auto redis = service_.redis()) states.push_back({"redis", redis->connected, demo_ && switch_redis_});
    states.push_back({"database", database_up_, demo_ && switch_database_});
    return states;
}

std::optional<TierState> Tiers::turn(std::string_view name, bool up) {
    const std::scoped_lock lock(switching_);
    auto tiers = states();
    const auto tier = std::find_if(tiers.begin(), tiers.end(), [&](const TierState& each) { return each.name == name; });
    if (tier == tiers.end()) return std::nullopt;
    if (!tier->can_switch) return *tier;
    if (name == "memory") {
        service_.read_memory(up);
        memory_up_ = up;
    } else if (name == "redis") {
        switch_redis_(up);
    } else {
        switch_database_(up);
        if (up)
            service_.take_database_back();
        else
            database_up_ = false;
        ill_ = true;
    }
    tier->up = up;
    return *tier;
}

Awaitable<void> Tiers::look() {
    constexpr std::int64_t nobody = 0;
    auto asking = service_.list(nobody);
    const larder::SessionList found = co_await std::move(asking);
    database_up_ = !found.failed();
    ill_ = found.failed();
}

void Tiers::note_failed_queries(std::uint64_t failed) {
    if (failed_queries_.exchange(failed) != failed) ill_ = true;
}

} // namespace server
