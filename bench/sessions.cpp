// SPDX-License-Identifier: BSL-1.0
//
// What session services ask of a cache, whole: the request that began this library (a session found by its refresh token, and then by its jti), and
// 'log out everywhere' of a user with ten thousand sessions, under a usual cache-aside code and under Larder.

#include "harness.hpp"
#include "sessions/beginning.hpp"

#include <benchmark/benchmark.h>

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    bench::describe("Sessions", "The codes of the example 'sessions', on databases that begin alike, one caller. The original keeps whole objects under three keys and asks the database each time; "
                                "Larder's policies promise what the README says.");
    bench::unit("queries", "queries");
    bench::unit("requests", "requests to Redis");
    const bench::Beginning beginning;
    bench::add_sessions_on_sqlite(beginning);
    bench::add_sessions_on_servers(beginning);
    const int failed = bench::run_all();
    benchmark::ClearRegisteredBenchmarks(); // they hold connections, which end before what they run on
    return failed;
}
