// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "postgres_options.hpp"
#include "store_service.hpp"

#include <larder/database/postgres.hpp>

#include <memory>

namespace server {

template <class Policy>
std::unique_ptr<Service> on_postgres(const Site& site) {
    using Made = StoreService<larder::Stack<larder::MemoryCache, larder::PostgresDatabase>, Policy>;
    const larder::PostgresPool pool(site.io, postgres_options(site));
    return std::make_unique<Made>(typename Made::Config{memory_tier, pool}, larder::Options{.sole_writer = true}, site);
}

} // namespace server
