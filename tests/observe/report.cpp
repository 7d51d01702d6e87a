// SPDX-License-Identifier: BSL-1.0
#include <larder/observe/metrics.hpp>
#include <larder/observe/report.hpp>

#include <doctest/doctest.h>

#include <fmt/format.h>

#include <memory>
#include <string>
#include <string_view>

using namespace larder;
using namespace std::chrono_literals;

namespace {

bool has(const std::string& text, std::string_view piece) { return text.find(piece) != text.npos; }

} // namespace

TEST_CASE("a report shows each figure in aligned tables") {
    const auto metrics = std::make_unique<Metrics>();
    for (int i = 0; i < 1980; ++i) metrics->on(event::Hit{Verb::find, Level::memory, false, 10ns, i == 0 ? 256U : 0U});
    for (int i = 0; i < 20; ++i) metrics->on(event::Finished{Verb::touch, 0ns, false, 0});
    for (int i = 0; i < 20; ++i) metrics->on(event::Lookup{Level::memory, LookupOutcome::miss, false});
    metrics->on(event::Lookup{Level::memory, LookupOutcome::rejected, true});
    metrics->on(event::Fill{Level::memory, FillOutcome::stored, false});
    metrics->on(event::Fill{Level::memory, FillOutcome::lost, true});
    metrics->on(event::Query{QueryKind::load, 3ms, 2, false});
    metrics->on(event::Query{QueryKind::load, 1ms, 0, true});
    metrics->on(event::Coalesced{});
    metrics->on(event::Rebuilt{12});
    metrics->on(event::StaleServed{StaleCause::refresh_due});
    metrics->on(event::Evicted{Level::memory, EvictionCause::capacity, 3, 4096});
    metrics->on(event::Invalidated{Level::memory, Invalidation::publish, 5});
    metrics->on(event::Finished{Verb::insert, 1500us, true, 1});
    const Error failure(errc::cache_unavailable, "session cache:\nrefused");
    metrics->on(event::HiddenFailure{Level::memory, "lookup", failure});
    auto snapshot = metrics->snapshot();
    snapshot.entries = 1'234'567;
    snapshot.aliases = 999;
    snapshot.bytes = 256 << 20;

    const std::string expected = "summary\n"
                                 "  requests                2,001\n"
                                 "  queries/request         0.001\n"
                                 "  hit ratio             99.00 %\n"
                                 "  rebuilt                    12\n"
                                 "  coalesced                   1\n"
                                 "  stale, refresh_due          1\n"
                                 "  entries             1,234,567\n"
                                 "  aliases                   999\n"
                                 "  bytes               256.0 MiB\n";
    const auto text = fmt::format("{}", snapshot);
    INFO(text);
    CHECK(text.substr(0, expected.size()) == expected);
    CHECK(has(text,
              "lookups                   hit  negative_hit       miss     waited     bypass   rejected  undecodable "
              "    failed  hit ratio\n"
              "  memory records        1,980             0         20          0          0          0            0 "
              "         0    99.00 %\n"
              "  memory aliases            0             0          0          0          0          1            0 "
              "         0     0.00 %\n"));
    CHECK(has(text, "fills                  stored       lost   outdated    refused\n"
                    "  memory records            1          0          0          0\n"
                    "  memory aliases            0          1          0          0\n"));
    CHECK(has(text, "database queries        count     failed       rows       time       mean\n"
                    "  load                      2          1          2    4.00 ms    2.00 ms\n"));
    CHECK(has(text, "evictions             entries      bytes\n"
                    "  memory capacity           3    4.0 KiB\n"));
    CHECK(has(text, "invalidations            keys\n"
                    "  memory publish            5\n"));
    CHECK(has(text, "latency                 calls     failed       mean        p50        p90        p99      p99.9"
                    "        max\n"
                    "  find                  1,980          0      10 ns      10 ns      10 ns      10 ns      10 ns"
                    "      10 ns\n"
                    "  insert                    1          1    1.50 ms    1.47 ms    1.47 ms    1.47 ms    1.47 ms"
                    "    1.50 ms\n"
                    "  touch                    20          0          -          -          -          -          -"
                    "          -\n"));
    CHECK(has(text, "hidden failures         count  last\n"
                    "  memory                    1  lookup: session cache: refused\n"));
    CHECK(text == report(snapshot));
}

TEST_CASE("a report leaves out what did not happen") {
    const auto text = report(MetricsSnapshot{});
    CHECK(text == "summary\n"
                  "  requests                  0\n"
                  "  queries/request       0.000\n"
                  "  hit ratio            0.00 %\n"
                  "  rebuilt                   0\n"
                  "  coalesced                 0\n"
                  "  entries                   0\n"
                  "  aliases                   0\n"
                  "  bytes                   0 B\n");
}

TEST_CASE("a wide cell widens its column") {
    MetricsSnapshot snapshot;
    snapshot.invalidations[Level::memory][Invalidation::fence] = 1'000'000'000'000;
    snapshot.invalidations[Level::memory][Invalidation::expel] = 7;
    CHECK(has(report(snapshot), "invalidations                    keys\n"
                                "  memory fence      1,000,000,000,000\n"
                                "  memory expel                      7\n"));
}

TEST_CASE("numbers, times and sizes are printed for people") {
    using namespace larder::detail;
    CHECK(grouped(0) == "0");
    CHECK(grouped(999) == "999");
    CHECK(grouped(1000) == "1,000");
    CHECK(grouped(123456) == "123,456");
    CHECK(grouped(~std::uint64_t{0}) == "18,446,744,073,709,551,615");
    CHECK(readable(Duration(0)) == "0 ns");
    CHECK(readable(Duration(999)) == "999 ns");
    CHECK(readable(Duration(1234)) == "1.23 us");
    CHECK(readable(Duration(45'600'000)) == "45.60 ms");
    CHECK(readable(90s) == "90.00 s");
    CHECK(readable_bytes(1023) == "1023 B");
    CHECK(readable_bytes(1536) == "1.5 KiB");
    CHECK(readable_bytes(std::uint64_t{5} << 40) == "5.0 TiB");
    CHECK(readable_bytes(std::uint64_t{5000} << 40) == "5000.0 TiB");
    CHECK(percent(0.98765) == "98.77 %");
}

TEST_CASE("the only format of a snapshot is {}") {
    CHECK_THROWS_AS(static_cast<void>(fmt::format(fmt::runtime("{:x}"), MetricsSnapshot{})), fmt::format_error);
    CHECK(fmt::format("[{:}]", MetricsSnapshot{}) == "[" + report(MetricsSnapshot{}) + "]");
}
