// SPDX-License-Identifier: BSL-1.0
//
// The Redis client, and the original's use of it, which the example keeps in a unit of its own.
#include "../../examples/sessions/plain_redis.cpp"

#include <larder/src.hpp>
