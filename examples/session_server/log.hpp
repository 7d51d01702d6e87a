// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string_view>

namespace server {

/// Says on the standard error stream what failed, at most a few times a second: what goes wrong with a store goes wrong with many requests. \param text names no secret. Thread-safe.
void log(std::string_view text);

} // namespace server
