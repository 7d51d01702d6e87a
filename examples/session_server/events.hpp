// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "throttle.hpp"

#include <boost/json/array.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace server {

/// The latest of what happened, for people. Thread-safe.
class Events {
public:
    /// Adds one. \param text names no secret.
    void add(std::string_view kind, std::string text);
    /// The same for what may happen often: beyond a few of a kind in a second it only counts them, and the next one tells how many there were.
    void add_some(std::string_view kind, std::string text);
    /// The newest, the newest first.
    boost::json::array newest() const;

private:
    static constexpr std::size_t kept = 50;

    struct Event {
        std::uint64_t id;
        std::int64_t at;
        std::string kind;
        std::string text;
    };

    void put(std::string_view kind, std::string text);

    mutable std::mutex mutex_;
    std::deque<Event> events_;
    std::map<std::string, Throttle, std::less<>> flows_; ///< By kind.
    std::uint64_t last_id_ = 0;
};

} // namespace server
