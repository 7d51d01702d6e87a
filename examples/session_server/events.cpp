// SPDX-License-Identifier: BSL-1.0
#include "events.hpp"

#include <boost/json/object.hpp>
#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace server {

void Events::add(std::string_view kind, std::string text) {
    const std::scoped_lock lock(mutex_);
    put(kind, std::move(text));
}

void Events::add_some(std::string_view kind, std::string text) {
    const std::scoped_lock lock(mutex_);
    auto flow = flows_.find(kind);
    if (flow == flows_.end()) flow = flows_.emplace(kind, Throttle(2)).first;
    const auto more = flow->second.pass();
    if (!more) return;
    if (*more != 0) text += fmt::format(" ({} more of these before)", *more);
    put(kind, std::move(text));
}

void Events::put(std::string_view kind, std::string text) {
    const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    events_.push_front({++last_id_, now.time_since_epoch().count(), std::string(kind), std::move(text)});
    if (events_.size() > kept) events_.pop_back();
}

boost::json::array Events::newest() const {
    boost::json::array array;
    const std::scoped_lock lock(mutex_);
    for (const auto& event : events_) array.push_back({{"id", event.id}, {"at_ms", event.at}, {"kind", event.kind}, {"text", event.text}});
    return array;
}

} // namespace server
