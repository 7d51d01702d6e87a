// SPDX-License-Identifier: BSL-1.0
#include "world.hpp"

#include <larder/cache/memory.hpp>
#include <larder/database/memory.hpp>
#include <larder/environment.hpp>
#include <larder/observe/metrics.hpp>
#include <larder/observe/prometheus.hpp>
#include <larder/observe/report.hpp>
#include <larder/repository/cached_repository.hpp>
#include <larder/repository/scope.hpp>
#include <larder/testing/sample.hpp>

#include <boost/asio/io_context.hpp>

#include <doctest/doctest.h>

#include <fmt/format.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

using namespace repository_tests;

namespace {

/// How often each verb is called: more often than one call in 256 is timed, and no multiple of that.
constexpr std::uint64_t times = 300;

template <class Policy = WriteThrough>
struct Counted {
    using Passes = CachedRepository<Pass, Stack<MemoryCache, MemoryDatabase>, Policy>;

    boost::asio::io_context context;
    MemoryTables tables;
    std::int64_t holder = MemoryDatabase<Holder>(tables).insert({}).value().id;
    Passes passes{{{}, tables}, {.sole_writer = true, .executor = context.get_executor()}};
    std::int64_t next = 1;

    Pass row() {
        Pass made = testing::sample_row<Pass>(next++);
        made.holder_id = holder;
        return made;
    }
    Pass insert() { return *passes.insert(row()).or_throw().row(); }

    /// What was counted while some work was done.
    template <class Work>
    MetricsSnapshot during(Work&& work) {
        const MetricsSnapshot before = passes.metrics();
        work();
        return passes.metrics() - before;
    }

    /// Expects that so many calls of one verb are counted as that, and as nothing else.
    template <class Call>
    MetricsSnapshot counts(Verb verb, Call&& call, std::uint64_t calls = times) {
        MetricsSnapshot counted = during([&] {
            for (std::uint64_t i = 0; i < calls; ++i) call();
        });
        INFO(name_of(verb));
        CHECK(counted.calls[verb] == calls);
        CHECK(counted.requests() == calls);
        return counted;
    }

    /// The same for asynchronous forms; `call` is handed a completion token.
    template <class Call>
    MetricsSnapshot counts_async(Verb verb, Call&& call, std::uint64_t calls = times) {
        std::uint64_t answers = 0;
        MetricsSnapshot counted = counts(
            verb,
            [&] {
                call([&](const Error&, const auto&) { ++answers; });
                context.restart();
                context.run();
            },
            calls);
        CHECK(answers == calls);
        return counted;
    }
};

std::uint64_t hits(const MetricsSnapshot& counted) { return counted.lookups[Level::memory][LookupOutcome::hit].records; }
std::uint64_t alias_hits(const MetricsSnapshot& counted) { return counted.lookups[Level::memory][LookupOutcome::hit].aliases; }
std::uint64_t misses(const MetricsSnapshot& counted) { return counted.lookups[Level::memory][LookupOutcome::miss].records; }

/// A clock that counts how often it is read for the sake of an observer.
template <class Observer>
struct CountingEnvironment : testing::BasicManualEnvironment<Observer> {
    std::shared_ptr<std::atomic<std::size_t>> readings = std::make_shared<std::atomic<std::size_t>>();
    SteadyTime precise_now() const noexcept {
        ++*readings;
        return this->now();
    }
};

template <class Observer>
std::size_t readings_of_the_clock() {
    const CountingEnvironment<Observer> env;
    MemoryTables tables;
    CachedRepository<Setting, Stack<MemoryCache, MemoryDatabase>, WriteThrough, CountingEnvironment<Observer>> settings({{}, tables}, {}, {}, env);
    settings.insert(testing::sample_row<Setting>(1)).or_throw();
    for (std::uint64_t i = 0; i < times; ++i) CHECK(settings.find("setting 1"));
    CHECK(settings.try_find("setting 1"));
    return *env.readings;
}

} // namespace

TEST_CASE("each call of a read is counted, hit or miss, and each hit is one") {
    Counted world;
    const Pass row = world.insert();
    world.passes.find_by<&Pass::code>(row.code);
    auto& passes = world.passes;
    const auto all_hit = [](const MetricsSnapshot& counted, bool alias) {
        CHECK(hits(counted) == times);
        CHECK(alias_hits(counted) == (alias ? times : 0));
        CHECK(counted.hit_ratio() == 1);
    };
    all_hit(world.counts(Verb::find, [&] { passes.find(row.id); }), false);
    all_hit(world.counts(Verb::find_by, [&] { passes.find_by<&Pass::code>(row.code); }), true);
    all_hit(world.counts(Verb::find_by, [&] { passes.find_by<&Pass::id>(row.id); }), false);
    all_hit(world.counts(Verb::find, [&] { passes.find_warm(row.id); }), false);
    all_hit(world.counts(Verb::find_by, [&] { passes.find_warm_by<&Pass::code>(row.code); }), true);
    all_hit(world.counts(Verb::find, [&] { passes.try_find(row.id); }), false);
    all_hit(world.counts(Verb::find_by, [&] { passes.try_find_by<&Pass::code>(row.code); }), true);
    all_hit(world.counts_async(Verb::find, [&](auto token) { passes.async_find(row.id, {}, token); }), false);
    all_hit(world.counts_async(Verb::find_by, [&](auto token) { passes.template async_find_by<&Pass::code>(row.code, {}, token); }), true);
    all_hit(world.counts_async(Verb::find, [&](auto token) { passes.async_find_warm(row.id, {}, token); }), false);
    all_hit(world.counts_async(Verb::find_by, [&](auto token) { passes.template async_find_warm_by<&Pass::code>(row.code, {}, token); }), true);
    all_hit(world.counts(Verb::find_many, [&] { passes.find_many({row.id}); }), false);
    all_hit(world.counts_async(Verb::find_many, [&](auto token) { passes.async_find_many({row.id}, {}, token); }), false);
    all_hit(world.counts(Verb::find_all_by, [&] { passes.find_all_by<&Pass::holder_id>(world.holder); }), false);
    all_hit(world.counts_async(Verb::find_all_by, [&](auto token) { passes.template async_find_all_by<&Pass::holder_id>(world.holder, {}, token); }), false);

    CHECK(hits(world.counts(Verb::peek, [&] { passes.peek(row.id); })) == 0); // what looks on is no hit
    CHECK(hits(world.counts_async(Verb::peek, [&](auto token) { passes.async_peek(row.id, token); })) == 0);
    CHECK(misses(world.counts(Verb::find, [&] { passes.find(row.id, truth); })) == 0);
    const auto tried = world.counts(Verb::find, [&] { passes.try_find(999); });
    CHECK(misses(tried) == times);
    CHECK(world.counts(Verb::find_by, [&] { passes.try_find_by<&Pass::code>("nothing"); }).lookups[Level::memory][LookupOutcome::miss].aliases == times);
    CHECK(misses(world.counts(Verb::find, [&] { passes.try_find(row.id, truth); })) == 0);
}

TEST_CASE("the hit ratio is exact") {
    Counted world;
    const Pass row = world.insert();
    world.passes.expel(row.id);
    const auto counted = world.during([&] {
        for (std::uint64_t i = 0; i < times; ++i) world.passes.find(row.id);
        for (std::uint64_t i = 0; i < 50; ++i) world.passes.try_find(999);
    });
    CHECK(hits(counted) == times - 1);
    CHECK(misses(counted) == 51);
    CHECK(counted.hit_ratio() == doctest::Approx(static_cast<double>(times - 1) / static_cast<double>(times + 50)).epsilon(1e-12));
    CHECK(counted.database_queries() == 1);
    CHECK(counted.queries_per_request() == doctest::Approx(1.0 / static_cast<double>(times + 50)).epsilon(1e-12));
}

TEST_CASE("an epoch is counted as often as the algorithm looks it up, also where the plain hit has seen it in vain") {
    Counted<Versioned<group_epoch>> world;
    const Pass row = world.insert();
    world.passes.find(row.id);
    const auto same = world.during([&] { world.passes.find(row.id); });
    CHECK(hits(same) == 1);
    CHECK(alias_hits(same) == 1);
    // Another process moves the epoch; here it is known once a row of the group is loaded, and the old copies are still there.
    Counted<Versioned<group_epoch>>::Passes elsewhere({{}, world.tables}, {});
    elsewhere.revoke_all_by<&Pass::holder_id>(world.holder).or_throw();
    KeySet<Pass> epoch;
    epoch.add<schema_of<Pass>::alias_end>(world.holder);
    world.passes.core()->nearest().expel(epoch);
    world.passes.find(world.insert().id);
    const auto moved = world.during([&] { CHECK(world.passes.find(row.id).absence() == Absence::revoked); });
    CHECK(moved.lookups[Level::memory][LookupOutcome::rejected].records == 1);
    CHECK(hits(moved) == 0);
    CHECK(alias_hits(moved) == 2); // for the old copy, and for the new one
}

TEST_CASE("each call of a write, and of what looks after the caches, is counted") {
    Counted world;
    auto& passes = world.passes;
    world.counts(Verb::insert, [&] { world.insert(); });
    world.counts_async(Verb::insert, [&](auto token) { passes.async_insert(world.row(), token); });
    Pass row = world.insert();
    world.counts(Verb::update, [&] { passes.update(row.id, [](Pass& pass) { pass.note += "x"; }); });
    world.counts_async(Verb::update, [&](auto token) { passes.async_update(row.id, [](Pass& pass) { pass.note += "x"; }, token); });
    world.counts(Verb::update, [&] { CHECK(passes.save(row).error() == errc::version_conflict); });
    world.counts_async(Verb::update, [&](auto token) { passes.async_save(row, token); });

    world.counts(Verb::touch, [&] { passes.touch(row.id); });
    world.counts_async(Verb::touch, [&](auto token) { passes.async_touch(row.id, token); });
    const auto found = passes.find(row.id);
    const auto not_due = world.counts(Verb::touch, [&] { CHECK(!passes.touch(found).changed()); });
    CHECK(not_due.latencies[Verb::touch].failed == 0);
    CHECK(not_due.database_queries() == 0);
    world.counts_async(Verb::touch, [&](auto token) { passes.async_touch(found, token); });
    CHECK(world.counts(Verb::touch, [&] { passes.touch(Found<Pass>()); }).latencies[Verb::touch].failed == times);

    const auto written = passes.update(row.id, [](Pass& pass) { pass.note = "last"; });
    world.counts(Verb::wait_effective, [&] { passes.wait_effective(written); });
    world.counts_async(Verb::wait_effective, [&](auto token) { passes.async_wait_effective(written, token); });
    world.counts(Verb::expel, [&] { passes.expel(row.id); });
    world.counts(Verb::expel, [&] { passes.expel_by<&Pass::code>(row.code); });
    world.counts(Verb::expel, [&] { passes.expel_all_by<&Pass::holder_id>(world.holder); });
    world.counts_async(Verb::expel, [&](auto token) { passes.async_expel(row.id, token); });
    world.counts_async(Verb::expel, [&](auto token) { passes.template async_expel_by<&Pass::code>(row.code, token); });
    world.counts(Verb::expire, [&] { passes.expire(row.id); });
    world.counts_async(Verb::expire, [&](auto token) { passes.async_expire(row.id, token); });
    world.counts(Verb::refresh, [&] { passes.refresh(row.id); });
    world.counts_async(Verb::refresh, [&](auto token) { passes.async_refresh(row.id, token); });
    world.counts(Verb::warm, [&] { passes.warm({row.id}); });
    world.counts_async(Verb::warm, [&](auto token) { passes.async_warm({row.id}, {}, token); });
    world.counts(Verb::warm, [&] { passes.warm_by<&Pass::holder_id>(999); });
    world.counts_async(Verb::warm, [&](auto token) { passes.template async_warm_by<&Pass::holder_id>(999, {}, token); });
    world.counts(Verb::revoke, [&] { passes.revoke(row.id); });
    world.counts_async(Verb::revoke, [&](auto token) { passes.async_revoke(row.id, Effect::may_be_pending, token); });
    world.counts(Verb::revoke_all, [&] { passes.revoke_all_by<&Pass::holder_id>(999); });
    world.counts_async(Verb::revoke_all, [&](auto token) { passes.template async_revoke_all_by<&Pass::holder_id>(999, token); });
    CHECK(world.counts(Verb::erase, [&] { passes.erase(row.id); }).latencies[Verb::erase].failed == times - 1);
    world.counts_async(Verb::erase, [&](auto token) { passes.async_erase(row.id, token); });
}

TEST_CASE("what a request scope knows is a call, too, and a hit of the scope") {
    Counted world;
    const Pass row = world.insert();
    auto scope = world.passes.scope();
    scope.find(row.id);
    const auto in_scope = [](const MetricsSnapshot& counted) {
        CHECK(counted.lookups[Level::scope][LookupOutcome::hit].records == times);
        CHECK(counted.lookups[Level::scope][LookupOutcome::miss].records == 0);
    };
    in_scope(world.counts(Verb::find, [&] { scope.find(row.id); }));
    in_scope(world.counts(Verb::find_by, [&] { scope.find_by<&Pass::code>(row.code); }));
    in_scope(world.counts_async(Verb::find, [&](auto token) { scope.async_find(row.id, {}, token); }));
    const auto missed = world.counts(Verb::find, [&] { scope.find(row.id, truth); });
    CHECK(missed.lookups[Level::scope][LookupOutcome::miss].records == times);
}

TEST_CASE("calls after a shutdown are calls that failed") {
    Counted world;
    const Pass row = world.insert();
    world.passes.find_by<&Pass::code>(row.code);
    world.passes.shutdown();
    const auto refused = [](const MetricsSnapshot& counted, Verb verb) {
        CHECK(counted.latencies[verb].failed == times);
        CHECK(hits(counted) + misses(counted) == 0);
    };
    refused(world.counts(Verb::find, [&] { CHECK(world.passes.find(row.id).error() == errc::stopped); }), Verb::find);
    refused(world.counts(Verb::find, [&] { CHECK(world.passes.find_warm(row.id).error() == errc::stopped); }), Verb::find);
    refused(world.counts(Verb::find, [&] { CHECK(world.passes.try_find(row.id).error() == errc::stopped); }), Verb::find);
    refused(world.counts(Verb::touch, [&] { CHECK(world.passes.touch(Found<Pass>()).error() == errc::stopped); }), Verb::touch);
    refused(world.counts(Verb::expel, [&] { CHECK(world.passes.expel_all_by<&Pass::holder_id>(world.holder).error() == errc::stopped); }), Verb::expel);
    refused(world.counts_async(Verb::find_by, [&](auto token) { world.passes.template async_find_by<&Pass::code>(row.code, {}, token); }), Verb::find_by);
}

TEST_CASE("times are samples: about as many as there are calls, and none that was not measured") {
    Counted world;
    const Pass row = world.insert();
    world.passes.find(row.id);
    const auto counted = world.during([&] {
        for (int i = 0; i < 256 * 40; ++i) world.passes.find(row.id);
    });
    CHECK(counted.calls[Verb::find] == 256 * 40);
    CHECK(counted.latencies[Verb::find].count() == 256 * 40);
}

TEST_CASE("the printed forms show the exact counts") {
    Counted world;
    const Pass row = world.insert();
    for (std::uint64_t i = 0; i < times; ++i) world.passes.find(row.id);
    world.passes.touch(world.passes.find(row.id));
    const auto metrics = world.passes.metrics();
    CHECK(prometheus(metrics).find("larder_calls_total{verb=\"find\"} 301\n") != std::string::npos);
    CHECK(prometheus(metrics).find("larder_calls_total{verb=\"touch\"} 1\n") != std::string::npos);
    const std::string text = fmt::format("{}", metrics);
    CHECK(text.find("  requests                303\n") != std::string::npos);
    CHECK(text.find("  find                    301 ") != std::string::npos);
}

TEST_CASE("where nobody listens no clock is read for the listener") {
    CHECK(readings_of_the_clock<NullObserver>() == 0);
    CHECK(readings_of_the_clock<Metrics>() > 0);
}
