// SPDX-License-Identifier: BSL-1.0
//
// User sessions in a SQLite file, and the same traffic on them under a cache-aside original and under Larder's policies. Each
// answer is compared with what had been acknowledged before it was asked for, so that stale ones are counted.
//
// tested with: --seconds 0.4 --users 400 --sessions 2000
//
// The parts: sessions/original.hpp and sessions/larder_service.hpp are the two services; ledger.hpp is the truth they are judged
// by; traffic.hpp and drive.hpp make the requests; data.hpp makes the file.

#include "sessions/arguments.hpp"
#include "sessions/data.hpp"
#include "sessions/drive.hpp"
#include "sessions/larder_service.hpp"
#include "sessions/ledger.hpp"
#include "sessions/original.hpp"
#include "sessions/show.hpp"
#include "sessions/traffic.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace {

using namespace example;

/// All that the codes under test share.
struct Bench {
    const Arguments& arguments;
    const TempFolder& folder;
    const larder::HashKey& hash;
    const Beginnings& beginnings;
    Traffic& traffic;
    Table results{{"", "requests/s", "p50", "p99", "keys/req", "rows/req", "queries/req", "hit ratio", "rebuilds", "cached", "stale served"}};
    Table counts{{"", "first: keys", "rows", "queries", "again: keys", "rows", "queries"}};
    bool broken = false;

    /// Gives a code a copy of the file, and traffic.
    template <class Service>
    void run(std::string_view option, bool may_be_wrong) {
        if (!arguments.wants(option)) return;
        const auto path = folder.file(option);
        std::filesystem::copy_file(folder.file("sessions"), path);
        {
            const larder::SqliteFile file(path, {.sole_writer = true});
            count_one_refresh<Service>(file);
            Service service(file, hash);
            Ledger ledger(arguments.users, arguments.sessions);
            beginnings.enter(ledger);
            traffic.rewind();
            const auto tally = [&] {
                const Progress progress{std::string(Service::name)};
                return drive(service, ledger, traffic,
                             {std::chrono::duration<double>(arguments.seconds), arguments.requests, arguments.threads, arguments.seed, [&](double share) { progress.show(share); }});
            }();
            enter(std::string(Service::name), tally, service.counters());
            if (tally.failed != 0) fmt::print(stderr, "{}: {} requests failed, one of them: {}\n", Service::name, tally.failed, tally.failure.text);
            if (tally.wrong != 0) fmt::print(stderr, "{}: {} requests with a valid session were refused\n", Service::name, tally.wrong);
            broken = broken || tally.failed != 0 || (!may_be_wrong && (tally.stale != 0 || tally.wrong != 0));
        }
        std::filesystem::remove(path);
    }

private:
    void enter(const std::string& name, const Tally& tally, const Counters& counted) {
        const auto per_request = [&](std::uint64_t count) { return fmt::format("{:.3f}", static_cast<double>(count) / static_cast<double>(std::max<std::uint64_t>(tally.requests, 1))); };
        const double lookups = static_cast<double>(std::max<std::uint64_t>(counted.hits + counted.misses, 1));
        results.add({name, grouped(static_cast<std::uint64_t>(static_cast<double>(tally.requests) / tally.took.count())), micros(tally.latencies.quantile(0.5)),
                     micros(tally.latencies.quantile(0.99)), per_request(counted.key_lookups), per_request(counted.row_lookups), per_request(counted.queries),
                     fmt::format("{:.1f} %", 100 * static_cast<double>(counted.hits) / lookups), grouped(counted.rebuilt), mebibytes(counted.bytes), grouped(tally.stale)});
    }

    /// What 'refresh token, then jti' in one request costs, the first time and when the session is known.
    template <class Service>
    void count_one_refresh(const larder::SqliteFile& file) {
        Service service(file, hash);
        Ledger ledger(arguments.users, arguments.sessions);
        beginnings.enter(ledger);
        const auto credential = ledger.device(0).current();
        std::vector<std::string> line{std::string(Service::name)};
        for (int round = 0; round < 2; ++round) {
            const auto before = service.counters();
            if (!service.open(*credential).answer.accepted) throw std::runtime_error("a valid session was refused");
            const auto after = service.counters();
            for (const auto count : {after.key_lookups - before.key_lookups, after.row_lookups - before.row_lookups, after.queries - before.queries}) line.push_back(grouped(count));
        }
        counts.add(std::move(line));
    }
};

int run(const Arguments& arguments) {
    const TempFolder folder;
    const larder::HashKey hash("the key of the keyed hash comes from the service's configuration");
    Traffic traffic = arguments.trace.empty() ? Traffic(arguments.sessions) : Traffic::from_trace(arguments.trace, arguments.sessions);
    const Beginnings beginnings(arguments.users, arguments.sessions, arguments.seed);
    {
        const Progress progress(fmt::format("a file with {} users and {} sessions", grouped(arguments.users), grouped(arguments.sessions)));
        beginnings.write(folder.file("sessions"), hash);
    }
    Bench bench{arguments, folder, hash, beginnings, traffic};
    bench.run<Original>("original", true);
    bench.run<LarderService<larder::Hybrid>>("hybrid", false);
    bench.run<LarderService<larder::WriteThrough>>("write-through", false);
    bench.run<LarderService<larder::Versioned<larder::row_probe>>>("versioned", false);
    bench.run<LarderService<larder::Versioned<larder::group_epoch>>>("versioned-epoch", false);

    fmt::print("\n{} threads, {}\n\n", arguments.threads, arguments.trace.empty() ? "sessions chosen by a Zipf distribution" : "sessions in the order of " + arguments.trace);
    bench.results.print();
    fmt::print("\nkeys, rows     looked up in the cache: keys lead to a row's primary key (or are a group's, for its epoch), rows are found by it\n"
               "queries        of the database, writes included\n"
               "stale served   took a session for valid, or gave an older version of it, although its end or its newer version had been\n"
               "               acknowledged before the request began\n");
    fmt::print("\nOne request that finds its session by refresh token and then by jti: the first of all, and the same again:\n\n");
    bench.counts.print();
    return bench.broken ? EXIT_FAILURE : EXIT_SUCCESS;
}

} // namespace

int main(int count, char** words) {
    try {
        const auto arguments = example::Arguments::parse(count, words);
        if (!arguments.help) return run(arguments);
        fmt::print("{}", example::Arguments::usage);
        return EXIT_SUCCESS;
    } catch (const std::invalid_argument& wrong) {
        fmt::print(stderr, "sessions: {}\n", wrong.what());
        return 2;
    } catch (const std::exception& failed) {
        fmt::print(stderr, "sessions: {}\n", failed.what());
        return EXIT_FAILURE;
    }
}
