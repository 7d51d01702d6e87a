// SPDX-License-Identifier: BSL-1.0
#include "make_services.hpp"
#include "plain_redis.hpp"
#include "sealed_redis.hpp"

#include <larder/database/sqlite.hpp>

#include <memory>
#include <string_view>

namespace example {

std::unique_ptr<Service> make_on_redis_and_sqlite(std::string_view code, const Surroundings& at) {
    using Backend = larder::Stack<larder::MemoryCache, larder::SealedRedisCache, larder::SqliteDatabase>;
    using Database = larder::SqliteDatabase<larder::Session>;
    const larder::SqliteFile file(at.site.sqlite);
    if (code == "original") return std::make_unique<Original<Database, PlainRedis>>(Database(file), at.hash, at.io, *at.site.redis);
    return make_larder<Backend>(code, at, {}, memory_of_a_process, sealed_redis(at), file);
}

} // namespace example
