// SPDX-License-Identifier: BSL-1.0
#include "make_services.hpp"
#include "plain_redis.hpp"
#include "sealed_redis.hpp"
#include "waiting_postgres.hpp"

#include <larder/database/postgres.hpp>

#include <memory>
#include <string_view>

namespace example {

std::unique_ptr<Service> make_on_redis_and_postgres(std::string_view code, const Surroundings& at) {
    using Backend = larder::Stack<larder::MemoryCache, larder::SealedRedisCache, larder::PostgresDatabase>;
    const larder::PostgresPool pool(at.io, {.conninfo = at.site.postgres});
    if (code == "original") return std::make_unique<Original<WaitingPostgres, PlainRedis>>(WaitingPostgres(larder::PostgresDatabase<larder::Session>(pool)), at.hash, at.io, *at.site.redis);
    return make_larder<Backend>(code, at, {}, memory_of_a_process, sealed_redis(at), pool);
}

} // namespace example
