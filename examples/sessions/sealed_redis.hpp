// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "sealed.hpp"
#include "service.hpp"

#include <larder/cache/sealed_redis.hpp>

namespace example {

/// What the Redis tier for sessions is made of, whose tokens nobody may read there. The program itself counts what is in Redis, once.
inline larder::SealedRedisConfig sealed_redis(const Surroundings& at) {
    larder::SealedRedisConfig config(larder::RedisConnection(at.io, *at.site.redis), session_codec());
    config.count_every = larder::Duration::zero();
    config.key_hash = at.hash;
    return config;
}

} // namespace example
