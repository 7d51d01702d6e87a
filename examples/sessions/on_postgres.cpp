// SPDX-License-Identifier: BSL-1.0
#include "make_services.hpp"
#include "plain_cache.hpp"
#include "waiting_postgres.hpp"

#include <larder/database/postgres.hpp>

#include <memory>
#include <string_view>

namespace example {

std::unique_ptr<Service> make_on_postgres(std::string_view code, const Surroundings& at) {
    using Backend = larder::Stack<larder::MemoryCache, larder::PostgresDatabase>;
    const larder::PostgresPool pool(at.io, {.conninfo = at.site.postgres});
    if (code == "original") return std::make_unique<Original<WaitingPostgres, PlainCache>>(WaitingPostgres(larder::PostgresDatabase<larder::Session>(pool)), at.hash);
    return make_larder<Backend>(code, at, {.sole_writer = true}, memory_of_a_process, pool);
}

} // namespace example
