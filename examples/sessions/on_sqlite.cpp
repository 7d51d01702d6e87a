// SPDX-License-Identifier: BSL-1.0
#include "make_services.hpp"
#include "plain_cache.hpp"

#include <larder/database/sqlite.hpp>

#include <memory>
#include <string_view>

namespace example {

std::unique_ptr<Service> make_on_sqlite(std::string_view code, const Surroundings& at) {
    using Backend = larder::Stack<larder::MemoryCache, larder::SqliteDatabase>;
    using Database = larder::SqliteDatabase<larder::Session>;
    const larder::SqliteFile file(at.site.sqlite, {.sole_writer = true});
    if (code == "original") return std::make_unique<Original<Database, PlainCache>>(Database(file), at.hash);
    return make_larder<Backend>(code, at, {.sole_writer = true}, memory_of_a_process, file);
}

} // namespace example
