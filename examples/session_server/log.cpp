// SPDX-License-Identifier: BSL-1.0
#include "log.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <mutex>
#include <string>
#include <utility>

namespace server {

void say(std::string_view text) noexcept {
    try {
        const std::string line = fmt::format("session_server: {}\n", text);
        [[maybe_unused]] const auto heard = std::fwrite(line.data(), 1, line.size(), stderr);
    } catch (const std::exception&) {
        // There is no memory to say it with.
    }
}

void log(std::string_view text) noexcept try {
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
    if (more == 0)
        say(text);
    else
        say(fmt::format("{} (and {} more failures before)", text, more));
} catch (const std::exception&) {
    // As above.
}

} // namespace server
