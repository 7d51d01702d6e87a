// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/cache_tier.hpp>
#include <larder/cache/detail/budget.hpp>
#include <larder/cache/detail/directory.hpp>
#include <larder/cache/detail/group_hash.hpp>
#include <larder/cache/detail/weight.hpp>
#include <larder/cache/eviction.hpp>
#include <larder/clock.hpp>
#include <larder/entity/key.hpp>
#include <larder/environment.hpp>
#include <larder/error.hpp>
#include <larder/fwd.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {

/// What a `MemoryCache` may hold.
template <class Entity>
struct MemoryCacheConfig {
    std::size_t max_entries = 100'000;              ///< Records of rows; and as many keys in each directory of alternate keys or epochs. At least 1.
    /// Bytes of all records together, what the tier itself needs for them included. Where there were more records once, some 80 bytes for each of those
    /// stay with the tier beyond that, until a shard is empty or `clear()`.
    std::size_t max_bytes = std::size_t{256} << 20;
    std::function<std::size_t(const Entity&)> weigher{}; ///< The bytes of a whole row. Empty: its size and what its fields and embedded rows own.
    std::size_t shards = 0;                         ///< Locks per space, a power of two; 0: one for every thousand entries or so.
};

/// The in-process cache tier: a leased, versioned cache of one entity's rows and of the directory of their alternate keys, bounded by
/// entries and by bytes. Meets `cache_tier`, whose comment gives the rules of each operation.
///
/// Records are kept in sharded Boost.MultiIndex containers whose indices (groups, eviction order, deadline) follow from the schema, and found by
/// primary key through an index over what a hit needs of them, which is together elsewhere; alternate keys and epochs have directories of their own. Bounds hold whenever an operation has returned, save for
/// records that a fence keeps in place. What is evicted is chosen by a rule, in each shard by itself; records that have ended are removed
/// a few at a time by the operations that change something. The observer is told of rows that went (`event::Evicted`); their number leaves out
/// aliases and records without a value, their bytes do not.
///
/// Beyond the rules of `cache_tier`:
/// - A record whose value, lease and fences are all over is gone, and its floor with it. A floor alone stays until it is evicted.
/// - A record that a fence left unsettled is not evicted before the fence's length has passed once more.
/// - An epoch is its own version. A publication of epoch 0, or of version 0 where the entity has a version, stores nothing: it only lifts
///   the owner's fence and ends leases.
/// - A fallback is offered only for values whose lifetime has one, and never if it is older than `min_version`. Who has to wait is offered it too.
///
/// Safe from any thread. No operation allocates on a hit, save for a copy of an alternate key's target that is not trivially copyable. The weigher,
/// the observer and the destructors of rows run without a lock held; comparison and copy of keys run under one. A row whose weigher throws is too
/// large to keep, and the observer is told why. Operations throw nothing but `std::bad_alloc`, and are O(1) per key (amortised; O(log n)
/// in a shard where a deadline or a group changes).
///
/// \tparam Eviction the rule that chooses what to evict: `AdaptiveS3Fifo` (the default), `S3Fifo`, `WTinyLfu`, `Sieve`, `Lru`, `Fifo` (cache/eviction.hpp).
/// In a stack: `Stack<Evicting<Lru>::MemoryCache, SqliteDatabase>`.
template <class Entity, class Env, class Eviction>
class MemoryCache {
    using Schema = schema_of<Entity>;
    using Spaces = std::make_index_sequence<Schema::space_count>;
    template <std::size_t Space>
    using Directory = detail::Directory<Entity, Space, Env, Eviction>;
    template <std::size_t... Space>
    static std::tuple<Directory<Space>...> directories_of(std::index_sequence<Space...>);
    template <std::size_t Space>
    using Prepared = typename Directory<Space>::Prepared;

public:
    static constexpr Level level = Level::memory;
    static constexpr bool outlives_process = false;

    using Config = MemoryCacheConfig<Entity>;

    /// Makes an empty tier. \param env outlives it. \throws Failure with `errc::invalid_options` if a bound is too small to hold
    /// anything, or `shards` is no power of two.
    MemoryCache(Config config, Env& env)
        : config_(checked(std::move(config))), env_(env), budget_(config_.max_entries, config_.max_bytes),
          directories_(shard_counts(shard_count(config_), Spaces{})) {}

    MemoryCache(const MemoryCache&) = delete;
    MemoryCache& operator=(const MemoryCache&) = delete;

    /// A hit alone, the fast way: what `lookup` would answer if it were a hit; else false, and nothing changed. Allocates nothing for
    /// rows. \param hash `hash_key(key)`. \param now the environment's. \param out replaced; empty on false.
    template <std::size_t Space>
    bool hit(const space_view_t<Entity, Space>& key, std::uint64_t hash, Version min_version, Duration max_age, SteadyTime now,
             Lookup<space_value_t<Entity, Space>>& out) const {
        out = {};
        auto& shard = directory<Space>().shard_of(hash);
        const std::lock_guard lock(shard.lock);
        return serve(shard, shard.find(key, hash), min_version, max_age, now, out);
    }

    /// A hit of a whole row, the fastest way; else no row, and nothing changed but what is counted for the eviction. Compares the key with the row's own,
    /// and only where that is another one with the record's: two keys may have the same hash, and a database may take two spellings for the same key.
    WholeRow<Entity> whole_hit(const space_view_t<Entity, 0>& key, std::uint64_t hash, Version min_version, Duration max_age, SteadyTime now) const {
        std::shared_ptr<const Entity> other;
        return whole_row(key, hash, min_version, max_age, now, other);
    }

    /// A hit through an alternate key, the fast way: follows the key to its row if both are there. The demands are made of the
    /// row, or of the alternate key where that knows that there is no row. Does not compare the row's key with the one asked for.
    /// Allocates nothing. \param hash `hash_key(key)`. \param now the environment's. \param out replaced; empty on false.
    template <std::size_t Space>
    bool hit_by(const space_view_t<Entity, Space>& key, std::uint64_t hash, Version min_version, Duration max_age, SteadyTime now,
                Lookup<CachedRow<Entity>>& out) const {
        static_assert(Space > 0 && Space < Schema::alias_end, "larder: hit_by follows an alternate key");
        out = {};
        auto& aliases = directory<Space>().shard_of(hash);
        const std::lock_guard alias_lock(aliases.lock);
        auto* alias = aliases.find(key, hash);
        if (!alias || !alias->held.serves(now, 0, Duration::max())) return false;
        if (const auto& target = alias->held.kept.get()) {
            const std::uint64_t row_hash = hash_key(*target);
            auto& rows = directory<0>().shard_of(row_hash);
            const std::lock_guard row_lock(rows.lock);
            if (!serve(rows, rows.find(*target, row_hash), min_version, max_age, now, out)) return false;
        } else {
            if (!alias->held.serves(now, min_version, max_age)) return false;
            Lookup<space_value_t<Entity, Space>> none;
            alias->held.serve(now, alias->record->state, none);
            out.answer = Answer::hit;
            out.version = none.version;
            out.age = none.age;
            out.remaining = none.remaining;
            out.refresh_due = none.refresh_due;
        }
        aliases.hit(*alias);
        return true;
    }

    /// A hit of a whole row through an alternate key, the fastest way; else no row, and nothing changed but what is counted for the eviction.
    /// Compares the row's key with the one asked for (which is why the alternate key is looked for by its hash alone), unless `Guard::alias_verification` is off.
    template <std::size_t Space>
    WholeRow<Entity> whole_hit_by(const space_view_t<Entity, Space>& key, std::uint64_t hash, Version min_version, Duration max_age, SteadyTime now) const {
        static_assert(Space > 0 && Space < Schema::alias_end, "larder: whole_hit_by follows an alternate key");
        const bool verified = env_.enabled(Guard::alias_verification);
        std::shared_ptr<const Entity> other;
        WholeRow<Entity> found = [&]() -> WholeRow<Entity> {
            auto& aliases = directory<Space>().shard_of(hash);
            const std::lock_guard lock(aliases.lock);
            auto* alias = verified ? aliases.find_hash(hash) : aliases.find(key, hash);
            if (!alias || !alias->held.serves(now, 0, Duration::max())) return {};
            const auto& target = alias->held.kept.get();
            if (!target) return {};
            aliases.hit(*alias);
            return whole_row(view_of<Entity>(*target), hash_key(*target), min_version, max_age, now, other);
        }();
        if (verified && found.row && !has_key<Space>(*found.row, key)) found.row.reset();
        return found;
    }

    /// Looks up one key, and gives the right to fill it if it is asked for and is to be had.
    template <std::size_t Space>
    Lookup<space_value_t<Entity, Space>> lookup(const space_key_t<Entity, Space>& key, const Demand& demand) {
        const SteadyTime now = env_.now();
        const LeaseToken token = demand.want_lease || demand.refresh ? new_lease() : 0;
        Lookup<space_value_t<Entity, Space>> found;
        change<Space>(key, now, demand.want_lease, nullptr, [&](auto& shard, auto& record, auto& dropped) {
            found = record.state.lookup(env_, now, demand, token, dropped);
            if (found.answer == Answer::hit) shard.hit(record.front());
            return false;
        });
        return found;
    }

    /// `lookup` for each of many keys, in order.
    template <std::size_t Space>
    std::vector<Lookup<space_value_t<Entity, Space>>> lookup_many(std::span<const space_key_t<Entity, Space>> keys, const Demand& demand) {
        std::vector<Lookup<space_value_t<Entity, Space>>> found;
        found.reserve(keys.size());
        for (const auto& key : keys) found.push_back(lookup<Space>(key, demand));
        return found;
    }

    /// Stores a value under the lease that a lookup gave, or gives the lease back: a request with nothing but the lease.
    template <std::size_t Space>
    FillOutcome fill(const space_key_t<Entity, Space>& key, FillRequest<space_value_t<Entity, Space>> request) {
        if constexpr (Space >= Schema::alias_end) request.version = request.value;
        const SteadyTime now = env_.now();
        const auto prepared = prepare<Space>(key, request.value);
        const bool fit = fits<Space>(key, prepared);
        const bool lasts = request.age < request.lifetime.serve;
        FillOutcome outcome = FillOutcome::lost;
        change<Space>(key, now, !env_.enabled(Guard::lease_on_fill), &prepared, [&](auto&, auto& record, auto& dropped) {
            outcome = record.state.fill(env_, now, std::move(request), fit, dropped);
            return outcome == FillOutcome::stored && lasts;
        });
        return outcome;
    }

    /// `fill` for each of many keys, in order. \pre as many requests as keys.
    template <std::size_t Space>
    std::vector<FillOutcome> fill_many(std::span<const space_key_t<Entity, Space>> keys, std::vector<FillRequest<space_value_t<Entity, Space>>> requests) {
        std::vector<FillOutcome> outcomes;
        outcomes.reserve(keys.size());
        for (std::size_t i = 0; i < keys.size(); ++i) outcomes.push_back(fill<Space>(keys[i], std::move(requests[i])));
        return outcomes;
    }

    /// Drops what is kept of these keys and keeps it out until the owner publishes, or for `length`. \param owner 0: nobody's publish ends it.
    void fence(const KeySet<Entity>& keys, FenceOwner owner, Duration length) {
        change_all(keys, env_.enabled(Guard::fence), [&](auto& state, SteadyTime now, auto& dropped) { state.fence(env_, now, owner, length, dropped); });
    }

    /// Tells of committed writes, in order.
    void publish(std::span<const Publication<Entity>> publications) {
        for (const auto& publication : publications) publish(publication);
    }

    /// Drops the values and leases of these keys.
    void expel(const KeySet<Entity>& keys) {
        change_all(keys, false, [&](auto& state, SteadyTime now, auto& dropped) { state.expel(env_, now, dropped); });
    }

    /// Makes fallbacks of the values of these keys, and drops their leases and what may be no fallback.
    void expire(const KeySet<Entity>& keys) {
        change_all(keys, false, [&](auto& state, SteadyTime now, auto& dropped) { state.expire(env_, now, dropped); });
    }

    /// Drops the rows of one group that are here now, as `expel` does. O(rows of the group), a few under each lock. A row that is being
    /// loaded meanwhile is not among them. \return how many it dropped.
    template <std::size_t Space>
    std::size_t expel_group(const space_key_t<Entity, Space>& key) {
        static_assert(Space >= Schema::alias_end && Space < Schema::space_count, "larder: expel_group takes a space that is a group");
        const SteadyTime now = env_.now();
        std::size_t count = 0;
        for (auto& shard : directory<0>().shards()) count += expel_hash<Space - Schema::alias_end>(shard, hash_key(key), now);
        return count;
    }

    /// The primary keys of whole rows whose serving time ends within `ahead` and which were hit since they were stored, those that end
    /// first in front. O(records whose deadline is within `ahead`). \param limit at most so many.
    std::vector<primary_key_t<Entity>> due_for_refresh(Duration ahead, std::size_t limit) const {
        const SteadyTime now = env_.now();
        std::vector<std::pair<detail::Due, primary_key_t<Entity>>> due;
        for (auto& shard : directory<0>().shards()) collect_due(shard, now, ahead, limit, due);
        std::sort(due.begin(), due.end(), [](const auto& left, const auto& right) { return left.first < right.first; });
        if (due.size() > limit) due.resize(limit);
        std::vector<primary_key_t<Entity>> keys;
        keys.reserve(due.size());
        for (auto& [moment, key] : due) keys.push_back(std::move(key));
        return keys;
    }

    /// Drops everything, shard by shard.
    void clear() {
        each_space([&]<std::size_t Space>() {
            for (auto& shard : directory<Space>().shards()) {
                typename Directory<Space>::Shard::Contents taken;
                const std::lock_guard lock(shard.lock);
                shard.take_all(taken, Space, budget_);
            }
        });
    }

    /// What it holds: rows and aliases with a value, whatever its age, and the bytes of all records. O(shards).
    TierUsage usage() const {
        TierUsage sum;
        each_space([&]<std::size_t Space>() {
            for (auto& shard : directory<Space>().shards()) {
                const std::lock_guard lock(shard.lock);
                (Space == 0 ? sum.entries : sum.aliases) += shard.held();
                sum.bytes += shard.bytes();
            }
        });
        return sum;
    }

private:
    static Config checked(Config config) {
        const auto refuse = [](const std::string& why) { throw Failure(Error(errc::invalid_options, "MemoryCache of " + std::string(Schema::table) + ": " + why)); };
        if (config.max_entries == 0) refuse("max_entries is 0; it must be at least 1");
        if (config.max_bytes < least_bytes)
            refuse("max_bytes is " + std::to_string(config.max_bytes) + "; it must be at least " + std::to_string(least_bytes) +
                   ", the bytes of an empty record under each key");
        if (config.shards != 0 && !std::has_single_bit(config.shards)) refuse("shards is " + std::to_string(config.shards) + "; it must be a power of two, or 0");
        if (config.shards > most_shards) refuse("shards is " + std::to_string(config.shards) + "; it must be at most " + std::to_string(most_shards));
        return config;
    }

    static std::size_t shard_count(const Config& config) noexcept {
        constexpr std::size_t entries_per_shard = 1024;
        if (config.shards != 0) return config.shards;
        return std::bit_floor(std::clamp<std::size_t>(config.max_entries / entries_per_shard, 1, 256));
    }

    /// The same number for each directory, which is not moved after its construction.
    template <std::size_t... Space>
    static auto shard_counts(std::size_t count, std::index_sequence<Space...>) {
        return std::tuple<decltype(Space)...>((static_cast<void>(Space), count)...);
    }

    template <std::size_t Space>
    Directory<Space>& directory() noexcept { return std::get<Space>(directories_); }
    template <std::size_t Space>
    const Directory<Space>& directory() const noexcept { return std::get<Space>(directories_); }

    template <class Act>
    static void each_space(const Act& act) {
        [&]<std::size_t... Space>(std::index_sequence<Space...>) { (act.template operator()<Space>(), ...); }(Spaces{});
    }

    template <class Act>
    static void each_key(const KeySet<Entity>& keys, const Act& act) {
        each_space([&]<std::size_t Space>() {
            for (const auto& key : keys.template in<Space>()) act.template operator()<Space>(key);
        });
    }

    LeaseToken new_lease() {
        const LeaseToken token = detail::new_token(env_);
        return token != 0 ? token : 1;
    }

    template <class Shard, class Front, class Value>
    static bool serve(Shard& shard, Front* front, Version min_version, Duration max_age, SteadyTime now, Lookup<Value>& out) {
        if (!front || !front->held.serves(now, min_version, max_age)) return false;
        front->held.serve(now, front->record->state, out);
        shard.hit(*front);
        return true;
    }

    /// `whole_hit`, which may be under another shard's lock. \param other receives a row that was found first and has another key, to be destroyed after unlocking.
    WholeRow<Entity> whole_row(const space_view_t<Entity, 0>& key, std::uint64_t hash, Version min_version, Duration max_age, SteadyTime now,
                               std::shared_ptr<const Entity>& other) const {
        auto& shard = directory<0>().shard_of(hash);
        const auto serve_front = [&](const auto& find) -> WholeRow<Entity> {
            const std::lock_guard lock(shard.lock);
            auto* front = find();
            if (!front || !front->held.serves(now, min_version, max_age) || !front->held.whole) return {};
            shard.hit(*front);
            return front->held.template serve_whole<Entity>(now, front->record->state);
        };
        WholeRow<Entity> found = serve_front([&] { return shard.find_hash(hash); });
        if (found.row && !has_key<0>(*found.row, key)) [[unlikely]] {
            other = std::move(found.row);
            found = serve_front([&] { return shard.find(key, hash); });
        }
        return found;
    }

    /// The weight of a whole row; more than any bound if the weigher throws.
    std::size_t weigh(const Entity& row) const {
        if (!config_.weigher) return detail::weight_of_row(row);
        std::string why = "something that is no std::exception";
        try {
            return config_.weigher(row);
        } catch (const std::exception& thrown) {
            why = thrown.what();
        } catch (...) {
        }
        env_.observe(event::HiddenFailure{level, "weigh", Error(errc::exception_thrown, "the weigher of " + std::string(Schema::table) + " threw: " + why)});
        return std::numeric_limits<std::size_t>::max();
    }

    template <std::size_t Space>
    Prepared<Space> prepare(const space_key_t<Entity, Space>& key, const space_value_t<Entity, Space>& value) const {
        Prepared<Space> prepared;
        if constexpr (Space == 0) {
            if (value.full)
                prepared.bytes = weigh(*value.full);
            else if (value.warm)
                prepared.bytes = sizeof(WarmRow<Entity>) + detail::shared_overhead + value.warm->heap();
            prepared.groups = detail::group_hashes<Entity>(value, hash_key(key));
        } else if constexpr (Space < Schema::alias_end) {
            if (value) prepared.bytes = detail::heap_of_key(*value);
        }
        return prepared;
    }

    template <std::size_t Space>
    bool fits(const space_key_t<Entity, Space>& key, const Prepared<Space>& prepared) const noexcept {
        const std::size_t rest = Directory<Space>::Shard::overhead + detail::heap_of_key(key);
        return rest <= config_.max_bytes && prepared.bytes <= config_.max_bytes - rest;
    }

    /// `Directory::change`, and then what it takes elsewhere to keep the bounds.
    template <std::size_t Space, class Act>
    void change(const space_key_t<Entity, Space>& key, SteadyTime now, bool create, const Prepared<Space>* prepared, const Act& act) {
        const std::uint64_t hash = hash_key(key);
        directory<Space>().change(env_, now, budget_, key, hash, create, prepared, act);
        if (budget_.too_many(Space) || budget_.too_large()) balance<Space>(hash, now);
    }

    /// Applies `act(state, now, dropped)` to the record of each key. \param create whether to start from an empty record where there is none.
    template <class Act>
    void change_all(const KeySet<Entity>& keys, bool create, const Act& act) {
        const SteadyTime now = env_.now();
        each_key(keys, [&]<std::size_t Space>(const auto& key) {
            change<Space>(key, now, create, nullptr, [&](auto&, auto& record, auto& dropped) {
                act(record.state, now, dropped);
                return false;
            });
        });
    }

    /// Evicts from any shard until the bounds are kept, the record just changed last of all.
    template <std::size_t Space>
    void balance(std::uint64_t changed, SteadyTime now) {
        const auto relieve = [&]<std::size_t From>(EvictionCause cause, bool spare, const auto& over) {
            const auto spared = spare && From == Space ? std::optional(changed) : std::nullopt;
            return directory<From>().relieve(env_, now, budget_, cause, spared, over);
        };
        const auto too_many = [&] { return budget_.too_many(Space); };
        const auto too_large = [&] { return budget_.too_large(); };
        for (const bool spare : {true, false}) relieve.template operator()<Space>(EvictionCause::capacity, spare, too_many);
        bool relieved = true;
        while (too_large() && relieved) {
            relieved = false;
            each_space([&]<std::size_t From>() {
                const auto pays = [&] { return too_large() && budget_.payer() == From; };
                relieved = relieve.template operator()<From>(EvictionCause::bytes, true, pays) || relieved;
            });
        }
        for (const bool spare : {true, false})
            each_space([&]<std::size_t From>() { relieve.template operator()<From>(EvictionCause::bytes, spare, too_large); });
    }

    void publish(const Publication<Entity>& publication) {
        const SteadyTime now = env_.now();
        const auto apply = [&]<std::size_t Space>(const space_key_t<Entity, Space>& key, auto subject, Version version, space_value_t<Entity, Space>* value) {
            Prepared<Space> prepared;
            if (value) {
                prepared = prepare<Space>(key, *value);
                if (!fits<Space>(key, prepared)) value = nullptr;
            }
            change<Space>(key, now, version > 0, &prepared, [&](auto&, auto& record, auto& dropped) {
                return record.state.publish(env_, now, subject, version, value, publication.lifetime, publication.owner, dropped);
            });
        };
        each_key(publication.epoch_keys, [&]<std::size_t Space>(const auto& key) {
            if constexpr (Space >= Schema::alias_end) {
                std::uint64_t epoch = publication.epoch;
                apply.template operator()<Space>(key, detail::ThisRow{}, epoch, epoch > 0 ? &epoch : nullptr);
            }
        });
        if (!publication.primary) return;
        const primary_key_t<Entity>* row = &*publication.primary;
        const Version version = publication.version;
        const bool stores = !Schema::has_version || version > 0;
        each_key(publication.gone, [&]<std::size_t Space>(const auto& key) {
            if constexpr (Space > 0 && Space < Schema::alias_end) apply.template operator()<Space>(key, row, version, nullptr);
        });
        each_key(publication.aliases, [&]<std::size_t Space>(const auto& key) {
            if constexpr (Space > 0 && Space < Schema::alias_end) {
                std::optional<primary_key_t<Entity>> target(*row);
                apply.template operator()<Space>(key, row, version, stores ? &target : nullptr);
            }
        });
        auto value = publication.row;
        apply.template operator()<0>(*row, detail::ThisRow{}, version, value && stores ? &*value : nullptr);
    }

    /// Expels the rows of a shard that have a hash in a group, a few under each lock.
    template <std::size_t Group>
    std::size_t expel_hash(typename Directory<0>::Shard& shard, std::uint64_t hash, SteadyTime now) {
        constexpr std::size_t at_once = 32;
        std::size_t count = 0;
        for (std::size_t found = at_once; found == at_once; count += found) {
            std::array<CachedRow<Entity>, at_once> dropped;
            std::array<const typename Directory<0>::Record*, at_once> records;
            found = 0;
            const std::lock_guard lock(shard.lock);
            const auto [first, last] = shard.records().template get<detail::by_group + static_cast<int>(Group)>().equal_range(hash);
            for (auto record = first; record != last && found < at_once; ++record)
                if (record->state.held()) records[found++] = &*record;
            for (std::size_t i = 0; i < found; ++i) {
                records[i]->state.expel(env_, now, dropped[i]);
                shard.update(env_, now, *records[i], nullptr, true, 0, budget_);
            }
        }
        return count;
    }

    /// Adds a shard's keys for `due_for_refresh`, a piece under each lock.
    static void collect_due(const typename Directory<0>::Shard& shard, SteadyTime now, Duration ahead, std::size_t limit,
                            std::vector<std::pair<detail::Due, primary_key_t<Entity>>>& due) {
        constexpr std::size_t at_once = 128;
        constexpr auto last_hash = std::numeric_limits<std::uint64_t>::max();
        const detail::Due end{detail::later(now, ahead), last_hash};
        detail::Due position{now, last_hash};
        const std::size_t most = due.size() + std::min(limit, due.max_size() - due.size());
        for (std::size_t seen = at_once; seen == at_once && due.size() < most;) {
            seen = 0;
            const std::lock_guard lock(shard.lock);
            const auto& order = shard.records().template get<detail::by_deadline>();
            for (auto record = order.upper_bound(position); record != order.end() && seen < at_once && due.size() < most; ++record, ++seen) {
                position = {record->deadline, record->hash};
                if (end < position) return;
                const auto& front = record->front();
                if (front.mark.accessed && front.held.held && front.held.whole && now < front.held.serve_until) due.emplace_back(position, record->key);
            }
        }
    }

    static constexpr std::size_t most_shards = std::size_t{1} << 16;
    static constexpr std::size_t least_bytes = []<std::size_t... Space>(std::index_sequence<Space...>) {
        return (std::size_t{0} + ... + Directory<Space>::Shard::overhead);
    }(Spaces{});

    Config config_;
    Env& env_;
    detail::Budget<Schema::space_count> budget_;
    decltype(directories_of(Spaces{})) directories_;
};

/// The memory tier with another eviction rule, as a stack takes tiers: `Stack<Evicting<Lru>::MemoryCache, SqliteDatabase>`.
template <class Eviction>
struct Evicting {
    template <class Entity, class Env>
    using MemoryCache = larder::MemoryCache<Entity, Env, Eviction>;
};

} // namespace v0
} // namespace larder
