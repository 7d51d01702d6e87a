// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../../tests/redis/server.hpp"
#include "../../tests/servers/private_postgres.hpp"
#include "note.hpp"

#include <larder/database/postgres.hpp>
#include <larder/database/postgres_schema.hpp>
#include <larder/error.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <string>

namespace bench {

/// How many notes there are in the databases, numbered from 1.
inline constexpr std::int64_t notes_stored = 100'000;

/// Private servers, and the one thread on which all connections to them run.
class Servers {
public:
    Servers() {
        const larder::PostgresPool pool(io_.executor(), postgres());
        larder::create_tables<Note>(pool).value();
        larder_tests::Stranger console(postgres_.conninfo());
        console.run("INSERT INTO notes (id, code, text, written_at, version) OVERRIDING SYSTEM VALUE SELECT n, 'a code of twenty-four, ' || n, repeat(chr(97 + (n % 26)::int), 120), "
                    "to_timestamp(1750000000 + n / 1000.0), 1 FROM generate_series(1, " +
                    std::to_string(notes_stored) + ") n; ANALYZE notes");
    }

    boost::asio::any_io_executor executor() { return io_.executor(); }
    larder::RedisOptions redis() const { return redis_.options(); }
    void empty_redis() const { redis_.command("FLUSHALL"); }
    /// What Redis's own client prints.
    std::string redis_says(const std::string& words) const { return redis_.command(words); }
    larder::PostgresOptions postgres() const {
        larder::PostgresOptions options;
        options.conninfo = postgres_.conninfo();
        return options;
    }

private:
    redis_tests::RedisServer redis_;
    larder_tests::PrivatePostgres postgres_;
    redis_tests::Io io_;
};

void add_redis_hits(Servers& servers);
void add_postgres_misses(Servers& servers);
void add_sqlite_misses();

} // namespace bench
