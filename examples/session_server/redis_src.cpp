// SPDX-License-Identifier: BSL-1.0
#include <larder/cache/redis_connection.hpp>

#include <larder/src.hpp>
