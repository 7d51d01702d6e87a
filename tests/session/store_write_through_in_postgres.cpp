// SPDX-License-Identifier: BSL-1.0
#include "../postgres/server.hpp"
#include "store_kind.hpp"

#include <memory>
#include <string>

namespace {

/// A schema of its own on the server.
struct InPostgres {
    template <class Entity>
    using Database = larder::PostgresDatabase<Entity>;
    using Stack = larder::Stack<larder::MemoryCache, larder::PostgresDatabase>;

    explicit InPostgres(const std::string&) { larder::create_tables<larder::Session>(tables).value(); }

    std::unique_ptr<larder_tests::PostgresPlace> place = std::make_unique<larder_tests::PostgresPlace>();
    larder::PostgresPool tables = place->pool();
};

} // namespace

const session_tests::StoreKind session_tests::write_through_in_postgres = store_kind<larder::WriteThrough, InPostgres>("WriteThrough in PostgreSQL");
