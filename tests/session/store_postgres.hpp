// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../postgres/server.hpp"
#include "store_kind.hpp"

#include <memory>
#include <string>

namespace session_tests {

/// A schema of its own on the program's PostgreSQL server.
struct InPostgres {
    template <class Entity>
    using Database = larder::PostgresDatabase<Entity>;
    using Stack = larder::Stack<larder::MemoryCache, larder::PostgresDatabase>;

    explicit InPostgres(const std::string&) { larder::create_tables<larder::Session>(tables).value(); }

    std::unique_ptr<larder_tests::PostgresPlace> place = std::make_unique<larder_tests::PostgresPlace>();
    larder::PostgresPool tables = place->pool();
};

} // namespace session_tests
