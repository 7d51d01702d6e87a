// SPDX-License-Identifier: BSL-1.0
#include "at_once.hpp"
#include "bare_postgres.hpp"
#include "bare_redis.hpp"
#include "servers.hpp"

#include <larder/cache/redis.hpp>
#include <larder/database/postgres.hpp>
#include <larder/larder.hpp>

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

namespace bench {
namespace {

using OnPostgres = larder::CachedRepository<Note, larder::Stack<larder::MemoryCache, larder::PostgresDatabase>, larder::WriteThrough>;
using OnRedis = larder::CachedRepository<Note, larder::Stack<larder::RedisCache, larder::PostgresDatabase>, larder::WriteThrough>;

constexpr auto misses = "a miss, to PostgreSQL", through_redis = "a miss in Redis, to PostgreSQL", batches = "a hundred misses in one call",
               herd = "ten thousand misses of one row at once";

std::int64_t number(std::size_t at) { return static_cast<std::int64_t>(at * 7919 % notes_stored) + 1; }

larder::Options options(Servers& servers) {
    larder::Options chosen;
    chosen.executor = servers.executor();
    return chosen;
}

/// A repository on Redis, with connections of its own.
struct Process {
    explicit Process(Servers& servers) : redis(servers.executor(), servers.redis()), notes({redis, larder::PostgresPool(servers.executor(), servers.postgres())}, options(servers)) {}

    /// Has no tier know the notes that come next.
    void forget(boost::asio::any_io_executor executor, std::size_t from, std::size_t count) {
        at_once(executor, 64, count, [&](std::size_t at, auto done) { notes.async_expel(number(from + at), [done](const larder::Error&, const larder::Done&) { done(); }); });
    }

    larder::RedisConnection redis;
    OnRedis notes;
};

template <class Done>
auto expecting_a_miss(Done done) {
    return [done = std::move(done)](const larder::Error&, const larder::Found<Note>& found) mutable {
        if (!found || found.source() != larder::Level::database) throw std::runtime_error("that was no miss");
        done();
    };
}

/// Reads a note that is not in memory: of those that a good rule of eviction keeps even where all are read in turn, another one, and so on through all of them.
template <class Done>
void miss(const std::shared_ptr<OnPostgres>& notes, std::size_t at, Done done) {
    constexpr std::size_t stride = 104'729;
    static_assert(std::gcd(stride, static_cast<std::size_t>(notes_stored)) == 1);
    notes->async_find(number(at), larder::Read{}, [=](const larder::Error&, const larder::Found<Note>& found) mutable {
        if (!found) throw std::runtime_error("there is no note");
        if (found.source() == larder::Level::database) return done();
        miss(notes, at + stride, std::move(done));
    });
}

} // namespace

void add_postgres_misses(Servers& servers) {
    const auto executor = servers.executor();
    const auto bare = std::make_shared<BarePostgres>(servers.postgres().conninfo);
    const auto take = [](const Note& row) { benchmark::DoNotOptimize(row.version); };
    refer(misses, "bare libpq, pipelined");
    // Its memory holds a hundredth of the notes, so that reading them in turn misses, fills and evicts nearly each time.
    larder::MemoryCacheConfig<Note> little;
    little.max_entries = static_cast<std::size_t>(notes_stored) / 100;
    const auto notes = std::make_shared<OnPostgres>(OnPostgres::Config{little, larder::PostgresPool(executor, servers.postgres())}, options(servers));
    for (const std::size_t crowd : crowds) {
        const std::string row = callers(crowd);
        add(misses, row, "bare libpq, pipelined", [bare, take, crowd, from = std::make_shared<std::size_t>(0)](benchmark::State& state) {
            constexpr std::size_t batch = 4096;
            while (state.KeepRunningBatch(batch)) {
                bare->load(batch, crowd, [&](std::size_t at) { return number(*from + at); }, take);
                *from += batch;
            }
        })->UseRealTime();
        add_crowd(misses, row, "CachedRepository", crowd, executor, [notes](std::size_t at, auto done) { miss(notes, at, std::move(done)); });
    }

    const auto process = std::make_shared<Process>(servers);
    const auto client = std::make_shared<BareRedis>(executor, servers.redis());
    refer(through_redis, "a statement and two round trips");
    add_crowd(through_redis, callers(1), "a statement and two round trips", 1, executor, [bare, client, take](std::size_t at, auto done) {
        client->fields("absent", [=, done = std::move(done)](const BareRedis::Fields&) mutable {
            bare->load(1, 1, [at](std::size_t) { return number(at); }, take);
            client->fields("absent", [done = std::move(done)](const BareRedis::Fields&) mutable { done(); });
        });
    });
    for (const std::size_t crowd : crowds)
        add_crowd(
            through_redis, callers(crowd), "CachedRepository", crowd, executor, [process](std::size_t at, auto done) { process->notes.async_find(number(at), larder::Read{}, expecting_a_miss(std::move(done))); },
            [process, executor, from = std::make_shared<std::size_t>(0)](std::size_t count) {
                process->forget(executor, *from, count);
                *from += count;
            });

    add(batches, callers(1), "CachedRepository", [process, executor, from = std::make_shared<std::size_t>(0)](benchmark::State& state) {
        constexpr std::size_t count = 100;
        std::uint64_t queries = 0;
        for (auto _ : state) {
            state.PauseTiming();
            process->forget(executor, *from, count);
            std::vector<std::int64_t> keys;
            for (std::size_t i = 0; i < count; ++i) keys.push_back(number(*from + i));
            *from += count;
            const auto before = process->notes.metrics().database_queries();
            state.ResumeTiming();
            if (!process->notes.find_many(keys)) throw std::runtime_error("there are not all notes");
            queries += process->notes.metrics().database_queries() - before;
        }
        state.counters["queries"] = benchmark::Counter(static_cast<double>(queries) / static_cast<double>(state.iterations()));
    })->UseRealTime();

    const auto other = std::make_shared<Process>(servers);
    add(herd, "two processes", "CachedRepository", [process, other, executor](benchmark::State& state) {
        const auto queries = [&] { return process->notes.metrics().database_queries() + other->notes.metrics().database_queries(); };
        std::uint64_t made = 0;
        for (auto _ : state) {
            state.PauseTiming();
            process->forget(executor, 0, 1);
            const auto before = queries();
            state.ResumeTiming();
            constexpr std::size_t crowd = 10'000;
            at_once(executor, crowd, crowd, [&](std::size_t at, auto done) {
                (at % 2 == 0 ? process : other)->notes.async_find(number(0), larder::Read{}, [done](const larder::Error&, const larder::Found<Note>& found) mutable {
                    if (!found) throw std::runtime_error("there is no note");
                    done();
                });
            });
            made += queries() - before;
        }
        state.counters["queries"] = benchmark::Counter(static_cast<double>(made) / static_cast<double>(state.iterations()));
    })->UseRealTime()->Unit(benchmark::kMillisecond)->Iterations(5);
}

} // namespace bench
