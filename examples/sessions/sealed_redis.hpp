// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "sealed.hpp"
#include "service.hpp"

#include <larder/cache/redis.hpp>
#include <larder/codec/aes_gcm.hpp>
#include <larder/codec/packed.hpp>

namespace example {

/// The Redis tier for sessions, whose tokens nobody may read there.
template <class Entity, class Env>
class SealedRedis : public larder::BasicRedisCache<Entity, Env, larder::PackedCodec<larder::AesGcm<>>> {
public:
    using larder::BasicRedisCache<Entity, Env, larder::PackedCodec<larder::AesGcm<>>>::BasicRedisCache;
};

/// What it is made of. The program itself counts what is in Redis, once.
inline larder::RedisCacheConfig<larder::PackedCodec<larder::AesGcm<>>> sealed_redis(const Surroundings& at) {
    larder::RedisCacheConfig<larder::PackedCodec<larder::AesGcm<>>> config(larder::RedisConnection(at.io, *at.site.redis), session_codec());
    config.count_every = larder::Duration::zero();
    config.key_hash = at.hash;
    return config;
}

} // namespace example
