// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "service.hpp"

#include <larder/cache/redis_connection.hpp>

#include <CLI/CLI.hpp>

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace example {

/// What the program can be told.
struct Arguments {
    double seconds = 6;         ///< How long each code runs,
    std::uint64_t requests = 0; ///< or how many requests it answers; 0: the time counts.
    std::size_t users = 20'000;
    std::size_t sessions = 100'000;
    std::size_t processes = 0; ///< 0: two with Redis, else one.
    std::size_t threads = 4;   ///< In each process.
    std::uint64_t seed = 1;
    std::string trace{};           ///< A file with one key a line, in access order; empty: a Zipf distribution.
    std::set<std::string> wanted{};///< Of the names of `codes`; empty: all.

    bool redis = false;                 ///< Whether Redis is in the stack,
    larder::RedisOptions redis_server{};///< and where, if not private:
    bool own_redis = true;
    bool postgres = false; ///< Whether PostgreSQL is in the stack instead of SQLite,
    std::string postgres_server{}; ///< and how to connect to it, if not private:
    bool own_postgres = true;

    bool wants(std::string_view code) const { return wanted.empty() || wanted.contains(std::string(code)); }
    std::size_t process_count() const { return processes != 0 ? processes : redis ? 2 : 1; }
};

/// The command line, as far as `CLI::App` reads it.
class CommandLine {
public:
    CommandLine() {
        app_.get_formatter()->column_width(34);
        app_.add_option("--seconds", arguments_.seconds, "how long each code runs")->check(CLI::Range(0.01, 3600.0))->capture_default_str();
        app_.add_option("--requests", arguments_.requests, "stop each code after so many requests instead")->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000'000}));
        app_.add_option("--users", arguments_.users, "users in the database")->check(CLI::Range(1, 10'000'000))->capture_default_str();
        app_.add_option("--sessions", arguments_.sessions, "sessions in the database")->check(CLI::Range(1, 10'000'000))->capture_default_str();
        auto* processes = app_.add_option("--processes", arguments_.processes, "processes that make requests (2 with Redis, else 1)")->check(CLI::Range(1, 64));
        app_.add_option("--threads", arguments_.threads, "threads that make requests, in each process")->check(CLI::Range(1, 256))->capture_default_str();
        std::set<std::string> names{"all"};
        for (const auto& code : codes) names.emplace(code.option);
        app_.add_option("--policy", arguments_.wanted, "run only this one; may be repeated")->check(CLI::IsMember(names));
        app_.add_option("--trace", arguments_.trace, "take the access order from a file with one key a line")->check(CLI::ExistingFile);
        app_.add_option("--seed", arguments_.seed, "of the random numbers")->capture_default_str();

        const std::string servers = "Servers (without any: a cache in the process and a SQLite file)";
        auto* redis = app_.add_flag("--redis", arguments_.redis, "put Redis between the processes and the database: a private server, unless one is named")->group(servers);
        auto* host = app_.add_option("--redis-host", arguments_.redis_server.host, "use the Redis server there; the run removes the keys that it made")->group(servers);
        auto* port = app_.add_option("--redis-port", arguments_.redis_server.port, "its port")->check(CLI::Range(1, 65535))->capture_default_str()->group(servers);
        auto* user = app_.add_option("--redis-user", arguments_.redis_server.user, "its user")->group(servers);
        app_.add_option("--redis-password", arguments_.redis_server.password, "its password")->envname("LARDER_REDIS_PASSWORD")->group(servers);
        auto* database = app_.add_option("--redis-database", arguments_.redis_server.database, "the number of its database")->check(CLI::Range(0, 1'000'000))->group(servers);
        auto* postgres = app_.add_flag("--postgres", arguments_.postgres, "keep the sessions in PostgreSQL: a private server, unless one is named")->group(servers);
        auto* conninfo = app_.add_option("--postgres-conninfo", arguments_.postgres_server, "use the PostgreSQL server there (libpq's connection string, or \"\" for its defaults); the run makes schemas, and removes them")
                             ->expected(1)
                             ->group(servers);
        app_.footer("Exit code: 0; 1 if a request failed, if Larder served what it must not, or if a server is away; 2 for wrong options.");
        app_.final_callback([=, this] {
            arguments_.own_redis = host->empty() && port->empty();
            arguments_.redis = redis->as<bool>() || !arguments_.own_redis;
            arguments_.own_postgres = conninfo->empty();
            arguments_.postgres = postgres->as<bool>() || !arguments_.own_postgres;
            if (arguments_.own_redis)
                for (const auto* option : {user, database})
                    if (!option->empty()) throw CLI::ValidationError(option->get_name(), "says more of the server that --redis-host or --redis-port names");
            if (arguments_.own_redis) arguments_.redis_server = {};
            if (!processes->empty() && arguments_.processes > 1 && !arguments_.redis)
                throw CLI::ValidationError("--processes", "several processes need a cache that they share: say --redis too");
            if (arguments_.wanted.contains("all")) arguments_.wanted.clear();
        });
    }
    CommandLine(const CommandLine&) = delete;
    CommandLine& operator=(const CommandLine&) = delete;

    /// Throws `CLI::ParseError`, which `explain` makes a text of, for what is wrong, and for --help.
    const Arguments& parse(int count, char** words) {
        app_.parse(count, words);
        return arguments_;
    }
    /// Says what is wrong, or the help. \returns the exit code.
    int explain(const CLI::ParseError& error) const { return app_.exit(error) == 0 ? 0 : 2; }

private:
    CLI::App app_{"User sessions: the same traffic answered by a cache-aside original and by Larder, each answer judged.", "sessions"};
    Arguments arguments_;
};

} // namespace example
