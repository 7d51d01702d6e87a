// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string_view>

namespace larder {
inline namespace v0 {
namespace testing {

/// A kind of fault that a simulated run may suffer.
enum class Fault : std::uint8_t {
    request_lost,      ///< A request never reaches its server.
    reply_lost,        ///< The server does it, but the answer is lost.
    request_late,      ///< The request is done after its caller gave up.
    request_doubled,   ///< The request is done twice.
    crash,             ///< A process dies, with all that it was doing.
    pause,             ///< A process stands still for longer than a fence lasts.
    cache_restart,     ///< The shared tier loses everything.
    cache_evict,       ///< The shared tier forgets one record.
    cache_rollback,    ///< The shared tier fails over to an older state.
    cache_full,        ///< The shared tier refuses a request for want of memory.
    feed_late,         ///< An invalidation arrives late.
    feed_dead,         ///< The connection that carries invalidations dies in silence.
    feed_lost,         ///< An invalidation is lost, while its connection lives.
    feed_reordered,    ///< An invalidation is overtaken by the next one.
    clock_step,        ///< The wall clock is stepped by an hour.
    commit_stall,      ///< A commit takes longer than a fence lasts.
    replica_lag,       ///< A replica of the database answers with an older row.
    waiter_cancelled,  ///< A caller stops waiting.
};
inline constexpr std::size_t fault_count = 18;

constexpr std::string_view name_of(Fault fault) noexcept {
    constexpr std::string_view names[fault_count] = {"request lost",   "reply lost", "request late", "request doubled", "crash",     "pause",          "cache restart", "cache evict",  "cache rollback",
                                                     "cache full",     "feed late",  "feed dead",    "feed lost",       "feed reordered", "clock step", "commit stall",  "replica lag",  "waiter cancelled"};
    return names[static_cast<std::size_t>(fault)];
}

/// Faults that strike the same part, for runs that suffer nothing else.
enum class FaultClass : std::uint8_t {
    none,     ///< No fault: only the order of steps varies.
    network,  ///< Requests and answers between processes and servers.
    process,  ///< Processes die, stand still, or callers give up.
    cache,    ///< The shared tier forgets, restarts, falls back or refuses.
    feed,     ///< The messages that tell in-process tiers what changed.
    database, ///< Commits stall, replicas lag.
    clock,    ///< The wall clock is stepped.
    all,      ///< Everything.
};
inline constexpr std::size_t fault_class_count = 8;

constexpr std::string_view name_of(FaultClass faults) noexcept {
    constexpr std::string_view names[fault_class_count] = {"none", "network", "process", "cache", "feed", "database", "clock", "all"};
    return names[static_cast<std::size_t>(faults)];
}

constexpr FaultClass class_of(Fault fault) noexcept {
    switch (fault) {
    case Fault::request_lost:
    case Fault::reply_lost:
    case Fault::request_late:
    case Fault::request_doubled: return FaultClass::network;
    case Fault::crash:
    case Fault::pause:
    case Fault::waiter_cancelled: return FaultClass::process;
    case Fault::cache_restart:
    case Fault::cache_evict:
    case Fault::cache_rollback:
    case Fault::cache_full: return FaultClass::cache;
    case Fault::feed_late:
    case Fault::feed_dead:
    case Fault::feed_lost:
    case Fault::feed_reordered: return FaultClass::feed;
    case Fault::commit_stall:
    case Fault::replica_lag: return FaultClass::database;
    case Fault::clock_step: return FaultClass::clock;
    }
    return FaultClass::all;
}

/// Which faults a run may suffer, how rare each is, and how often each was injected.
class Faults {
public:
    Faults() noexcept = default;
    static Faults all() noexcept { return of(FaultClass::all); }
    /// Those of one class.
    static Faults of(FaultClass kind) noexcept {
        Faults faults;
        for (std::size_t i = 0; i < fault_count; ++i) faults.allowed_[i] = kind == FaultClass::all || class_of(static_cast<Fault>(i)) == kind;
        return faults;
    }
    Faults& allow(Fault fault, bool allowed = true) noexcept {
        allowed_[static_cast<std::size_t>(fault)] = allowed;
        return *this;
    }
    /// How rare a fault is: once in so many messages, commits or loads; or, for what happens to a process or a server, once in so many
    /// runs. At least 1.
    Faults& once_in(Fault fault, std::uint32_t times) noexcept {
        rarity_[static_cast<std::size_t>(fault)] = times;
        return *this;
    }
    std::uint32_t rarity(Fault fault) const noexcept { return rarity_[static_cast<std::size_t>(fault)]; }
    bool allows(Fault fault) const noexcept { return allowed_[static_cast<std::size_t>(fault)]; }
    /// A fault was injected.
    void count(Fault fault) noexcept { ++injected_[static_cast<std::size_t>(fault)]; }
    std::uint64_t injected(Fault fault) const noexcept { return injected_[static_cast<std::size_t>(fault)]; }
    /// All that were injected.
    std::uint64_t injected() const noexcept { return std::accumulate(injected_.begin(), injected_.end(), std::uint64_t{0}); }
    /// Adds what another run suffered.
    void add(const Faults& other) noexcept {
        for (std::size_t i = 0; i < fault_count; ++i) injected_[i] += other.injected_[i];
    }

private:
    static constexpr std::array<std::uint32_t, fault_count> usual_rarity() noexcept {
        std::array<std::uint32_t, fault_count> rarity{};
        for (std::size_t i = 0; i < fault_count; ++i) rarity[i] = 40;
        for (const Fault planned : {Fault::crash, Fault::pause, Fault::cache_restart, Fault::cache_evict, Fault::cache_rollback, Fault::feed_dead, Fault::clock_step})
            rarity[static_cast<std::size_t>(planned)] = 3;
        // Few loads may go to a replica at all.
        rarity[static_cast<std::size_t>(Fault::replica_lag)] = 2;
        return rarity;
    }

    std::array<bool, fault_count> allowed_{};
    std::array<std::uint32_t, fault_count> rarity_ = usual_rarity();
    std::array<std::uint64_t, fault_count> injected_{};
};

} // namespace testing
} // namespace v0
} // namespace larder
