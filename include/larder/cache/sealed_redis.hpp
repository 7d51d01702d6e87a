// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/redis.hpp>
#include <larder/codec/aes_gcm.hpp>
#include <larder/codec/packed.hpp>

namespace larder {
inline namespace v0 {

/// The codec for production, with a cipher for secret fields.
using SealedPackedCodec = PackedCodec<AesGcm<>>;

/// What a `SealedRedisCache` is made from:
///
/// ```cpp
/// larder::SealedRedisConfig config(connection, larder::SealedPackedCodec(larder::AesGcm<>(key))); // a larder::SealKey
/// config.key_hash = larder::HashKey(secret);                                                      // where a key has a secret part
/// ```
using SealedRedisConfig = RedisCacheConfig<SealedPackedCodec>;

/// The Redis tier for entities with secret fields, which travel sealed with AES-256 in Galois/counter mode (`AesGcm`); all else is as in `RedisCache`.
template <class Entity, class Env>
class SealedRedisCache : public BasicRedisCache<Entity, Env, SealedPackedCodec> {
public:
    using BasicRedisCache<Entity, Env, SealedPackedCodec>::BasicRedisCache;
};

} // namespace v0
} // namespace larder
