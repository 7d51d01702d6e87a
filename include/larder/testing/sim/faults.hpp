// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
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
    clock_step,        ///< The wall clock is stepped.
    commit_stall,      ///< A commit takes longer than a fence lasts.
    waiter_cancelled,  ///< A caller stops waiting.
};
inline constexpr std::size_t fault_count = 15;

constexpr std::string_view name_of(Fault fault) noexcept {
    constexpr std::string_view names[] = {"request lost",   "reply lost",     "request late", "request doubled", "crash",      "pause",        "cache restart",   "cache evict",
                                          "cache rollback", "cache full",     "feed late",    "feed dead",       "clock step", "commit stall", "waiter cancelled"};
    return names[static_cast<std::size_t>(fault)];
}

/// Which faults a run may suffer, and how often each was injected.
class Faults {
public:
    Faults() noexcept = default;
    static Faults all() noexcept {
        Faults faults;
        faults.allowed_.fill(true);
        return faults;
    }
    Faults& allow(Fault fault, bool allowed = true) noexcept {
        allowed_[static_cast<std::size_t>(fault)] = allowed;
        return *this;
    }
    bool allows(Fault fault) const noexcept { return allowed_[static_cast<std::size_t>(fault)]; }
    /// A fault was injected.
    void count(Fault fault) noexcept { ++injected_[static_cast<std::size_t>(fault)]; }
    std::uint64_t injected(Fault fault) const noexcept { return injected_[static_cast<std::size_t>(fault)]; }
    /// Adds what another run suffered.
    void add(const Faults& other) noexcept {
        for (std::size_t i = 0; i < fault_count; ++i) injected_[i] += other.injected_[i];
    }

private:
    std::array<bool, fault_count> allowed_{};
    std::array<std::uint64_t, fault_count> injected_{};
};

} // namespace testing
} // namespace v0
} // namespace larder
