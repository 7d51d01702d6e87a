// SPDX-License-Identifier: BSL-1.0
#include "../../examples/sessions/make_services.hpp"
#include "../../examples/sessions/plain_redis.hpp"
#include "../../examples/sessions/sealed_redis.hpp"
#include "../../examples/sessions/stores.hpp"
#include "../../examples/sessions/waiting_postgres.hpp"
#include "../../tests/redis/server.hpp"
#include "../../tests/servers/private_postgres.hpp"
#include "beginning.hpp"

#include <larder/cache/sealed_redis.hpp>
#include <larder/database/postgres.hpp>
#include <larder/larder.hpp>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace bench {
namespace {

/// Private servers, with a schema of the database for each code.
struct Servers {
    explicit Servers(const Beginning& beginning) : store(postgres.conninfo(), beginning.rows, beginning.hash) {}

    /// Where a code finds its rows.
    std::string rows_of(std::string_view code) {
        example::Site site;
        store.copy_for(code, site);
        return site.postgres;
    }
    /// A part of Redis that nobody used before.
    larder::RedisOptions emptiness() {
        auto options = redis.options();
        options.prefix = "service-" + std::to_string(++services);
        return options;
    }
    larder::PostgresPool pool(const std::string& rows) { return larder::PostgresPool(io.executor(), {.conninfo = rows}); }

    redis_tests::RedisServer redis;
    larder_tests::PrivatePostgres postgres;
    example::PostgresStore store;
    int services = 0;
    redis_tests::Io io{}; // ends first: it runs connections to the others
};

/// A connection whose requests are counted. Ends before what it is connected to, whoever lets go of it last.
struct Counted {
    explicit Counted(std::shared_ptr<Servers> its_servers) : servers(std::move(its_servers)), connection(servers->io.executor(), servers->emptiness()) {}

    std::shared_ptr<Servers> servers;
    larder::RedisConnection connection;
};

/// Gives a user ten thousand sessions, in place of those that they had.
void begin_many_sessions(const std::string& rows, std::int64_t user) {
    example::PostgresConsole(rows)
        .run(fmt::format("INSERT INTO users (id, email, username, version) OVERRIDING SYSTEM VALUE VALUES ({0}, 'many@example.org', 'many', 1) ON CONFLICT (id) DO NOTHING;"
                         "DELETE FROM sessions WHERE user_id = {0};"
                         "INSERT INTO sessions (id, user_id, refresh_token, jti, created_at, last_seen_at, access_expires_at, refresh_expires_at, ip_address, user_agent, version) "
                         "SELECT gen_random_uuid(), {0}, sha256(gen_random_uuid()::text::bytea), gen_random_uuid()::text, now(), now(), now() + interval '1 hour', now() + interval '1 day', "
                         "'192.0.2.1', 'one of many', 1 FROM generate_series(1, 10000)",
                         user));
}

/// Registers 'log out everywhere'. \param requests how many requests to Redis there were so far, or nothing if nobody counts them.
void add_log_out(const std::string& rows, const std::string& subject, const Make& make, const std::function<std::uint64_t()>& requests) {
    add(log_out, "Redis, PostgreSQL", subject, [=, made = std::make_shared<Made>(Made{make})](benchmark::State& state) {
        constexpr std::int64_t user = Beginning::users + 1;
        if (!made->service) made->service = made->make();
        auto& service = *made->service;
        std::uint64_t queries = 0, asked = 0;
        for (auto _ : state) {
            state.PauseTiming();
            begin_many_sessions(rows, user);
            const auto queries_before = service.counters().queries;
            const auto asked_before = requests ? requests() : 0;
            state.ResumeTiming();
            const auto ended = service.log_out_everywhere(user);
            if (ended.failure) throw std::runtime_error("not logged out: " + ended.failure.text);
            queries += service.counters().queries - queries_before;
            if (requests) asked += requests() - asked_before;
        }
        state.counters["queries"] = benchmark::Counter(static_cast<double>(queries) / static_cast<double>(state.iterations()));
        if (requests) state.counters["requests"] = benchmark::Counter(static_cast<double>(asked) / static_cast<double>(state.iterations()));
    })->UseRealTime()->Iterations(1);
}

} // namespace

void add_sessions_on_servers(const Beginning& beginning) {
    using Backend = larder::Stack<larder::MemoryCache, larder::SealedRedisCache, larder::PostgresDatabase>;
    const auto servers = std::make_shared<Servers>(beginning);
    const auto& hash = beginning.hash;
    const std::string stores = "Redis, PostgreSQL";
    refer(log_out, "original code");
    {
        using Original = example::Original<example::WaitingPostgres, example::PlainRedis>;
        const auto rows = servers->rows_of("original");
        const Make make = [servers, &hash, rows] {
            return std::make_unique<Original>(example::WaitingPostgres(larder::PostgresDatabase<larder::Session>(servers->pool(rows))), hash, servers->io.executor(), servers->emptiness());
        };
        add_requests(beginning, stores, "original code", make);
        add_log_out(rows, "original code", make, {});
    }
    const auto add_policy = [&]<class Policy>(const std::string& name) {
        using Larder = example::LarderService<Backend, Policy>;
        const auto rows = servers->rows_of(name);
        const auto make = [servers, &hash, rows](const larder::RedisConnection& connection) {
            larder::SealedRedisConfig redis(connection, example::session_codec());
            redis.key_hash = hash;
            return std::make_unique<Larder>(typename Larder::Config{example::memory_of_a_process, redis, servers->pool(rows)}, larder::Options{}, hash);
        };
        add_requests(beginning, stores, name, [servers, make] { return make(larder::RedisConnection(servers->io.executor(), servers->emptiness())); });
        const auto counted = std::make_shared<const Counted>(servers);
        add_log_out(rows, name, [counted, make] { return make(counted->connection); }, [counted] { return counted->connection.status().requests; });
    };
    add_policy.operator()<larder::WriteThrough>("WriteThrough");
    add_policy.operator()<larder::Hybrid>("Hybrid");
}

} // namespace bench
