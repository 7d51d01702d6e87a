// SPDX-License-Identifier: BSL-1.0
#include "at_once.hpp"
#include "bare_redis.hpp"
#include "servers.hpp"

#include <larder/cache/redis.hpp>
#include <larder/codec/packed.hpp>
#include <larder/database/memory.hpp>
#include <larder/larder.hpp>

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace bench {
namespace {

using Notes = larder::CachedRepository<Note, larder::Stack<larder::RedisCache, larder::MemoryDatabase>, larder::WriteThrough>;

constexpr std::int64_t notes_cached = 10'000;
constexpr auto hits = "a hit in Redis", batches = "a hundred hits in Redis";

[[noreturn]] void wrong(const char* what) { throw std::runtime_error(what); }

/// What both sides use: all notes in Redis.
struct Place {
    explicit Place(Servers& servers)
        : io(servers.executor()), connection(io, servers.redis()), notes({connection, tables}, options(io)), client(io, servers.redis()) {
        larder::MemoryDatabase<Note> rows(tables);
        std::vector<std::int64_t> all;
        for (std::int64_t number = 1; number <= notes_cached; ++number) {
            rows.insert(note(number)).value();
            all.push_back(number);
        }
        if (!notes.warm(all)) wrong("the notes could not be put into Redis");
        // What Larder calls the first of them is the pattern of all names.
        const std::string pattern = "'*notes/id{1}'";
        first_key = servers.redis_says("--raw KEYS " + pattern);
        if (first_key.find("{1}") == std::string::npos) wrong("the note is not in Redis");
        servers.redis_says("SET plain " + std::string(200, 'x'));
    }

    static larder::Options options(const boost::asio::any_io_executor& executor) {
        larder::Options chosen;
        chosen.executor = executor;
        chosen.ttl = std::chrono::hours(24);
        return chosen;
    }
    static std::int64_t number(std::size_t at) { return static_cast<std::int64_t>(at * 7919 % notes_cached) + 1; }
    std::string key(std::int64_t number) const {
        std::string name = first_key.substr(0, first_key.find('{') + 1);
        return name += std::to_string(number) + '}';
    }

    boost::asio::any_io_executor io;
    larder::MemoryTables tables{};
    larder::RedisConnection connection;
    Notes notes;
    BareRedis client;
    std::string first_key;
};

/// The requests a second that redis-benchmark finds.
double by_redis_benchmark(Servers& servers, std::size_t clients, std::size_t count) {
    const std::string printed = redis_tests::output_of("redis-benchmark -p " + std::to_string(servers.redis().port) + " -c " + std::to_string(clients) + " -n " + std::to_string(count) +
                                                       " -t get -d 200 --csv | tail -n 1");
    const auto from = printed.find("\",\"");
    if (from == std::string::npos) wrong("redis-benchmark printed no figure");
    return std::strtod(printed.c_str() + from + 3, nullptr);
}

} // namespace

void add_redis_hits(Servers& servers) {
    const auto place = std::make_shared<Place>(servers);
    refer(hits, "bare client, same command");
    for (const std::size_t crowd : crowds) {
        const std::string row = callers(crowd);
        add_crowd(hits, row, "bare client, same command", crowd, place->io, [place](std::size_t at, auto done) {
            place->client.fields(place->key(Place::number(at)), [done = std::move(done)](const BareRedis::Fields& fields) mutable {
                Note into;
                if (fields.size() != 2 || !fields[1] || larder::PackedCodec().decode(*fields[1], into) != larder::DecodeOutcome::decoded) wrong("there is no note");
                benchmark::DoNotOptimize(into);
                done();
            });
        });
        add_crowd(hits, row, "bare client, GET", crowd, place->io, [place](std::size_t, auto done) {
            place->client.get("plain", [done = std::move(done)](const std::optional<std::string>& value) mutable {
                if (!value) wrong("there is no value");
                done();
            });
        });
        add_crowd(hits, row, "CachedRepository", crowd, place->io, [place](std::size_t at, auto done) {
            place->notes.async_find(Place::number(at), larder::Read{}, [done = std::move(done)](const larder::Error&, const larder::Found<Note>& found) mutable {
                if (!found || found.source() != larder::Level::shared) wrong("that was no hit in Redis");
                done();
            });
        });
        add(hits, row, "redis-benchmark, GET", [&servers, crowd](benchmark::State& state) {
            const double each = 1 / by_redis_benchmark(servers, crowd, crowd == 1 ? 5'000 : 30'000);
            for (auto _ : state) state.SetIterationTime(each);
        })->UseManualTime()->Iterations(1);
    }
    refer(batches, "bare client, one request");
    add_crowd(batches, "1 caller", "bare client, one request", 1, place->io, [place](std::size_t at, auto done) {
        std::vector<std::string> keys;
        for (std::size_t i = 0; i < 100; ++i) keys.push_back(place->key(Place::number(at * 100 + i)));
        place->client.fields(keys, [done = std::move(done)](const auto& nodes) mutable {
            std::size_t decoded = 0;
            for (std::size_t i = 2; i < nodes.size(); i += 3) { // each answer is a node for the list, one for `t` and one for `v`
                Note into;
                decoded += larder::PackedCodec().decode(nodes[i].value, into) == larder::DecodeOutcome::decoded ? 1 : 0;
                benchmark::DoNotOptimize(into);
            }
            if (decoded != 100) wrong("there are not all notes");
            done();
        });
    });
    add(batches, "1 caller", "CachedRepository", [place, at = std::make_shared<std::size_t>(0)](benchmark::State& state) {
        const auto before = place->connection.status();
        for (auto _ : state) {
            std::vector<std::int64_t> keys;
            for (std::size_t i = 0; i < 100; ++i) keys.push_back(Place::number((*at)++));
            if (!place->notes.find_many(keys)) wrong("there are not all notes");
        }
        // The heartbeat's are among them, ten a second.
        const auto made = static_cast<double>(place->connection.status().requests - before.requests);
        state.counters["requests"] = benchmark::Counter(made / static_cast<double>(state.iterations()));
    })->UseRealTime();
}

} // namespace bench
