// SPDX-License-Identifier: BSL-1.0
//
// User sessions, and the same traffic on them under a cache-aside original and under Larder's policies: in a SQLite file with a
// cache in the process; or from several processes, with Redis between them and PostgreSQL behind. Each answer is compared with what had
// been acknowledged before it was asked for, by whichever process, so that stale ones are counted.
//
// tested with: --seconds 0.4 --users 400 --sessions 2000
// tested with: --seconds 0.4 --users 400 --sessions 2000 --threads 2 --redis --postgres
// tested with: --seconds 0.2 --users 400 --sessions 2000 --threads 2 --redis --policy write-through
// tested with: --seconds 0.2 --users 400 --sessions 2000 --threads 2 --postgres --policy write-through
//
// takes minutes to compile: each policy, on each combination of stores
//
// The parts: sessions/original.hpp and sessions/larder_service.hpp are the two services, and sessions/on_*.cpp make them for each
// combination of stores; ledger.hpp is the truth they are judged by; traffic.hpp and drive.hpp make the requests, processes.hpp the
// processes; stores.hpp and servers.hpp make the databases and their servers.

#include "sessions/arguments.hpp"
#include "sessions/beginnings.hpp"
#include "sessions/drive.hpp"
#include "sessions/ledger.hpp"
#include "sessions/processes.hpp"
#include "sessions/redis_console.hpp"
#include "sessions/servers.hpp"
#include "sessions/service.hpp"
#include "sessions/show.hpp"
#include "sessions/stores.hpp"
#include "sessions/traffic.hpp"

#include <boost/asio/thread_pool.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <unistd.h>

namespace {

using namespace example;

/// All that the codes under test share, and what came of them.
class Bench {
public:
    explicit Bench(const Arguments& arguments)
        : arguments_(arguments), traffic_(arguments.trace.empty() ? Traffic(arguments.sessions) : Traffic::from_trace(arguments.trace, arguments.sessions)),
          beginnings_(arguments.users, arguments.sessions, arguments.seed) {
        start_servers();
        const Progress progress(fmt::format("a database with {} users and {} sessions", grouped(arguments.users), grouped(arguments.sessions)));
        if (arguments_.postgres)
            store_ = std::make_unique<PostgresStore>(site_.postgres, beginnings_, hash_);
        else
            store_ = std::make_unique<SqliteStore>(folder_, beginnings_, hash_);
    }

    /// Gives a code a copy of the database, and traffic.
    void run(const Code& code) {
        Interrupt::check();
        store_->copy_for(code.option, site_);
        const Forgetting forgetting{*this};
        count_one_refresh(code);
        forget();
        send_traffic(code);
        store_->remove(code.option);
    }

    void print() const {
        std::string where;
        if (arguments_.process_count() > 1) where = fmt::format("{} processes with ", arguments_.process_count());
        fmt::print("\n{}{} threads{}, {}\n\n", where, arguments_.threads, where.empty() ? "" : " each",
                   arguments_.trace.empty() ? "sessions chosen by a Zipf distribution" : "sessions in the order of " + arguments_.trace);
        results_.print();
        if (site_.redis)
            fmt::print("\nhits           shares of the look-ups, of keys and of rows, that were answered in the process and in Redis\n"
                       "in processes   bytes cached in all of them together\n");
        else
            fmt::print("\nkeys, rows     looked up in the cache: keys lead to a row's primary key (or are a group's, for its epoch), rows are found by it\n");
        fmt::print("queries        of the database, writes included\n"
                   "stale served   took a session for valid, or gave an older version of it, although its end or its newer version had been\n"
                   "               acknowledged before the request began\n");
        if (site_.redis)
            fmt::print("within bound   the same, while the write said that it was pending still (a process may answer from its memory for {} ms)\n", site_.redis->near_delta.count());
        fmt::print("\nOne request that finds its session by refresh token and then by jti: the first of all, and the same again:\n\n");
        counts_.print();
    }
    bool broken() const { return broken_; }

private:
    /// What 'refresh token, then jti' in one request costs, the first time and when the session is known.
    using OneRefresh = std::array<Counters, 3>;
    /// What a process makes of the traffic.
    struct Report {
        Tally tally;
        Counters counters;
    };
    /// Leaves nothing of a code in Redis.
    struct Forgetting {
        Bench& bench;
        Forgetting(const Forgetting&) = delete;
        Forgetting& operator=(const Forgetting&) = delete;
        explicit Forgetting(Bench& of) : bench(of) {}
        ~Forgetting() {
            try {
                bench.forget();
            } catch (const std::exception& failed) {
                fmt::print(stderr, "sessions: {}\n", failed.what());
            }
        }
    };

    void start_servers() {
        if (arguments_.redis) {
            site_.redis = arguments_.redis_server;
            // As each answer is awaited, a busy machine should not look like a broken one.
            site_.redis->timeout = std::chrono::seconds(2);
            site_.redis->prefix = fmt::format("larder-sessions-{}", ::getpid());
            if (arguments_.own_redis) {
                redis_.emplace(folder_.file("redis"));
                site_.redis->port = redis_->port();
            }
            RedisConsole{*site_.redis};
        }
        if (arguments_.postgres) {
            if (arguments_.own_postgres) postgres_.emplace();
            site_.postgres = postgres_ ? postgres_->conninfo() : arguments_.postgres_server;
        }
    }
    void forget() {
        if (site_.redis) RedisConsole(*site_.redis).remove(site_.redis->prefix + ":");
    }

    /// Makes the service of a code, in the process that is to have it, and gives it to `use`.
    template <class Use>
    auto with_service(const Code& code, Use use) const {
        boost::asio::thread_pool io(2);
        const auto service = make_service(code.option, {site_, hash_, io.get_executor()});
        return use(*service);
    }

    void send_traffic(const Code& code) {
        Ledger ledger(arguments_.users, arguments_.sessions);
        beginnings_.enter(ledger);
        Shared<Control> control;
        const std::string name(code.name);
        Tally tally;
        Counters counted;
        {
            Progress progress(name);
            Processes<Report> processes(arguments_.process_count(), *control, [&](std::size_t number) {
                return with_service(code, [&](Service& service) {
                    Report report;
                    report.tally = drive(service, ledger, traffic_, *control, arguments_.threads, arguments_.requests, (arguments_.seed * 100 + number) * 1000);
                    report.counters = service.counters();
                    return report;
                });
            });
            processes.start();
            const auto began = std::chrono::steady_clock::now();
            for (; processes.look(); processes.pause()) {
                const std::chrono::duration<double> since = std::chrono::steady_clock::now() - began;
                const double share = arguments_.requests == 0 ? since.count() / arguments_.seconds : static_cast<double>(control->begun) / static_cast<double>(arguments_.requests);
                if (arguments_.requests == 0 && share >= 1) control->stop = true;
                progress.show(std::min(share, 1.0));
            }
            for (std::size_t number = 0; number < processes.size(); ++number) {
                tally.add(processes.found(number).tally);
                counted.add(processes.found(number).counters);
            }
        }
        enter(name, tally, counted);
        if (tally.failed != 0) fmt::print(stderr, "{}: {} requests failed, one of them: {}\n", name, tally.failed, tally.failure.get());
        if (tally.wrong != 0) fmt::print(stderr, "{}: {} requests with a valid session were refused\n", name, tally.wrong);
        broken_ = broken_ || tally.failed != 0 || (!code.may_be_wrong && (tally.stale != 0 || tally.wrong != 0));
    }

    void enter(const std::string& name, const Tally& tally, const Counters& counted) {
        const auto per_request = [&](std::uint64_t count) { return fmt::format("{:.3f}", static_cast<double>(count) / static_cast<double>(std::max<std::uint64_t>(tally.requests, 1))); };
        const auto share = [](std::uint64_t part, std::uint64_t whole) { return fmt::format("{:.1f} %", 100 * static_cast<double>(part) / static_cast<double>(std::max<std::uint64_t>(whole, 1))); };
        std::vector<std::string> line{name, grouped(static_cast<std::uint64_t>(tally.per_second)), micros(tally.latencies.quantile(0.5)), micros(tally.latencies.quantile(0.99))};
        const auto& [memory, redis, keeps_rows, queries, rebuilt, bytes] = counted;
        if (site_.redis) {
            const std::uint64_t in_memory = memory.key_hits + memory.row_hits;
            const std::uint64_t in_redis = redis.key_hits + redis.row_hits;
            line.insert(line.end(), {share(in_memory, in_memory + redis.all()), share(in_redis, in_memory + redis.all()), per_request(queries), grouped(rebuilt), mebibytes(bytes),
                                     mebibytes(RedisConsole(*site_.redis).bytes_of(site_.redis->prefix + ":")), grouped(tally.within_bound)});
        } else {
            const std::uint64_t hits = keeps_rows ? memory.row_hits : memory.key_hits;
            const std::uint64_t missed = memory.all() - memory.key_hits - memory.row_hits;
            line.insert(line.end(), {per_request(memory.keys), per_request(memory.rows), per_request(queries), share(hits, hits + missed), grouped(rebuilt), mebibytes(bytes)});
        }
        line.push_back(grouped(tally.stale));
        results_.add(std::move(line));
    }

    void count_one_refresh(const Code& code) {
        Ledger ledger(arguments_.users, arguments_.sessions);
        beginnings_.enter(ledger);
        Shared<Control> control;
        Processes<OneRefresh> process(1, *control, [&](std::size_t) {
            return with_service(code, [&](Service& service) {
                OneRefresh counted;
                control->meet();
                counted[0] = service.counters();
                for (std::size_t round = 1; round <= 2; ++round) {
                    const auto opened = service.open(ledger.current(0));
                    if (!opened.answer.accepted) throw std::runtime_error("a valid session was refused: " + opened.answer.failure.text);
                    counted[round] = service.counters();
                }
                return counted;
            });
        });
        process.start();
        while (process.look()) process.pause();
        const auto& counted = process.found(0);
        std::vector<std::string> line{std::string(code.name)};
        for (std::size_t round = 1; round <= 2; ++round) {
            const auto& [before, after] = std::tie(counted[round - 1], counted[round]);
            if (site_.redis)
                line.insert(line.end(), {grouped(after.memory.all() - before.memory.all()), grouped(after.redis.all() - before.redis.all())});
            else
                line.insert(line.end(), {grouped(after.memory.keys - before.memory.keys), grouped(after.memory.rows - before.memory.rows)});
            line.push_back(grouped(after.queries - before.queries));
        }
        counts_.add(std::move(line));
    }

    const Arguments& arguments_;
    const TempFolder folder_;
    const larder::HashKey hash_{"the key of the keyed hash comes from the service's configuration"};
    const Traffic traffic_;
    const Beginnings beginnings_;
    std::optional<PrivateRedis> redis_;
    std::optional<PrivatePostgres> postgres_;
    Site site_;
    std::unique_ptr<Store> store_;
    Table results_{arguments_.redis ? std::vector<std::string>{"", "requests/s", "p50", "p99", "hits: memory", "Redis", "queries/req", "rebuilds", "in processes", "in Redis", "within bound", "stale served"}
                                    : std::vector<std::string>{"", "requests/s", "p50", "p99", "keys/req", "rows/req", "queries/req", "hit ratio", "rebuilds", "cached", "stale served"}};
    Table counts_{arguments_.redis ? std::vector<std::string>{"", "first: memory", "Redis", "queries", "again: memory", "Redis", "queries"}
                                   : std::vector<std::string>{"", "first: keys", "rows", "queries", "again: keys", "rows", "queries"}};
    bool broken_ = false;
};

} // namespace

int main(int count, char** words) {
    example::CommandLine line;
    try {
        const auto& arguments = line.parse(count, words);
        example::Interrupt::note();
        Bench bench(arguments);
        for (const auto& code : example::codes)
            if (arguments.wants(code.option)) bench.run(code);
        bench.print();
        return bench.broken() ? EXIT_FAILURE : EXIT_SUCCESS;
    } catch (const CLI::ParseError& wrong) {
        return line.explain(wrong);
    } catch (const example::Interrupted&) {
        fmt::print(stderr, "sessions: interrupted\n");
        return 130;
    } catch (const std::exception& failed) {
        fmt::print(stderr, "sessions: {}\n", failed.what());
        return EXIT_FAILURE;
    }
}
