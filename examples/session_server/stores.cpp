// SPDX-License-Identifier: BSL-1.0
#include "stores.hpp"

#include "../sessions/conninfo.hpp"
#include "../sessions/postgres_console.hpp"
#include "../sessions/sqlite_statement.hpp"

#include <larder/database/postgres_schema.hpp>
#include <larder/database/sqlite_schema.hpp>
#include <larder/session/entities.hpp>

#include <boost/asio/io_context.hpp>
#include <fmt/format.h>

#include <cstdint>

namespace server {
namespace {

void prepare_sqlite(const std::string& path, std::int64_t users) {
    larder::create_tables<larder::Session>(larder::SqliteFile(path)).value();
    const auto database = example::open_sqlite(path);
    example::Statement(database.get(), "INSERT OR IGNORE INTO users (id, email, username, version) "
                                       "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?1) "
                                       "SELECT n, 'user' || n || '@example.org', 'user' || n, 1 FROM numbers")
        .bind(1, users)
        .run();
}

void prepare_postgres(const std::string& conninfo, std::int64_t users) {
    boost::asio::io_context unused;
    larder::create_tables<larder::Session>(larder::PostgresPool(unused.get_executor(), {.conninfo = conninfo})).value();
    example::PostgresConsole(conninfo).run(fmt::format("INSERT INTO users (id, email, username, version) OVERRIDING SYSTEM VALUE "
                                                       "SELECT n, 'user' || n || '@example.org', 'user' || n, 1 FROM generate_series(1, {}) AS n ON CONFLICT DO NOTHING",
                                                       users));
}

} // namespace

Stores::Stores(const Settings& settings) {
    if (settings.redis) {
        place_.redis = settings.redis_server;
        if (settings.own_redis) {
            redis_.emplace(folder_.file("redis"));
            place_.redis->port = redis_->port();
        }
    }
    if (settings.postgres) {
        if (settings.own_postgres) postgres_.emplace();
        place_.postgres = settings.postgres_server;
        if (postgres_) {
            example::Conninfo conninfo(postgres_->conninfo());
            conninfo.set("host", "127.0.0.1"); // Where it listens too: a way over TCP can be cut.
            place_.postgres = conninfo.text();
        }
        prepare_postgres(place_.postgres, settings.users);
    } else {
        place_.sqlite = settings.file.empty() ? folder_.file("sessions") : settings.file;
        prepare_sqlite(place_.sqlite, settings.users);
    }
}

} // namespace server
