// SPDX-License-Identifier: BSL-1.0
#include "live.hpp"

#include "store_answers.hpp"

#include <larder/observe/latency.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include <unistd.h>

namespace server {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr auto between_snapshots = std::chrono::seconds(1);
constexpr auto between_reapings = std::chrono::seconds(5);

/// The look-ups by which one judges a cache: of rows, or where it keeps none, of what leads to them.
struct Shares {
    std::uint64_t hits = 0;
    std::uint64_t misses = 0; ///< In the last tier: what one misses the next is asked for.
};

Shares shares_of(const larder::MetricsSnapshot& counted, bool rows) {
    Shares shares;
    for (const auto level : {larder::Level::memory, larder::Level::shared}) {
        std::uint64_t missed = 0;
        counted.lookups[level].for_each([&](larder::LookupOutcome outcome, const auto& lookups) {
            const auto count = rows ? lookups.records : lookups.aliases;
            if (outcome == larder::LookupOutcome::hit || outcome == larder::LookupOutcome::negative_hit)
                shares.hits += count;
            else if (outcome != larder::LookupOutcome::waited)
                missed += count;
        });
        if (counted.used(level)) shares.misses = missed;
    }
    return shares;
}

json::object answers_in(const larder::MetricsSnapshot& counted) {
    const auto hits = [&](larder::Level level) { return counted.lookups[level][larder::LookupOutcome::hit].records; };
    std::uint64_t absent = 0;
    for (const auto level : {larder::Level::memory, larder::Level::shared}) absent += counted.lookups[level][larder::LookupOutcome::negative_hit].total();
    std::uint64_t loaded = counted.coalesced;
    for (const auto kind : {larder::QueryKind::load, larder::QueryKind::load_by, larder::QueryKind::load_many}) loaded += counted.queries[kind].rows;
    for (const auto kind : {larder::QueryKind::load, larder::QueryKind::load_by}) {
        const auto& queries = counted.queries[kind];
        absent += queries.count - std::min(queries.count, queries.rows + queries.failed);
    }
    return {{"memory", hits(larder::Level::memory)}, {"shared", hits(larder::Level::shared)}, {"database", loaded}, {"absent", absent}};
}

std::uint64_t writes_in(const larder::MetricsSnapshot& counted) {
    std::uint64_t writes = 0;
    for (const auto kind : {larder::QueryKind::insert, larder::QueryKind::update, larder::QueryKind::erase, larder::QueryKind::touch, larder::QueryKind::revoke_group}) writes += counted.queries[kind].count;
    return writes;
}

std::uint64_t failed_calls_in(const larder::MetricsSnapshot& counted) {
    std::uint64_t failed = 0;
    for (const auto& latency : counted.latencies.values) failed += latency.failed;
    return failed;
}

std::uint64_t failed_queries_in(const larder::MetricsSnapshot& counted) {
    std::uint64_t failed = 0;
    for (const auto& queries : counted.queries.values) failed += queries.failed;
    return failed;
}

/// The times of the calls of all verbs.
larder::Latency latency_of(const larder::MetricsSnapshot& counted) {
    larder::Latency all;
    for (const auto& latency : counted.latencies.values) {
        if (all.buckets.size() < latency.buckets.size()) all.buckets.resize(latency.buckets.size());
        for (std::size_t i = 0; i < latency.buckets.size(); ++i) all.buckets[i] += latency.buckets[i];
        all.longest = std::max(all.longest, latency.longest);
    }
    return all;
}

double microseconds(larder::Duration span) { return std::chrono::duration<double, std::micro>(span).count(); }
std::int64_t milliseconds(larder::Duration span) { return std::chrono::ceil<std::chrono::milliseconds>(span).count(); }

} // namespace

Live::Live(asio::io_context& context, Service& service, Process process)
    : strand_(asio::make_strand(asio::any_io_executor(context.get_executor()))), watching_(strand_), reaping_(strand_), service_(service), process_(std::move(process)) {
    earlier_.push_back(service_.metrics());
}

void Live::start(Tiers& tiers) {
    asio::co_spawn(strand_, watch(tiers), asio::detached);
    asio::co_spawn(strand_, reap(), asio::detached);
}

void Live::stop() {
    asio::post(strand_, [this] {
        stopping_ = true;
        watching_.cancel();
        reaping_.cancel();
    });
}

Awaitable<bool> Live::rest(asio::steady_timer& timer, Clock::duration span) {
    if (stopping_) co_return false;
    timer.expires_after(span);
    auto waiting = timer.async_wait(asio::as_tuple(asio::use_awaitable));
    co_await std::move(waiting);
    co_return !stopping_;
}

Awaitable<void> Live::watch(Tiers& tiers) {
    bool more = true;
    while (more) {
        auto snapshot = service_.metrics();
        tiers.note_failed_queries(failed_queries_in(snapshot));
        {
            const std::scoped_lock lock(mutex_);
            earlier_.push_back(std::move(snapshot));
            if (earlier_.size() > snapshots_kept) earlier_.pop_front();
        }
        if (tiers.looks_ill()) co_await tiers.look();
        more = co_await rest(watching_, between_snapshots);
    }
}

Awaitable<void> Live::reap() {
    bool more = co_await rest(reaping_, between_reapings);
    while (more) {
        auto reaping = service_.expire();
        const larder::Reaped reaped = co_await std::move(reaping);
        if (reaped && reaped.expired != 0) events.add("expired", fmt::format("{} whose time was up", sessions_in_words(reaped.expired)));
        if (reaped && reaped.more && !stopping_) continue;
        more = co_await rest(reaping_, between_reapings);
    }
}

/// What is pending for longer than this, though Redis is there and nothing is owed to it, has been told meanwhile.
larder::Duration Live::told_to_all() const {
    const auto redis = service_.redis();
    return redis && redis->connected && redis->owed == 0 ? service_.staleness_bound() : larder::Duration::max() / 4;
}

std::uint64_t Live::failed_calls() const { return failed_calls_in(service_.metrics()); }

json::object Live::now() {
    const auto counted = service_.metrics();
    larder::Latency latency;
    {
        const std::scoped_lock lock(mutex_);
        latency = latency_of(counted - earlier_.front());
    }
    const auto [hits, misses] = shares_of(counted, service_.keeps_rows());
    const auto pending = service_.usage.pending.now(told_to_all());
    return {{"process", {{"pid", ::getpid()}, {"port", process_.port}, {"stack", process_.stack}, {"policy", service_.policy()}, {"uptime_ms", milliseconds(Clock::now() - began_)}}},
            {"totals",
             {{"requests", counted.requests()},
              {"answers", answers_in(counted)},
              {"hits", hits},
              {"misses", misses},
              {"queries", counted.database_queries()},
              {"writes", writes_in(counted)},
              {"pending_writes", pending.total},
              {"stale_served", counted.stale_answers()},
              {"errors", failed_calls_in(counted)}}},
            {"now",
             {{"entries", counted.entries},
              {"bytes", counted.bytes},
              {"pending", pending.count},
              {"pending_bound_ms", milliseconds(pending.bound)},
              {"staleness_bound_ms", milliseconds(service_.staleness_bound())}}},
            {"latency_us", {{"p50", microseconds(latency.p50())}, {"p90", microseconds(latency.p90())}, {"p99", microseconds(latency.p99())}}},
            {"events", events.newest()}};
}

} // namespace server
