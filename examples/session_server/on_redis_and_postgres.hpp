// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "postgres_options.hpp"
#include "redis_tier.hpp"
#include "store_service.hpp"

#include <larder/database/postgres.hpp>

#include <memory>

namespace server {

template <class Policy>
std::unique_ptr<Service> on_redis_and_postgres(const Site& site) {
    using Made = StoreService<larder::Stack<larder::MemoryCache, larder::SealedRedisCache, larder::PostgresDatabase>, Policy>;
    const larder::RedisConnection redis(site.io, *site.redis);
    const larder::PostgresPool pool(site.io, postgres_options(site));
    return std::make_unique<Made>(typename Made::Config{memory_tier, redis_tier(redis, site), pool}, larder::Options{}, site, typename Made::Means{.bound = site.redis->near_delta, .redis = redis});
}

} // namespace server
