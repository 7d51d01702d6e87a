// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

namespace repository_tests {

/// The number of allocations through `operator new` that the calling thread has made.
std::size_t allocations() noexcept;

} // namespace repository_tests
