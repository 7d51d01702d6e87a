// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/detail/budget.hpp>
#include <larder/cache/detail/fronts.hpp>
#include <larder/cache/detail/group_hash.hpp>
#include <larder/cache/detail/record.hpp>
#include <larder/cache/detail/spin_lock.hpp>
#include <larder/cache/detail/weight.hpp>
#include <larder/clock.hpp>
#include <larder/environment.hpp>

#include <boost/container/small_vector.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace larder {
inline namespace v0 {
namespace detail {

/// A value on its way into a shard, weighed before the shard is locked.
template <std::size_t Groups>
struct Prepared {
    std::size_t bytes = 0;
    std::array<std::uint64_t, Groups> groups{};
};

/// What left a shard under its lock, to be destroyed and told of after unlocking: declare it before the lock.
template <class Value>
struct Leavings {
    boost::container::small_vector<Value, 2> values;
    Evictions evictions;
};

/// A part of one space's records under one lock. The functions here want the lock to be held; none of them runs a user's code, save
/// for the comparison of keys.
///
/// \tparam Eviction the rule that chooses what to evict (cache/eviction.hpp).
template <class Key, class Rules, std::size_t Groups, class Eviction>
class alignas(64) Shard {
    using Order = typename boost::multi_index::nth_index<Records<Key, Rules, Groups>, by_eviction>::type;
    using Rule = typename Eviction::template Rule<Order>;

public:
    using Value = typename Rules::Value;
    using Record = detail::Record<Key, Rules, Groups>;
    using Front = typename Record::Front;
    using Container = Records<Key, Rules, Groups>;
    using iterator = typename Container::iterator;

    /// What a record costs beside what it points to.
    static constexpr std::size_t overhead =
        RecordsOf<Record, std::make_index_sequence<Groups>>::overhead + Fronts<Record, Rules>::bytes_per_record + Rule::bytes_per_record;

    /// Records with their fronts, taken out of a shard.
    struct Contents {
        Container records;
        Fronts<Record, Rules> fronts;
    };

    mutable SpinLock lock;

    /// The front of the record under a key; null if there is none.
    template <class KeyOrView>
    Front* find(const KeyOrView& key, std::uint64_t hash) const {
        return fronts_.find(hash, [&key](const Front& front) { return front.record->key == key; });
    }

    /// The front of a record whose key most likely has this hash, for who compares the key with the row's: the record itself is not looked at.
    Front* find_hash(std::uint64_t hash) const noexcept {
        return fronts_.find(hash, [](const Front&) { return true; });
    }

    const Container& records() const noexcept { return records_; }
    /// The number of records that hold a value.
    std::size_t held() const noexcept { return held_; }
    /// The weight of all records.
    std::size_t bytes() const noexcept { return bytes_; }

    /// Adds an empty record. \pre there is none under this key.
    template <class Budget>
    const Record& add(Key key, std::uint64_t hash, std::size_t space, Budget& budget) {
        Front* front = fronts_.make();
        try {
            Record record(std::move(key), hash, front);
            record.groups.fill(no_group(hash));
            order().push_back(std::move(record));
            front->record = &order().back();
        } catch (...) {
            fronts_.discard(front);
            throw;
        }
        try {
            fronts_.add(front);
        } catch (...) {
            order().pop_back();
            fronts_.discard(front);
            throw;
        }
        budget.add_records(space, 1);
        rule_.entered(order(), in_order(*front->record));
        return *front->record;
    }

    /// Counts a hit of a record.
    void hit(Front& front) noexcept {
        if (!front.mark.accessed) front.mark.accessed = true;
        rule_.hit(order(), front.mark, *front.record);
    }

    /// Brings indices and accounts up to date after a change of a record's state; removes the record if nothing is left in it.
    /// \param stored the value that was stored, if one was.
    template <class Env, class Budget>
    void update(const Env& env, SteadyTime now, const Record& record, const Prepared<Groups>* stored, bool had_value, std::size_t space, Budget& budget) {
        const auto& state = record.state;
        held_ = held_ + state.held() - had_value;
        if (state.empty()) {
            remove(record, space, budget);
            return;
        }
        if (stored) record.mark().accessed = false;
        if (stored || !state.held()) record.value_bytes = stored ? stored->bytes : 0;
        const std::size_t weight = overhead + heap_of_key(record.key) + record.value_bytes + state.heap();
        budget.add_bytes(record.bytes, weight);
        bytes_ += weight - record.bytes;
        record.bytes = weight;

        auto groups = record.groups;
        if (stored)
            groups = stored->groups;
        else if (!state.held())
            groups.fill(no_group(record.hash));
        const SteadyTime deadline = state.deadline(env, now);
        // What is left of a record without its value has not earned the place that the value had, and what no time ends must be evicted some day.
        if (!state.held() && (had_value || deadline == SteadyTime::max())) rule_.renew(order(), in_order(record), had_value);
        if (deadline != record.deadline || groups != record.groups)
            records_.modify(records_.iterator_to(record), [&](Record& changed) {
                changed.deadline = deadline;
                changed.groups = groups;
            });
    }

    /// Removes at most `steps` records that have ended.
    template <class Env, class Budget>
    void reclaim(const Env& env, SteadyTime now, unsigned steps, std::size_t space, Budget& budget, Leavings<Value>& leavings) {
        const auto& due = records_.template get<by_deadline>();
        for (; steps != 0 && !due.empty() && due.begin()->deadline <= now; --steps) {
            const Record& record = *due.begin();
            if (record.state.ends(env) <= now)
                evict(record, EvictionCause::expired, space, budget, leavings);
            else
                records_.modify(records_.iterator_to(record), [&](Record& changed) { changed.deadline = changed.state.deadline(env, now); });
        }
    }

    /// Evicts one record, an ended one if there is one. False if every record must stay. \param spared the hash of one that must.
    template <class Env, class Budget>
    bool evict_one(const Env& env, SteadyTime now, EvictionCause cause, std::optional<std::uint64_t> spared, std::size_t space, Budget& budget,
                   Leavings<Value>& leavings) {
        const std::size_t before = records_.size();
        reclaim(env, now, 1, space, budget, leavings);
        if (records_.size() != before) return true;
        const auto victim = rule_.victim(order(), [&](const Record& record) { return record.hash == spared || record.state.pinned(now); });
        if (victim == order().end()) return false;
        evict(*victim, cause, space, budget, leavings);
        return true;
    }

    /// Removes all records. \param taken receives them, to be destroyed after unlocking; empty before.
    template <class Budget>
    void take_all(Contents& taken, std::size_t space, Budget& budget) noexcept {
        taken.records.swap(records_);
        taken.fronts.swap(fronts_);
        rule_.reset();
        budget.add_records(space, -static_cast<std::ptrdiff_t>(taken.records.size()));
        budget.add_bytes(bytes_, 0);
        held_ = 0;
        bytes_ = 0;
    }

private:
    Order& order() noexcept { return records_.template get<by_eviction>(); }
    typename Order::iterator in_order(const Record& record) noexcept { return order().iterator_to(record); }

    template <class Budget>
    void evict(const Record& record, EvictionCause cause, std::size_t space, Budget& budget, Leavings<Value>& leavings) {
        leavings.values.emplace_back();
        const bool held = record.state.held();
        leavings.evictions.add(cause, held && space == 0, record.bytes);
        held_ -= held;
        record.state.release(leavings.values.back());
        remove(record, space, budget);
    }

    template <class Budget>
    void remove(const Record& record, std::size_t space, Budget& budget) {
        rule_.leaving(order(), in_order(record));
        budget.add_records(space, -1);
        budget.add_bytes(record.bytes, 0);
        bytes_ -= record.bytes;
        fronts_.remove(&record.front());
        records_.erase(records_.iterator_to(record));
    }

    Fronts<Record, Rules> fronts_;
    Rule rule_; ///< Near the lock, for a hit writes to both.
    Container records_;
    std::size_t held_ = 0;
    std::size_t bytes_ = 0;
};

} // namespace detail
} // namespace v0
} // namespace larder
