// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/engine/driver.hpp>
#include <larder/entity/key.hpp>
#include <larder/error.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <array>
#include <atomic>
#include <coroutine>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {

/// Single-flight: the loads under way, at most one for each key, and who waits for them.
///
/// A caller may take a load's answer only if it joined before the answer was read (`begin`), or if it joined before the
/// fill (`before_fill`) and the fill was stored, so that no write came between. Those who may not share start the next
/// load together: the first of them leads it, the others have joined it before it begins.
/// \tparam Key what is loaded. \tparam Result a copyable answer.
/// Thread-safe. O(1) but for the waiters of one load.
template <class Key, class Result>
class SingleFlight {
    struct Waiter;

    /// A load under way; its shard has it until it is finished, and keeps the last one for the next.
    struct Load {
        std::optional<Key> key;
        std::vector<Waiter*> waiters;
        std::atomic<bool> joined{false}; ///< Whether there ever was a waiter; read without the lock by the leader, who owes nothing to who joins meanwhile.
    };

    struct Hash {
        std::size_t operator()(const Key& key) const noexcept { return static_cast<std::size_t>(hash_key(key)); }
    };

    struct Shard {
        std::mutex mutex;
        boost::unordered_flat_map<Key, std::unique_ptr<Load>, Hash> loads;
        std::unique_ptr<Load> spare;

        std::unique_ptr<Load> make(const Key& key) {
            auto load = spare ? std::move(spare) : std::make_unique<Load>();
            load->key.emplace(key);
            return load;
        }
        void keep(std::unique_ptr<Load> ended) noexcept {
            constexpr std::size_t most = 16;
            if (ended->waiters.capacity() > most) return;
            ended->key.reset();
            ended->waiters.clear();
            ended->joined.store(false, std::memory_order_relaxed);
            spare = std::move(ended);
        }
    };

    enum class Part { waiting, answered, leading };
    enum class Share { nobody, if_entitled, if_entitled_to_stored, always };

    struct Waiter {
        Driver* driver = nullptr;
        std::coroutine_handle<> task;
        Load* load = nullptr; ///< While it waits for it or leads it.
        std::optional<Result> result;
        bool entitled = false;
        bool entitled_if_stored = false;
        Part part = Part::waiting;
    };

public:
    /// The duty to end a load. Destroyed without an end, it passes to whoever waits: they start the next load together.
    class Leader {
    public:
        Leader(Leader&& other) noexcept : table_(std::exchange(other.table_, nullptr)), load_(other.load_) {}
        Leader& operator=(Leader&&) = delete;
        ~Leader() {
            if (table_) table_->finish(*load_, nullptr, Share::nobody);
        }

        /// A tier or the database is about to be read: whoever has joined by now may share what it says. May be called again
        /// before each further read.
        void begin() {
            if (alone()) return;
            const std::lock_guard lock(table_->shard_of(*load_->key).mutex);
            for (Waiter* waiter : load_->waiters) waiter->entitled = true;
        }

        /// The fill is about to be made: whoever has joined by now may share the answer if the fill is stored.
        void before_fill() {
            if (alone()) return;
            const std::lock_guard lock(table_->shard_of(*load_->key).mutex);
            for (Waiter* waiter : load_->waiters) waiter->entitled_if_stored = true;
        }

        /// Answers those who may share the answer whatever becomes of the fill; the others go on waiting.
        void answer(const Result& result) {
            if (!alone()) table_->answer(*load_, result);
        }

        /// Ends the load with its answer. \param stored whether the answer was filled and the fill stored.
        void finish(const Result& result, bool stored) { std::exchange(table_, nullptr)->finish(*load_, &result, stored ? Share::if_entitled_to_stored : Share::if_entitled); }

    private:
        friend class SingleFlight;
        Leader(SingleFlight& table, Load& load) noexcept : table_(&table), load_(&load) {}

        /// Whether nobody has joined, as far as this thread can know.
        bool alone() const noexcept { return !load_->joined.load(std::memory_order_acquire); }

        SingleFlight* table_;
        Load* load_;
    };

    /// What joining gave: the lead, or another's answer.
    struct Joined {
        std::optional<Leader> leader;
        std::optional<Result> answer;
    };

    /// Joins the load of a key, as an awaitable. Await a named object.
    class Join {
    public:
        Join(SingleFlight& table, Driver& driver, const Key& key) : table_(table), key_(key) { waiter_.driver = &driver; }
        Join(const Join&) = delete;
        Join& operator=(const Join&) = delete;
        ~Join() {
            if (joined_) table_.leave(key_, waiter_);
        }

        bool await_ready() const noexcept { return false; }

        bool await_suspend(std::coroutine_handle<> task) {
            Shard& shard = table_.shard_of(key_);
            const std::lock_guard lock(shard.mutex);
            const auto [place, lead] = shard.loads.try_emplace(key_);
            if (lead) {
                try {
                    place->second = shard.make(key_);
                } catch (...) {
                    shard.loads.erase(place);
                    throw;
                }
                waiter_.load = place->second.get();
                waiter_.part = Part::leading;
                joined_ = true;
                return false;
            }
            Load& load = *place->second;
            load.waiters.push_back(&waiter_);
            load.joined.store(true, std::memory_order_release);
            waiter_.task = task;
            waiter_.load = &load;
            joined_ = true;
            return true;
        }

        Joined await_resume() {
            Joined joined;
            joined_ = false;
            if (waiter_.part == Part::leading)
                joined.leader.emplace(Leader(table_, *waiter_.load));
            else
                joined.answer = std::move(waiter_.result);
            return joined;
        }

    private:
        SingleFlight& table_;
        Key key_;
        Waiter waiter_;
        bool joined_ = false; ///< In the table, as a waiter or with the lead.
    };

    /// The number of loads under way.
    std::size_t size() {
        std::size_t loads = 0;
        for (Shard& shard : shards_) {
            const std::lock_guard lock(shard.mutex);
            loads += shard.loads.size();
        }
        return loads;
    }

    /// The number of callers who wait for a load that another one leads.
    std::size_t waiting() {
        std::size_t callers = 0;
        for (Shard& shard : shards_) {
            const std::lock_guard lock(shard.mutex);
            for (const auto& [key, load] : shard.loads) callers += load->waiters.size();
        }
        return callers;
    }

    /// Whether late joiners may share whatever they like: for tests that show why the rule is there.
    void ignore_share_rule(bool ignore) noexcept { ignore_share_rule_ = ignore; }

private:
    Shard& shard_of(const Key& key) noexcept { return shards_[Hash{}(key) % shards_.size()]; }

    void answer(Load& load, const Result& result) {
        const std::lock_guard lock(shard_of(*load.key).mutex);
        std::erase_if(load.waiters, [&result](Waiter* waiter) {
            if (!waiter->entitled) return false;
            waiter->result = result;
            waiter->part = Part::answered;
            waiter->driver->wake(waiter->task); // under the lock, as in `finish`
            return true;
        });
    }

    /// Ends a load: answers those who may share its result and hands the others the next load. \param result null if nobody may share.
    void finish(Load& load, const Result* result, Share share) {
        if (ignore_share_rule_ && result) share = Share::always;
        Shard& shard = shard_of(*load.key);
        const std::lock_guard lock(shard.mutex);
        const auto place = shard.loads.find(*load.key);
        if (load.waiters.empty()) {
            auto ended = std::move(place->second);
            shard.loads.erase(place);
            shard.keep(std::move(ended));
            return;
        }
        std::unique_ptr<Load> next;
        std::vector<Waiter*> woken;
        for (Waiter* waiter : load.waiters) {
            if (share != Share::nobody && (waiter->entitled || share == Share::always || (share == Share::if_entitled_to_stored && waiter->entitled_if_stored))) {
                waiter->result = *result;
                waiter->part = Part::answered;
                woken.push_back(waiter);
            } else if (!next) {
                next = shard.make(*load.key);
                waiter->load = next.get();
                waiter->part = Part::leading;
                woken.push_back(waiter);
            } else {
                waiter->entitled = waiter->entitled_if_stored = false;
                waiter->load = next.get();
                next->waiters.push_back(waiter);
                next->joined.store(true, std::memory_order_release);
            }
        }
        auto ended = std::move(place->second);
        if (next)
            place->second = std::move(next);
        else
            shard.loads.erase(place);
        shard.keep(std::move(ended));
        // Woken under the lock, so that none of them can leave and be destroyed before it was woken.
        for (Waiter* waiter : woken) waiter->driver->wake(waiter->task);
    }

    /// A waiter goes away unserved: it waits no more, and a lead it was given passes on.
    void leave(const Key& key, Waiter& waiter) noexcept {
        bool led = false;
        {
            const std::lock_guard lock(shard_of(key).mutex);
            led = waiter.part == Part::leading;
            if (waiter.part == Part::waiting) std::erase(waiter.load->waiters, &waiter);
        }
        if (led) finish(*waiter.load, nullptr, Share::nobody);
    }

    static constexpr std::size_t shard_count = 64;
    std::array<Shard, shard_count> shards_;
    bool ignore_share_rule_ = false;
};

} // namespace detail
} // namespace v0
} // namespace larder
