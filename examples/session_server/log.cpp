// SPDX-License-Identifier: BSL-1.0
#include "log.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <string>
#include <utility>

namespace server {

void log(std::string_view text) {
    using Clock = std::chrono::steady_clock;
    constexpr unsigned most = 5;
    static std::mutex mutex;
    static Clock::time_point since;
    static unsigned told = 0;
    static std::uint64_t held_back = 0;
    const std::scoped_lock lock(mutex);
    if (const auto now = Clock::now(); now - since >= std::chrono::seconds(1)) {
        since = now;
        told = 0;
    }
    if (told == most) {
        ++held_back;
        return;
    }
    ++told;
    const auto more = std::exchange(held_back, 0);
    fmt::print(stderr, "session_server: {}{}\n", text, more == 0 ? std::string() : fmt::format(" (and {} more failures before)", more));
}

} // namespace server
