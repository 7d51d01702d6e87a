// SPDX-License-Identifier: BSL-1.0
#include "allocations.hpp"
#include "../counting_new.hpp"

std::size_t allocations() noexcept { return counting_new::made; }
