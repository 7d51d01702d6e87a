// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace server {

/// What a client may take up.
struct Limits {
    std::uint64_t body = 65536;      ///< Bytes of a request's body,
    std::uint32_t header = 8192;     ///< and of all that precedes it.
    std::size_t connections = 10000; ///< At a time; those beyond are told so, and closed.
    /// How long a request may take to arrive, and its answer to be taken, each from its first byte; and what happens between.
    std::chrono::milliseconds request{5000};
    /// How long a connection is kept between two requests.
    std::chrono::milliseconds idle{60000};
};

} // namespace server
