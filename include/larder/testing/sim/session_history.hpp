// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/entity/hashed.hpp>
#include <larder/entity/value.hpp>
#include <larder/session/entities.hpp>
#include <larder/session/store_events.hpp>
#include <larder/session/store_options.hpp>
#include <larder/session/store_results.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {

/// A state of a session that the database committed. States that one transaction committed have the same step.
struct SessionCommit {
    std::uint64_t step = 0;
    SteadyTime at{};
    Uuid handle{};
    std::optional<Session> row{}; ///< Nothing: it was erased.
};

/// What a client asks of a session store.
enum class SessionVerb : std::uint8_t { login, authenticate, rotate, elevate, revoke, revoke_family, revoke_others, revoke_all, revoke_before, revoke_all_before, list, expire };

/// What a store granted, as what is kept of it.
struct SessionGrant {
    Uuid handle{};
    std::string access{};
    Hashed<std::string> refresh{};
    bool repeated = false;
};

/// A call of a session store as its client saw it.
struct SessionCall {
    SessionVerb verb{};
    std::string who{};
    std::int64_t user = 0;
    Uuid handle{};                          ///< The one asked for; with `revoke_others` the one that is kept.
    std::optional<std::string> access{};    ///< What is kept of the access token that was presented, if it was one.
    Hashed<std::string> refresh{};          ///< What is kept of the refresh token that was presented.
    std::optional<std::string> data{};
    TimePoint before{};
    bool insists = false;                   ///< That it is effective when it is answered.
    std::uint64_t invoked = 0, returned = 0;
    SteadyTime invoked_at{}, returned_at{};
    std::size_t first_line = 0, last_line = 0; ///< Where the run's trace tells of it, if one is kept.
    bool answered = false;                  ///< False: its process died, at `returned`, or the run ended.
    bool failed = false;
    SessionStanding standing{};
    SessionGrant grant{};                   ///< Of what is active; of an authentication the handle alone.
    TimePoint created_at{}, access_expires_at{}, expires_at{}; ///< Of what an authentication found active.
    std::size_t count = 0;                  ///< How many were ended.
    std::size_t erased = 0;
    bool more = false;
    Duration pending{};
    std::vector<SessionInfo> listed{};
};

/// An end that a store told of.
struct SessionEndTold {
    std::uint64_t step = 0;
    SessionEnded end{};
};

/// The wall clock of a run: what it may have shown in a span of time, its steps included.
class WallHistory {
public:
    WallHistory() = default;
    /// \param off by how much the wall clock is ahead of the steady one. \param steps when it was stepped, and how far it was off from there.
    WallHistory(Duration off, std::vector<std::pair<SteadyTime, Duration>> steps) : off_(off), steps_(std::move(steps)) {}

    /// The earliest and the latest that it showed.
    std::pair<TimePoint, TimePoint> range(SteadyTime from, SteadyTime to) const {
        std::pair<TimePoint, TimePoint> seen{TimePoint::max(), TimePoint::min()};
        SteadyTime begin = SteadyTime::min();
        Duration step{};
        for (std::size_t i = 0; i <= steps_.size(); ++i) {
            const SteadyTime end = i < steps_.size() ? steps_[i].first : SteadyTime::max();
            if (begin <= to && end >= from) {
                seen.first = std::min(seen.first, wall(std::max(begin, from), step));
                seen.second = std::max(seen.second, wall(std::min(end, to), step));
            }
            if (i < steps_.size()) {
                begin = end;
                step = steps_[i].second;
            }
        }
        return seen;
    }

private:
    TimePoint wall(SteadyTime moment, Duration step) const { return TimePoint(std::chrono::floor<TimePoint::duration>(moment.time_since_epoch() + off_ + step)); }

    Duration off_{};
    std::vector<std::pair<SteadyTime, Duration>> steps_;
};

/// What happened to session stores in a run as seen from outside: commits at the database, answers, and what was told of ends; each in order.
struct SessionHistory {
    std::vector<SessionCommit> commits;
    std::vector<SessionCall> calls;
    std::vector<SessionEndTold> told;
    WallHistory wall;
    bool faultless = false; ///< No fault struck, and every call was answered.
};

/// What a session history is judged by.
struct SessionPromises {
    SessionStoreOptions rules;
    Duration touch_interval{};
    bool current = false;  ///< Whether an answer is held to all that was committed before it was asked for, acknowledged or not.
    Duration slack{};      ///< What is added to every bound.
};

} // namespace testing
} // namespace v0
} // namespace larder
