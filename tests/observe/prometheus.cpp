// SPDX-License-Identifier: BSL-1.0
#include "prometheus_page.hpp"

#include <larder/observe/metrics.hpp>
#include <larder/observe/prometheus.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

using namespace larder;
using namespace std::chrono_literals;
using Labels = PrometheusPage::Labels;

namespace {

MetricsSnapshot sample_snapshot() {
    const auto metrics = std::make_unique<Metrics>();
    for (int i = 0; i < 7; ++i) metrics->on(event::Hit{Verb::find, Level::memory, false, 80ns, i == 0 ? 256U : 0U});
    metrics->on(event::Lookup{Level::memory, LookupOutcome::miss, true});
    metrics->on(event::Fill{Level::memory, FillOutcome::outdated, true});
    metrics->on(event::Query{QueryKind::load_by, 1500us, 1, false});
    metrics->on(event::Query{QueryKind::load_by, 500us, 0, true});
    metrics->on(event::Coalesced{});
    metrics->on(event::Rebuilt{3});
    metrics->on(event::StaleServed{StaleCause::database_failed});
    metrics->on(event::Evicted{Level::memory, EvictionCause::bytes, 2, 900});
    metrics->on(event::Invalidated{Level::memory, Invalidation::expel, 5});
    const Error failure(errc::cache_unavailable, "refused");
    metrics->on(event::HiddenFailure{Level::memory, "lookup", failure});
    metrics->on(event::Finished{Verb::touch, 0ns, false, 0});
    metrics->on(event::Finished{Verb::find, 2ms, true, 1});
    metrics->on(event::Finished{Verb::find, 2min, false, 1});
    auto snapshot = metrics->snapshot();
    snapshot.entries = 11;
    snapshot.aliases = 22;
    snapshot.bytes = 33;
    return snapshot;
}

std::string refusal(const PrometheusOptions& options) {
    try {
        static_cast<void>(prometheus(MetricsSnapshot{}, options));
    } catch (const Failure& failure) {
        CHECK(failure.error() == errc::invalid_options);
        return failure.error().text;
    }
    return "";
}

} // namespace

TEST_CASE("the page holds every figure of the snapshot") {
    const auto text = prometheus(sample_snapshot());
    const PrometheusPage page(text);
    CHECK(page.value("larder_lookups_total", {{"level", "memory"}, {"outcome", "hit"}, {"target", "record"}}) == 7);
    CHECK(page.value("larder_lookups_total", {{"level", "memory"}, {"outcome", "miss"}, {"target", "alias"}}) == 1);
    CHECK(page.value("larder_lookups_total", {{"level", "memory"}, {"outcome", "failed"}, {"target", "record"}}) == 0);
    CHECK(page.value("larder_fills_total", {{"level", "memory"}, {"outcome", "outdated"}, {"target", "alias"}}) == 1);
    CHECK(page.value("larder_queries_total", {{"kind", "load_by"}}) == 2);
    CHECK(page.value("larder_queries_failed_total", {{"kind", "load_by"}}) == 1);
    CHECK(page.value("larder_query_rows_total", {{"kind", "load_by"}}) == 1);
    CHECK(page.value("larder_query_seconds_total", {{"kind", "load_by"}}) == doctest::Approx(0.002));
    CHECK(page.value("larder_queries_total", {{"kind", "clock"}}) == 0);
    CHECK(page.value("larder_coalesced_total", {}) == 1);
    CHECK(page.value("larder_rebuilt_total", {}) == 3);
    CHECK(page.value("larder_stale_answers_total", {{"cause", "database_failed"}}) == 1);
    CHECK(page.value("larder_evictions_total", {{"level", "memory"}, {"cause", "bytes"}}) == 2);
    CHECK(page.value("larder_evicted_bytes_total", {{"level", "memory"}, {"cause", "bytes"}}) == 900);
    CHECK(page.value("larder_invalidations_total", {{"level", "memory"}, {"kind", "expel"}}) == 5);
    CHECK(page.value("larder_hidden_failures_total", {{"level", "memory"}}) == 1);
    CHECK(page.value("larder_calls_total", {{"verb", "find"}}) == 9);
    CHECK(page.value("larder_calls_total", {{"verb", "touch"}}) == 1);
    CHECK(page.families().at("larder_calls_total").samples.size() == 2);
    CHECK(page.value("larder_call_failures_total", {{"verb", "find"}}) == 1);
    CHECK(page.value("larder_call_failures_total", {{"verb", "touch"}}) == 0);
    CHECK(page.value("larder_entries", {}) == 11);
    CHECK(page.value("larder_aliases", {}) == 22);
    CHECK(page.value("larder_bytes", {}) == 33);
    CHECK(page.families().at("larder_entries").type == "gauge");
    CHECK(page.families().size() == 19);
}

TEST_CASE("latencies are a cumulative histogram in seconds") {
    const auto text = prometheus(sample_snapshot());
    const PrometheusPage page(text);
    const auto bucket = [&](const std::string& le) {
        return page.value("larder_call_duration_seconds_bucket", {{"verb", "find"}, {"le", le}});
    };
    CHECK(bucket("1e-07") == 256);
    CHECK(bucket("0.001") == 256);
    CHECK(bucket("0.0025") == 257);
    CHECK(bucket("10") == 257);
    CHECK(bucket("+Inf") == 258);
    CHECK(page.value("larder_call_duration_seconds_count", {{"verb", "find"}}) == 258);
    CHECK(page.value("larder_call_duration_seconds_sum", {{"verb", "find"}}) == doctest::Approx(120.00202048));
    const auto own = prometheus(sample_snapshot(), {.bounds = {1ms, 1min}});
    const PrometheusPage own_page(own);
    CHECK(own_page.value("larder_call_duration_seconds_bucket", {{"verb", "find"}, {"le", "60"}}) == 257);
    CHECK(own_page.families().at("larder_call_duration_seconds").samples.size() == 5);
    const auto unbounded = prometheus(sample_snapshot(), {.bounds = {}});
    CHECK(PrometheusPage(unbounded).families().at("larder_call_duration_seconds").samples.size() == 3);
}

TEST_CASE("an empty snapshot is a valid page without levels or verbs") {
    const auto text = prometheus(MetricsSnapshot{});
    const PrometheusPage page(text);
    CHECK(page.families().at("larder_lookups_total").samples.empty());
    CHECK(page.families().at("larder_call_duration_seconds").samples.empty());
    CHECK(page.value("larder_queries_total", {{"kind", "load"}}) == 0);
}

TEST_CASE("a page begins as the format says") {
    const auto text = prometheus(MetricsSnapshot{});
    CHECK(text.starts_with("# HELP larder_lookups_total Lookups in the cache tiers.\n"
                           "# TYPE larder_lookups_total counter\n"));
    CHECK(prometheus_content_type == "text/plain; version=0.0.4; charset=utf-8");
}

TEST_CASE("labels' values are escaped") {
    const std::string nasty = "a\\b\"c\nd, e=\"f\"} 7 \xc3\xa9";
    const auto text = prometheus(sample_snapshot(), {.prefix = "app_cache", .labels = {{"entity", nasty}}});
    CHECK(text.find("entity=\"a\\\\b\\\"c\\nd, e=\\\"f\\\"} 7 \xc3\xa9\"") != text.npos);
    const PrometheusPage page(text);
    CHECK(page.value("app_cache_rebuilt_total", {{"entity", nasty}}) == 3);
    CHECK(page.value("app_cache_call_duration_seconds_count", {{"entity", nasty}, {"verb", "find"}}) == 258);
}

TEST_CASE("several sources share each metric's lines") {
    const std::vector<PrometheusSource> sources{{sample_snapshot(), {{"entity", "Session"}}},
                                                {MetricsSnapshot{}, {{"entity", "User"}}}};
    const auto text = prometheus(sources, {.labels = {{"service", "login"}}});
    const PrometheusPage page(text);
    CHECK(page.value("larder_rebuilt_total", {{"service", "login"}, {"entity", "Session"}}) == 3);
    CHECK(page.value("larder_rebuilt_total", {{"service", "login"}, {"entity", "User"}}) == 0);

    const std::vector<PrometheusSource> same{{MetricsSnapshot{}, {{"a", "1"}, {"b", "2"}}},
                                             {MetricsSnapshot{}, {{"b", "2"}, {"a", "1"}}}};
    CHECK_THROWS_AS(static_cast<void>(prometheus(same)), Failure);

    const PrometheusPage nothing(prometheus(std::vector<PrometheusSource>{}));
    CHECK(nothing.families().size() == page.families().size());
    for (const auto& [name, family] : nothing.families()) CHECK(family.samples.empty());
}

TEST_CASE("options that the format forbids are refused with a sentence") {
    CHECK(refusal({}) == "");
    CHECK(refusal({.prefix = ""}).find("the prefix ''") != std::string::npos);
    CHECK(refusal({.prefix = "2fast"}).find("the prefix '2fast'") != std::string::npos);
    CHECK(refusal({.prefix = "my-app"}).find("the prefix 'my-app'") != std::string::npos);
    CHECK(refusal({.labels = {{"", "x"}}}).find("'' is not the name of a label") != std::string::npos);
    CHECK(refusal({.labels = {{"a b", "x"}}}).find("'a b' is not") != std::string::npos);
    CHECK(refusal({.labels = {{"__name__", "x"}}}).find("'__name__' is not") != std::string::npos);
    for (const char* own : {"cause", "kind", "le", "level", "outcome", "target", "verb"})
        CHECK(refusal({.labels = {{own, "x"}}}).find("the exposition's own") != std::string::npos);
    CHECK(refusal({.labels = {{"a", "x"}, {"a", "y"}}}).find("'a' is given twice") != std::string::npos);
    CHECK(refusal({.bounds = {0s}}).find("not above 0") != std::string::npos);
    CHECK(refusal({.bounds = {2s, 1s}}).find("do not ascend") != std::string::npos);
    CHECK(refusal({.bounds = {1s, 1s}}).find("do not ascend") != std::string::npos);
    CHECK(refusal({.bounds = {1s, 2min}}).find("beyond its range") != std::string::npos);
}

TEST_CASE("the reader of this test refuses what the format forbids") {
    const std::string head = "# HELP a_total x\n# TYPE a_total counter\n";
    const std::string histogram = "# HELP h x\n# TYPE h histogram\n";
    CHECK(PrometheusPage(head + "a_total{l=\"\\\\ \\\" \\n\"} 1\n").value("a_total", {{"l", "\\ \" \n"}}) == 1);
    CHECK_NOTHROW(PrometheusPage(histogram + "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n"));
    for (const std::string& bad : {
             head + "a_total 1",
             head + "\na_total 1\n",
             head + head + "a_total 1\n",
             head + "a_total{l=\"x\"y\"} 1\n",
             head + "a_total{l=\"\\t\"} 1\n",
             head + "a_total{l=\"x} 1\n",
             head + "a_total{l=x} 1\n",
             head + "a_total{1l=\"x\"} 1\n",
             head + "a_total{l=\"x\",l=\"y\"} 1\n",
             head + "a_total{le=\"x\"} 1\n",
             head + "a_total{l=\"x\"}1\n",
             head + "a_total one\n",
             head + "a_total 1 2\n",
             head + "a_total -1\n",
             head + "a_total nan\n",
             head + "a_total 1\na_total 1\n",
             head + "b_total 1\n",
             head + "# HELP b_total y\n# TYPE b_total counter\na_total 1\n",
             head + "# HELP b_total y\n# TYPE b_total counter\n" + "# HELP a_total x\n",
             std::string("a_total 1\n"),
             std::string("# TYPE a_total counter\na_total 1\n"),
             std::string("# HELP a_total x\na_total 1\n"),
             std::string("# HELP a x\n# TYPE a counter\n"),
             std::string("# HELP a_total \\t\n# TYPE a_total counter\n"),
             std::string("# HELP a_total x\n# TYPE a_total number\n"),
             std::string("#HELP a_total x\n"),
             histogram + "h 1\n",
             histogram + "h_bucket{le=\"1\"} 1\nh_sum 3\nh_count 1\n",
             histogram + "h_bucket{le=\"1\"} 3\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n",
             histogram + "h_bucket{le=\"+Inf\"} 2\nh_bucket{le=\"1\"} 1\nh_sum 3\nh_count 2\n",
             histogram + "h_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 3\n",
             histogram + "h_bucket{le=\"+Inf\"} 2\nh_count 2\n",
             histogram + "h_bucket{le=\"+Inf\"} 2\nh_sum 3\n",
             histogram + "h_bucket 2\nh_sum 3\nh_count 2\n",
             histogram + "h_sum 3\nh_count 2\n",
         }) {
        INFO(bad);
        CHECK_THROWS_AS(PrometheusPage{bad}, std::runtime_error);
    }
}
