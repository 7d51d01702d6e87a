// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "redis_tier.hpp"
#include "sqlite_options.hpp"
#include "store_service.hpp"

#include <larder/database/sqlite.hpp>

#include <memory>

namespace server {

template <class Policy>
std::unique_ptr<Service> on_redis_and_sqlite(const Site& site) {
    using Made = StoreService<larder::Stack<larder::MemoryCache, larder::SealedRedisCache, larder::SqliteDatabase>, Policy>;
    const larder::RedisConnection redis(site.io, *site.redis);
    const larder::SqliteFile file(site.sqlite, sqlite_options(site, false));
    return std::make_unique<Made>(typename Made::Config{memory_tier, redis_tier(redis, site), file}, larder::Options{}, site, typename Made::Means{.bound = site.redis->near_delta, .redis = redis});
}

} // namespace server
