// SPDX-License-Identifier: BSL-1.0
#include "../../examples/session_load/tally.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <utility>

using namespace load;
using namespace std::chrono_literals;

TEST_CASE("the load program's percentiles are within an eighth of the times") {
    Latencies latencies;
    CHECK(latencies.quantile(0.5) == 0ns);
    for (int i = 1; i <= 1000; ++i) latencies.add(i * 10us);
    CHECK(latencies.count() == 1000);
    CHECK(latencies.longest() == 10ms);
    for (const auto& [share, exact] : {std::pair{0.5, 5000us}, {0.9, 9000us}, {0.99, 9900us}, {1.0, 10'000us}}) {
        CAPTURE(share);
        CHECK(latencies.quantile(share) >= exact);
        CHECK(latencies.quantile(share) <= exact + exact / 8 + 1us);
    }
    latencies.add(30h);
    CHECK(latencies.quantile(1) == 30h);
}

TEST_CASE("the load program counts what came of its requests") {
    Tally tally;
    Answer answer;
    answer.status = 200;
    answer.source = "memory";
    answer.stale = true;
    tally.note(Kind::me, answer, 1ms);
    answer.status = 401;
    tally.note(Kind::me, answer, 1ms);
    answer.status = 503;
    answer.code = "unavailable";
    tally.note(Kind::me, answer, 1ms);
    CHECK(tally.in_doubt == 0);
    CHECK(tally.trouble == "unavailable");
    tally.note(Kind::logout, answer, 1ms);
    CHECK(tally.in_doubt == 1);
    const KindTally& me = tally.kinds[static_cast<std::size_t>(Kind::me)];
    CHECK(me.accepted == 1);
    CHECK(me.refused == 1);
    CHECK(me.unanswered == 1);
    CHECK(tally.answered() == 2);
    CHECK(tally.stale == 1);
    CHECK(tally.sources.at("memory") == 1);

    Violation violation;
    for (std::size_t i = 0; i < Tally::told_at_most + 5; ++i) tally.note(violation);
    CHECK(tally.broken() == Tally::told_at_most + 5);
    CHECK(tally.told.size() == Tally::told_at_most);
}
