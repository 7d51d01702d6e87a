// SPDX-License-Identifier: BSL-1.0
#include "allocations.hpp"

#include "../../tests/counting_new.hpp"

#include <malloc.h>

std::size_t bench::allocations() noexcept { return counting_new::made; }

std::size_t bench::heap_bytes() noexcept {
    const auto heap = ::mallinfo2();
    return heap.uordblks + heap.hblkhd;
}
