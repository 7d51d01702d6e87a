// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/fwd.hpp>
#include <larder/observe/detail/failure_text.hpp>
#include <larder/observe/detail/thread_slot.hpp>
#include <larder/observe/enum_table.hpp>
#include <larder/observe/event.hpp>
#include <larder/observe/latency.hpp>
#include <larder/observe/snapshot.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>

namespace larder {
inline namespace v0 {

/// The default observer: counts every event and keeps a histogram of latencies for each verb.
///
/// Calls, lookups and all other events are counted exactly; times of hits are samples. All members may be called from any
/// thread at once. `on` takes no lock and allocates nothing, but for the text of a hidden failure, and does not throw. Each
/// thread counts in a stripe of its own; the first 64 threads alive count their calls and lookups without a locked instruction. Counters never decrease and are never torn: a thread that takes
/// snapshots sees each counter grow, and what happened before a snapshot is in it. A large object; neither copied nor
/// moved.
struct Metrics {
    void on(const event::Lookup& lookup) noexcept {
        const auto slot = detail::thread_slot();
        auto& count = hits_.of(slot).lookups[lookup.level][lookup.outcome];
        increment(lookup.alias ? count.aliases : count.records, slot);
    }

    void on(const event::Hit& hit) noexcept {
        const auto slot = detail::thread_slot();
        auto& count = plain_hits_.of(slot)[hit.verb][hit.level];
        increment(hit.alias ? count.aliases : count.records, slot);
        if (hit.weight != 0) latencies_.of(slot)[hit.verb].record(hit.took, false, hit.weight);
    }

    void on(const event::Query& query) noexcept {
        auto& count = events().queries[query.kind];
        add(count.count, 1);
        if (query.failed) add(count.failed, 1);
        add(count.rows, query.rows);
        if (query.took > Duration::zero()) add(count.nanoseconds, static_cast<std::uint64_t>(query.took.count()));
    }

    void on(const event::Coalesced&) noexcept { add(events().coalesced, 1); }

    void on(const event::Rebuilt& rebuilt) noexcept { add(events().rebuilt, rebuilt.rows); }

    void on(const event::StaleServed& stale) noexcept { add(events().stale[stale.cause], 1); }

    void on(const event::Fill& fill) noexcept {
        auto& count = events().fills[fill.level][fill.outcome];
        add(fill.alias ? count.aliases : count.records, 1);
    }

    void on(const event::Evicted& evicted) noexcept {
        auto& count = events().evictions[evicted.level][evicted.cause];
        add(count.entries, evicted.entries);
        add(count.bytes, evicted.bytes);
    }

    void on(const event::Invalidated& invalidated) noexcept {
        add(events().invalidations[invalidated.level][invalidated.kind], invalidated.keys);
    }

    void on(const event::HiddenFailure& failure) noexcept {
        add(events().hidden_failures[failure.level], 1);
        const std::scoped_lock lock(last_failure_mutex_);
        auto& text = last_failure_[failure.level];
        try {
            text = detail::text_of(failure);
        } catch (...) { // out of memory: the failure is counted all the same
            text.clear();
        }
    }

    void on(const event::Finished& finished) noexcept {
        const auto slot = detail::thread_slot();
        latencies_.of(slot)[finished.verb].record(finished.took, finished.failed, finished.weight);
        increment(hits_.of(slot).calls[finished.verb], slot);
    }

    /// What was counted until now; the gauges are 0. Allocates; O(counters and buckets of all stripes).
    MetricsSnapshot snapshot() const {
        MetricsSnapshot result;
        const auto sum = [](std::uint64_t& into, const Cell& from) { into += from.load(std::memory_order_relaxed); };
        hits_.for_each([&](const HitCounters<Cell>& stripe) {
            detail::zip_leaves(static_cast<HitCounters<std::uint64_t>&>(result), stripe, sum);
        });
        plain_hits_.for_each([&](const PlainHits& stripe) {
            stripe.for_each([&](Verb verb, const auto& levels) {
                levels.for_each([&](Level level, const RecordsAndAliases<Cell>& count) {
                    const auto aliases = count.aliases.load(std::memory_order_relaxed);
                    const auto calls = count.records.load(std::memory_order_relaxed) + aliases;
                    result.calls[verb] += calls;
                    result.lookups[level][LookupOutcome::hit].records += calls;
                    result.lookups[level][LookupOutcome::hit].aliases += aliases;
                });
            });
        });
        events_.for_each([&](const EventCounters<Cell>& stripe) {
            detail::zip_leaves(static_cast<EventCounters<std::uint64_t>&>(result), stripe, sum);
        });
        latencies_.for_each([&](const EnumTable<Verb, detail::LatencyCells>& stripe) {
            for (std::size_t i = 0; i < verb_count; ++i) result.latencies.values[i].add(stripe.values[i]);
        });
        const std::scoped_lock lock(last_failure_mutex_);
        result.last_failure = last_failure_;
        return result;
    }

private:
    using Cell = std::atomic<std::uint64_t>;
    /// Calls that ended with a plain hit: those by primary key as `records`, those that an alias led to its row as `aliases`. One cell for each
    /// such call, since they are by far the most.
    using PlainHits = EnumTable<Verb, EnumTable<Level, RecordsAndAliases<Cell>>>;
    static constexpr std::size_t event_stripes = 8;
    static constexpr std::size_t latency_stripes = 2;

    static void add(Cell& cell, std::uint64_t amount) noexcept { cell.fetch_add(amount, std::memory_order_relaxed); }

    /// Adds 1 to a cell of the slot's own stripe.
    static void increment(Cell& cell, unsigned slot) noexcept {
        if (slot < detail::exclusive_slots) [[likely]]
            cell.store(cell.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        else
            add(cell, 1);
    }

    EventCounters<Cell>& events() noexcept { return events_.of(detail::thread_slot()); }

    detail::Striped<HitCounters<Cell>, detail::thread_slots> hits_;
    detail::Striped<PlainHits, detail::thread_slots> plain_hits_;
    detail::Striped<EventCounters<Cell>, event_stripes> events_;
    detail::Striped<EnumTable<Verb, detail::LatencyCells>, latency_stripes> latencies_;
    mutable std::mutex last_failure_mutex_;
    EnumTable<Level, std::string> last_failure_;
};

static_assert(observer<Metrics>);

} // namespace v0
} // namespace larder
