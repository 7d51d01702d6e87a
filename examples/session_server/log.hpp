// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string_view>

namespace server {

/// Says something on the standard error stream, if somebody hears it; if not, nothing else comes of that. \param text names no secret. Thread-safe.
void say(std::string_view text) noexcept;

/// Says what failed, at most a few times a second: what goes wrong with a store goes wrong with many requests. \param text names no secret. Thread-safe.
void log(std::string_view text) noexcept;

} // namespace server
