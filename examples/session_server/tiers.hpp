// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "service.hpp"

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace server {

/// Where a tier stands.
struct TierState {
    std::string_view name;
    bool up;
    bool can_switch;
};

/// The tiers of the stack, which of them are there, and the means to take them away for a demonstration. Thread-safe.
class Tiers {
public:
    /// Takes a tier away, or gives it back.
    using Switch = std::function<void(bool up)>;

    /// \param redis, database how to switch them; empty: they can not be switched.
    Tiers(Service& service, bool demo, Switch redis, Switch database);

    /// Each of them, nearest first. The database's state is as it was last seen.
    std::vector<TierState> states() const;
    /// Switches one. \returns its state; nothing if there is none of that name.
    std::optional<TierState> turn(std::string_view name, bool up);
    /// Asks the database for something small, and notes whether it answers.
    Awaitable<void> look();
    /// Notes how many queries have failed, so that `looks_ill` is known.
    void note_failed_queries(std::uint64_t failed);
    /// Whether there is reason to look: queries failed lately, or the database did not answer when it was last looked at.
    bool looks_ill() const { return ill_ || !database_up_; }

private:
    Service& service_;
    bool demo_;
    Switch switch_redis_, switch_database_;
    std::mutex switching_;
    std::atomic<bool> memory_up_{true};
    std::atomic<bool> database_up_{true};
    std::atomic<bool> ill_{false};
    std::atomic<std::uint64_t> failed_queries_{0};
};

} // namespace server
