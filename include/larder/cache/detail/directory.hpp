// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/cache_tier.hpp>
#include <larder/cache/detail/floor.hpp>
#include <larder/cache/detail/shard.hpp>
#include <larder/clock.hpp>
#include <larder/entity/key.hpp>
#include <larder/environment.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

namespace larder {
inline namespace v0 {
namespace detail {

/// The records of one space of one entity, in shards by the hash of their key. Thread-safe.
template <entity Entity, std::size_t Space, class Env, class Eviction>
class Directory {
public:
    static constexpr std::size_t groups = Space == 0 ? schema_of<Entity>::group_count : 0;
    using Key = space_key_t<Entity, Space>;
    using View = space_view_t<Entity, Space>;
    using Value = space_value_t<Entity, Space>;
    using Shard = detail::Shard<Key, record_rules_t<Entity, Space>, groups, Eviction>;
    using Record = typename Shard::Record;
    using Prepared = detail::Prepared<groups>;
    using Budget = detail::Budget<schema_of<Entity>::space_count>;

    /// \param shard_count a power of two.
    explicit Directory(std::size_t shard_count) : shards_(std::make_unique<Shard[]>(shard_count)), mask_(shard_count - 1) {}

    std::span<Shard> shards() const noexcept { return {shards_.get(), mask_ + 1}; }
    Shard& shard_of(std::uint64_t hash) const noexcept { return shards_[(hash >> 40) & mask_]; }

    /// Applies `act(shard, record, dropped) -> bool`, whether it stored the prepared value, to the record under a key, and keeps the shard
    /// within the bounds as far as it can by itself. \param create whether to start from an empty record if there is none; else
    /// nothing happens then. \param prepared may be null if nothing will be stored.
    template <class Act>
    void change(Env& env, SteadyTime now, Budget& budget, const Key& key, std::uint64_t hash, bool create, const Prepared* prepared,
                const Act& act) const {
        Leavings<Value> leavings;
        Value dropped{};
        {
            Shard& shard = shard_of(hash);
            const std::lock_guard lock(shard.lock);
            shard.reclaim(env, now, reclaim_steps, Space, budget, leavings);
            const auto* front = shard.find(key, hash);
            const Record* record = front ? front->record : nullptr;
            if (!record && create) record = &shard.add(key, hash, Space, budget);
            if (record) {
                const bool held = record->state.held();
                const bool stored = act(shard, *record, dropped);
                shard.update(env, now, *record, stored ? prepared : nullptr, held, Space, budget);
                while (budget.too_many(Space) && shard.evict_one(env, now, EvictionCause::capacity, hash, Space, budget, leavings)) {}
                while (budget.too_large() && budget.payer() == Space &&
                       shard.evict_one(env, now, EvictionCause::bytes, hash, Space, budget, leavings)) {}
            }
        }
        leavings.evictions.tell(env);
    }

    /// Evicts records for as long as `over()`, shard by shard. Answers whether it evicted any. \param spared the hash of one that must stay.
    template <class Over>
    bool relieve(Env& env, SteadyTime now, Budget& budget, EvictionCause cause, std::optional<std::uint64_t> spared, const Over& over) {
        bool relieved = false;
        const std::size_t start = turn_.fetch_add(1, std::memory_order_relaxed);
        for (std::size_t step = 0; step <= mask_ && over(); ++step) {
            Leavings<Value> leavings;
            {
                Shard& shard = shards_[(start + step) & mask_];
                const std::lock_guard lock(shard.lock);
                while (over() && shard.evict_one(env, now, cause, spared, Space, budget, leavings)) relieved = true;
            }
            leavings.evictions.tell(env);
        }
        return relieved;
    }

private:
    /// The records that have ended which each change removes: more than the one it may add.
    static constexpr unsigned reclaim_steps = 2;

    std::unique_ptr<Shard[]> shards_;
    std::uint64_t mask_;
    std::atomic<std::size_t> turn_{0}; ///< Where the next search for something to evict begins.
};

} // namespace detail
} // namespace v0
} // namespace larder
