// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace chaos {

/// What is done to whom.
enum class Fault : std::uint8_t {
    redis_kill,      ///< SIGKILL; it comes back empty.
    redis_back,      ///< SIGKILL; it comes back with a dump of some time before.
    redis_pause,     ///< SIGSTOP, for less than a fence.
    redis_long_pause,///< SIGSTOP, for longer than a fence.
    redis_reset,     ///< Its connections are cut.
    redis_flush,     ///< FLUSHALL.
    redis_full,      ///< It has no memory left for a while.
    postgres_kill,   ///< SIGKILL, and back.
    postgres_quit,   ///< An immediate stop, and back.
    postgres_pause,
    postgres_long_pause,
    postgres_reset,
    client_kill,     ///< SIGKILL; another one is started.
    client_pause,
    client_long_pause,
    way_swallows,    ///< A client's connections to Redis, that of tracking included, stay up, but nothing gets through.
    way_deaf,        ///< Redis hears the client, but is not heard.
};
inline constexpr std::array<std::string_view, 17> fault_names{"redis-kill",    "redis-back",     "redis-pause",         "redis-long-pause", "redis-reset", "redis-flush",  "redis-full",        "postgres-kill", "postgres-quit",
                                                              "postgres-pause", "postgres-long-pause", "postgres-reset",   "client-kill", "client-pause", "client-long-pause", "way-swallows",  "way-deaf"};
inline constexpr std::size_t fault_count = fault_names.size();
constexpr std::string_view name_of(Fault fault) noexcept { return fault_names[static_cast<std::size_t>(fault)]; }

/// A fault that happened.
struct Happened {
    Fault fault = Fault::redis_kill;
    std::size_t victim = 0; ///< The client, where it is one.
    std::int64_t began = 0, ended = 0;
    bool alone = true;      ///< No other one was under way meanwhile.
};

} // namespace chaos
