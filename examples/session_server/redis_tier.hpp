// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "site.hpp"

#include <larder/cache/sealed_redis.hpp>

namespace server {

/// What the Redis tier for sessions is made of, whose tokens nobody may read there.
inline larder::SealedRedisConfig redis_tier(const larder::RedisConnection& connection, const Site& site) {
    larder::SealedRedisConfig config(connection, larder::SealedPackedCodec(larder::AesGcm(site.secrets.seal_key())));
    config.key_hash = site.secrets.redis_keys();
    return config;
}

} // namespace server
