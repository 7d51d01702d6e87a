// SPDX-License-Identifier: BSL-1.0
#include <larder/observe/latency.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

using namespace larder;
using namespace std::chrono_literals;
using larder::detail::LatencyCells;
using larder::detail::LatencyScale;

namespace {

class Recorder {
public:
    void record(Duration took, bool failed = false, std::uint32_t weight = 1) { cells_->record(took, failed, weight); }

    Latency latency() const {
        Latency result;
        result.add(*cells_);
        return result;
    }

private:
    std::unique_ptr<LatencyCells> cells_ = std::make_unique<LatencyCells>();
};

std::int64_t exact_quantile(const std::vector<std::int64_t>& sorted, double q) {
    const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(sorted.size())));
    return sorted[std::max<std::size_t>(rank, 1) - 1];
}

void check_bucket(std::uint64_t value) {
    const auto index = LatencyScale::index_of(value);
    INFO("value ", value);
    REQUIRE(index < LatencyScale::last);
    CHECK(LatencyScale::lowest(index) <= value);
    CHECK(value <= LatencyScale::highest(index));
    const auto middle = LatencyScale::middle(index);
    const auto error = middle > value ? middle - value : value - middle;
    CHECK(32 * error <= value);
}

/// Compares the figures of random times with the exact ones.
template <class Draw> void check_accuracy(Draw draw, std::uint32_t heaviest) {
    std::mt19937_64 engine(20240607);
    Recorder recorder;
    std::vector<std::int64_t> exact;
    double sum = 0;
    while (exact.size() < 50'000) {
        const auto time = static_cast<std::int64_t>(draw(engine));
        const auto weight = static_cast<std::uint32_t>(1 + engine() % heaviest);
        recorder.record(Duration(time), false, weight);
        exact.insert(exact.end(), weight, time);
        sum += static_cast<double>(time) * weight;
    }
    std::sort(exact.begin(), exact.end());
    const auto latency = recorder.latency();
    CHECK(latency.count() == exact.size());
    CHECK(latency.max().count() == exact.back());
    CHECK(std::abs(static_cast<double>(latency.mean().count()) - sum / static_cast<double>(exact.size())) <= 1);
    for (const double q : {0.0, 0.001, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 0.9999, 1.0}) {
        const auto wanted = exact_quantile(exact, q);
        const auto given = latency.quantile(q).count();
        INFO("quantile ", q, " wanted ", wanted, " given ", given);
        CHECK(32 * std::abs(given - wanted) <= wanted);
    }
    CHECK(latency.p50() == latency.quantile(0.5));
    CHECK(latency.p90() == latency.quantile(0.9));
    CHECK(latency.p99() == latency.quantile(0.99));
    CHECK(latency.p999() == latency.quantile(0.999));
}

} // namespace

TEST_CASE("each value is in the bucket that holds it, within 1/32 of its middle") {
    for (std::uint64_t value = 0; value < 5000; ++value) check_bucket(value);
    for (unsigned bit = 5; bit < LatencyScale::top_bits; ++bit)
        for (const std::uint64_t around : {~std::uint64_t{0}, std::uint64_t{0}, std::uint64_t{1}})
            check_bucket((std::uint64_t{1} << bit) + around);
    check_bucket(LatencyScale::top - 1);
    CHECK(LatencyScale::index_of(LatencyScale::top) == LatencyScale::last);
    CHECK(LatencyScale::index_of(~std::uint64_t{0}) == LatencyScale::last);
    for (std::size_t i = 0; i < LatencyScale::last; ++i) {
        CHECK(LatencyScale::index_of(LatencyScale::lowest(i)) == i);
        CHECK(LatencyScale::index_of(LatencyScale::highest(i)) == i);
    }
}

TEST_CASE("quantiles of random times are within 1/32 of the exact ones") {
    SUBCASE("uniform") { check_accuracy(std::uniform_int_distribution<std::int64_t>(0, 1'000'000), 1); }
    SUBCASE("small") { check_accuracy(std::uniform_int_distribution<std::int64_t>(0, 40), 1); }
    SUBCASE("log-normal") { check_accuracy(std::lognormal_distribution<double>(10, 2), 1); }
    SUBCASE("log-normal, weighted") { check_accuracy(std::lognormal_distribution<double>(10, 2), 256); }
    SUBCASE("hits and misses") {
        check_accuracy(
            [](auto& engine) { return engine() % 20 == 0 ? 1'000'000 + engine() % 500'000 : 80 + engine() % 40; }, 3);
    }
}

TEST_CASE("one sample is all quantiles, exactly") {
    Recorder recorder;
    recorder.record(1'234'567ns);
    const auto latency = recorder.latency();
    CHECK(latency.quantile(0) <= 1'234'567ns);
    CHECK(32 * (1'234'567ns - latency.p50()) <= 1'234'567ns);
    CHECK(latency.max() == 1'234'567ns);
    CHECK(latency.mean() == 1'234'567ns);
}

TEST_CASE("without a call every figure is 0") {
    const Latency latency;
    CHECK(latency.count() == 0);
    CHECK(latency.p99() == 0ns);
    CHECK(latency.mean() == 0ns);
    CHECK(latency.max() == 0ns);
    CHECK(latency.count_up_to(1h) == 0);
}

TEST_CASE("a sample stands for as many calls as its weight says, and each failure counts") {
    Recorder recorder;
    recorder.record(10ns, false, 99);
    recorder.record(1000ns, true, 1);
    recorder.record(5000ns, true, 0);
    const auto latency = recorder.latency();
    CHECK(latency.count() == 100);
    CHECK(latency.failed == 2);
    CHECK(latency.quantile(0.99) == 10ns);
    CHECK(latency.max() == 1000ns);
    CHECK(latency.mean() == 19ns);
}

TEST_CASE("times out of the range are kept sane") {
    Recorder recorder;
    recorder.record(-5ns);
    CHECK(recorder.latency().count() == 1);
    CHECK(recorder.latency().max() == 0ns);
    recorder.record(10min);
    CHECK(recorder.latency().p999() == 10min);
    recorder.record(Duration::max(), false, 256);
    const auto latency = recorder.latency();
    CHECK(latency.max() == LatencyCells::longest_recorded);
    CHECK(latency.quantile(1) == LatencyCells::longest_recorded);
    CHECK(latency.mean() <= LatencyCells::longest_recorded);
    CHECK(latency.mean() > 23h);
}

TEST_CASE("a quantile out of range, or none at all, is brought into range") {
    Recorder recorder;
    recorder.record(3ns);
    recorder.record(7ns);
    CHECK(recorder.latency().quantile(-1) == 3ns);
    CHECK(recorder.latency().quantile(2) == 7ns);
    CHECK(recorder.latency().quantile(std::nan("")) == 3ns);
}

TEST_CASE("cumulative counts grow with the bound and never shrink with more calls") {
    Recorder recorder;
    recorder.record(240ns);
    // The bounds from 240 to 255 ns cut the call's own bucket.
    std::vector<std::uint64_t> before;
    for (int bound = 230; bound < 270; ++bound) before.push_back(recorder.latency().count_up_to(Duration(bound)));
    CHECK(std::is_sorted(before.begin(), before.end()));
    CHECK(before.front() == 0);
    CHECK(before.back() == 1);
    recorder.record(1ms);
    recorder.record(2h);
    for (int bound = 230; bound < 270; ++bound)
        CHECK(recorder.latency().count_up_to(Duration(bound)) == before[static_cast<std::size_t>(bound - 230)]);
    CHECK(recorder.latency().count_up_to(1s) == 2);
    CHECK(recorder.latency().count_up_to(Latency::longest_bound - 1ns) == 2);
}

TEST_CASE("stripes add up") {
    Recorder one;
    Recorder two;
    one.record(5ns, true);
    two.record(7us, false, 3);
    auto sum = one.latency();
    const auto cells = std::make_unique<LatencyCells>();
    cells->record(7us, false, 3);
    sum.add(*cells);
    CHECK(sum.count() == 4);
    CHECK(sum.failed == 1);
    CHECK(sum.max() == 7us);
    CHECK(sum.nanoseconds == 21'005);
}

TEST_CASE("a difference holds the calls between two readings") {
    Recorder recorder;
    recorder.record(1ms, true);
    recorder.record(10us);
    const auto earlier = recorder.latency();
    CHECK(earlier.since(earlier) == Latency{});

    recorder.record(10us, false, 4);
    auto between = recorder.latency().since(earlier);
    CHECK(between.count() == 4);
    CHECK(between.failed == 0);
    CHECK(between.mean() == 10us);
    // The maximum of 1 ms came before; the slowest bucket in use tells what is known.
    CHECK(between.max() >= 10us);
    CHECK(between.max() < 11us);

    recorder.record(5ms, true);
    between = recorder.latency().since(earlier);
    CHECK(between.max() == 5ms);
    CHECK(between.failed == 1);
    CHECK(earlier.since(recorder.latency()).count() == 0);

    recorder.record(2min);
    CHECK(recorder.latency().since(earlier).max() == 2min);
}
