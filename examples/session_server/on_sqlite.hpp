// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "sqlite_options.hpp"
#include "store_service.hpp"

#include <larder/database/sqlite.hpp>

#include <memory>

namespace server {

template <class Policy>
std::unique_ptr<Service> on_sqlite(const Site& site) {
    using Made = StoreService<larder::Stack<larder::MemoryCache, larder::SqliteDatabase>, Policy>;
    larder::SqliteFile file(site.sqlite, sqlite_options(site, true));
    return std::make_unique<Made>(typename Made::Config{memory_tier, file}, larder::Options{.sole_writer = true}, site,
                                  typename Made::Means{.take_database_back = [file]() mutable { file.accept_foreign_writes(); }});
}

} // namespace server
