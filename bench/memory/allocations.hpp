// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

namespace bench {

/// How often the calling thread has allocated.
std::size_t allocations() noexcept;

/// The bytes that the heap has given out and not got back. Those of the main thread's allocations alone.
std::size_t heap_bytes() noexcept;

} // namespace bench
