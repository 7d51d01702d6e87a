// SPDX-License-Identifier: BSL-1.0
#include "log.hpp"

#include "throttle.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <mutex>
#include <string>

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
    static std::mutex mutex;
    static Throttle throttle(5);
    const std::scoped_lock lock(mutex);
    const auto more = throttle.pass();
    if (!more) return;
    if (*more == 0)
        say(text);
    else
        say(fmt::format("{} (and {} more failures before)", text, *more));
} catch (const std::exception&) {
    // As above.
}

} // namespace server
