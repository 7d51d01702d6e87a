// SPDX-License-Identifier: BSL-1.0
//
// The full path: what a hit in Redis and a miss to a database cost beside the same question put to the server by its bare client.

#include "harness.hpp"
#include "stack/servers.hpp"

#include <benchmark/benchmark.h>

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    bench::describe("The full path", "Private servers on this machine, rows of some 200 bytes, one thread for all connections. Each figure is the time that passes per operation, with so many callers at once.");
    bench::unit("queries", "queries");
    bench::unit("requests", "requests to Redis");
    bench::Servers servers;
    bench::add_redis_hits(servers);
    bench::add_sqlite_misses();
    bench::add_postgres_misses(servers);
    const int failed = bench::run_all();
    benchmark::ClearRegisteredBenchmarks(); // they hold connections, which end before what they run on
    return failed;
}
