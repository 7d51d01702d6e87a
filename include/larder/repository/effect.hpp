// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

namespace larder {
inline namespace v0 {

/// Whether a write may return while copies of the old row may still be served.
enum class Effect : std::uint8_t {
    may_be_pending, ///< The write returns once it has committed, and says for how long it may be pending.
    required,       ///< The write is not made if it cannot become effective, and returns once it is.
};

} // namespace v0
} // namespace larder
