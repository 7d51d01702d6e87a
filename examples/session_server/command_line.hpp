// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "settings.hpp"
#include "traffic.hpp"

#include <boost/asio/ip/address.hpp>

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <system_error>

namespace server {

/// The command line, as far as `CLI::App` reads it.
class CommandLine {
public:
    CommandLine() {
        app_.get_formatter()->column_width(36);
        app_.add_option("--port", settings_.port, "where it listens; 0: any port")->capture_default_str();
        app_.add_option("--listen", settings_.listen, "at which address")->check(CLI::ValidIPV4 | CLI::Validator(is_ipv6, "IPV6"))->capture_default_str();
        app_.add_option("--processes", settings_.processes, "server processes side by side, on as many ports one after the other; they need --redis")->check(CLI::Range(1, 64))->capture_default_str();
        app_.add_option("--threads", settings_.threads, "threads of each process (as many as there are processors)")->check(CLI::Range(1, 256));
        app_.add_option("--users", settings_.users, "users 1 to N are there to log in")->check(CLI::Range(1, 10'000'000))->capture_default_str();
        app_.add_option("--traffic", settings_.traffic, "clients within each process that send traffic from the beginning")->check(CLI::Range(0, int{Traffic::most}))->capture_default_str();
        app_.add_option_function<std::int64_t>("--for", [this](std::int64_t span) { settings_.ends_after = std::chrono::seconds(span); }, "end after so many seconds; exit code 1 if a call of the store failed")->check(CLI::Range(1, 1'000'000'000));
        app_.add_flag("--anybody-may-log-in", anybody_, "serve at an address beyond the loopback though a login takes no password: whoever reaches it can be any user");
        auto* demo = app_.add_flag("--demo,!--no-demo", settings_.demo, "whether the page's buttons work (by default if it listens on the loopback address)");

        const std::string rules = "Sessions";
        app_.add_option("--policy", settings_.policy, "how consistent copies are")->check(CLI::IsMember({"hybrid", "write-through", "versioned"}))->capture_default_str()->group(rules);
        app_.add_option("--key", settings_.key, "a file of 32 bytes or more that nobody can guess; without it, sessions end with the run")->check(CLI::Validator(is_key_file, "FILE"))->group(rules);
        const auto seconds = [&](const char* name, std::chrono::seconds& span, int least, const char* help) {
            app_.add_option_function<std::int64_t>(name, [&span](std::int64_t count) { span = std::chrono::seconds(count); }, help)->check(CLI::Range(least, 1'000'000'000))->default_str(std::to_string(span.count()))->group(rules);
        };
        seconds("--idle-timeout", settings_.idle_timeout, 0, "seconds without use after which a session ends; 0: it does not");
        seconds("--absolute-timeout", settings_.absolute_timeout, 1, "seconds after which a session ends");
        seconds("--access-timeout", settings_.access_timeout, 0, "seconds after which an access token ends; 0: with its session");
        app_.add_option("--max-sessions", settings_.max_sessions, "sessions that a user may have at a time, a login beyond is refused; 0: any number")
            ->check(CLI::Range(std::int64_t{0}, std::int64_t{1'000'000}))
            ->capture_default_str()
            ->group(rules);

        const std::string limits = "Limits";
        app_.add_option("--max-body", settings_.limits.body, "bytes of a request's body")->check(CLI::Range(1, 1 << 30))->capture_default_str()->group(limits);
        app_.add_option("--max-header", settings_.limits.header, "bytes of a request's header")->check(CLI::Range(64, 1 << 20))->capture_default_str()->group(limits);
        app_.add_option("--max-connections", settings_.limits.connections, "connections at a time")->check(CLI::Range(1, 1'000'000))->capture_default_str()->group(limits);
        app_.add_option_function<std::int64_t>("--request-timeout-ms", [this](std::int64_t span) { settings_.limits.request = std::chrono::milliseconds(span); }, "how long a request may take")
            ->check(CLI::Range(10, 3'600'000))
            ->default_str(std::to_string(settings_.limits.request.count()))
            ->group(limits);

        const std::string stores = "Stores (without any: a cache in the process and a SQLite file)";
        auto* file = app_.add_option("--file", settings_.file, "the SQLite file (a temporary one)")->group(stores);
        auto* redis = app_.add_flag("--redis", settings_.redis, "put Redis between the process and the database: a private server, unless one is named")->group(stores);
        auto* host = app_.add_option("--redis-host", settings_.redis_server.host, "use the Redis server there")->group(stores);
        auto* port = app_.add_option("--redis-port", settings_.redis_server.port, "its port")->check(CLI::Range(1, 65535))->capture_default_str()->group(stores);
        auto* postgres = app_.add_flag("--postgres", settings_.postgres, "keep the sessions in PostgreSQL: a private server, unless one is named")->group(stores);
        auto* conninfo = app_.add_option("--postgres-conninfo", settings_.postgres_server, "use the PostgreSQL server there (libpq's connection string); makes the tables 'users' and 'sessions' if they are missing")
                             ->expected(1)
                             ->group(stores);
        app_.footer("Exit code: 0 once it was told to end (SIGTERM, SIGINT); 1 if it could not go on, or --for says so; 2 for wrong options.");
        app_.final_callback([=, this] {
            settings_.own_redis = host->empty() && port->empty();
            settings_.redis = redis->as<bool>() || !settings_.own_redis;
            settings_.own_postgres = conninfo->empty();
            settings_.postgres = postgres->as<bool>() || !settings_.own_postgres;
            const bool loopback = boost::asio::ip::make_address(settings_.listen).is_loopback();
            if (!loopback && !anybody_)
                throw CLI::ValidationError("--listen", "a login takes no password, so whoever reaches this address could be any user; say --anybody-may-log-in too if that is meant");
            if (demo->empty()) settings_.demo = loopback;
            if (settings_.postgres && !file->empty()) throw CLI::ValidationError("--file", "is for SQLite, and the sessions are in PostgreSQL");
            if (settings_.processes > 1 && !settings_.redis) throw CLI::ValidationError("--processes", "several processes need a cache that they share: say --redis too");
            if (settings_.processes > 1 && settings_.port != 0 && settings_.port + settings_.processes > 65536) throw CLI::ValidationError("--port", "there are not so many ports behind it");
        });
    }
    CommandLine(const CommandLine&) = delete;
    CommandLine& operator=(const CommandLine&) = delete;

    /// Throws `CLI::ParseError`, which `explain` makes a text of, for what is wrong, and for --help.
    const Settings& parse(int count, char** words) {
        app_.parse(count, words);
        return settings_;
    }
    /// Says what is wrong, or the help. \returns the exit code.
    int explain(const CLI::ParseError& error) const { return app_.exit(error) == 0 ? 0 : 2; }

private:
    /// A device or a pipe may never come to an end.
    static std::string is_key_file(const std::string& path) {
        constexpr std::uintmax_t largest = 1 << 20;
        std::error_code wrong;
        if (!std::filesystem::is_regular_file(path, wrong)) return path + ": not a file";
        return std::filesystem::file_size(path, wrong) > largest ? path + ": too large for a key" : std::string();
    }
    static std::string is_ipv6(const std::string& text) {
        boost::system::error_code wrong;
        boost::asio::ip::make_address_v6(text, wrong);
        return wrong ? "not an address" : "";
    }

    bool anybody_ = false;
    CLI::App app_{"A session server: user sessions over HTTP on Larder, with a page that shows what goes on.", "session_server"};
    Settings settings_;
};

} // namespace server
