// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/engine/core.hpp>
#include <larder/engine/judgement.hpp>

#include <cstddef>
#include <optional>
#include <utility>

namespace larder {
inline namespace v0 {
namespace detail {

/// The in-memory hit: a plain function in front of the read algorithm. It allocates nothing, suspends nothing and asks
/// nobody; what it cannot answer by itself is left to the algorithm, which starts from the beginning.
template <class Core>
struct FastPath {
    using Entity = typename Core::Entity;
    using Policy = typename Core::Policy;
    using Schema = typename Core::Schema;
    using Row = CachedRow<Entity>;
    static constexpr Level level = Core::Nearest::level;
    static constexpr bool possible = Policy::caches_rows && has_fast_hit_v<typename Core::Nearest, Entity>;

    /// Looks for what there is of a row and may answer as it is, and leaves it to the caller to tell of the hit. \param row no hit yet.
    /// \returns whether `row` is the answer, as it was at the moment `now`.
    template <std::size_t Space>
    static bool hit(Core& core, const space_view_t<Entity, Space>& key, const Read& how, Lookup<Row>& row, SteadyTime& now) {
        if constexpr (!possible) {
            return false;
        } else {
            if (!may_ask(core, how, now)) return false;
            if constexpr (Space == 0) {
                if (!core.nearest().template hit<0>(key, hash_key(key), how.at_least, how.max_age, now, row)) return false;
            } else {
                if (!core.nearest().template hit_by<Space>(key, hash_key(key), how.at_least, how.max_age, now, row)) return false;
            }
            if (row.value.absent()) return false;
            if constexpr (Space != 0)
                if (core.env.enabled(Guard::alias_verification) && !(row.value.full ? has_key<Space>(*row.value.full, key) : has_key<Space>(row.value.warm->partial_row(), key))) return false;
            return may_answer(core, row.value.full.get(), row.value.stamp, HitView{row.version, row.age, row.remaining}, now);
        }
    }

    /// The same for a whole row. Without one in the answer it is none.
    template <std::size_t Space>
    static WholeRow<Entity> whole_hit(Core& core, const space_view_t<Entity, Space>& key, const Read& how, SteadyTime& now) {
        if constexpr (!possible) {
            return {};
        } else {
            if (!may_ask(core, how, now)) return {};
            WholeRow<Entity> found = [&] {
                if constexpr (Space == 0)
                    return core.nearest().whole_hit(key, hash_key(key), how.at_least, how.max_age, now);
                else
                    return core.nearest().template whole_hit_by<Space>(key, hash_key(key), how.at_least, how.max_age, now);
            }();
            if (found.row && !may_answer(core, found.row.get(), found.stamp, HitView{found.version, found.age, found.remaining}, now)) found.row.reset();
            return found;
        }
    }

    /// The hit as what a load ends with.
    static Loaded<Entity> loaded(Lookup<Row>&& row, SteadyTime now) {
        Loaded<Entity> loaded;
        loaded.version = row.version;
        loaded.source = level;
        loaded.loaded_at = now - row.age;
        loaded.row = std::move(row.value);
        return loaded;
    }
    static Loaded<Entity> loaded(WholeRow<Entity>&& row, SteadyTime now) {
        Loaded<Entity> loaded;
        loaded.version = row.version;
        loaded.source = level;
        loaded.loaded_at = now - row.age;
        loaded.row.full = std::move(row.row);
        loaded.row.stamp = row.stamp;
        return loaded;
    }

    /// The primary key of the row that was hit.
    static primary_key_t<Entity> key_of_hit(const Lookup<Row>& hit) { return hit.value.full ? primary_key_of(*hit.value.full) : primary_key_of(hit.value.warm->partial_row()); }
    static primary_key_t<Entity> key_of_hit(const WholeRow<Entity>& hit) { return primary_key_of(*hit.row); }

private:
    /// Whether the nearest tier may be asked at all. \param now set to this moment.
    static bool may_ask(Core& core, const Read& how, SteadyTime& now) {
        if (how.truth || !core.reads(level)) return false;
        now = core.env.now();
        if constexpr (Core::has_near && requires { core.authority.near_may_serve(now); })
            return core.authority.near_may_serve(now);
        else
            return true;
    }

    /// Whether the policy lets a hit answer. \param row null if it is not whole.
    static bool may_answer(Core& core, const Entity* row, std::uint64_t stamp, const HitView& view, SteadyTime now) {
        bool epoch_found = false;
        if (!stamp_matches(core, row, stamp, now, epoch_found)) return false;
        if constexpr (!always_serves_v<Policy>)
            if (core.policy.on_hit(view) != OnHit::serve) return false;
        if (epoch_found) core.env.observe(event::Lookup{level, LookupOutcome::hit, true});
        return true;
    }

    /// \param row null if it is not whole.
    static bool stamp_matches(Core& core, const Entity* row, std::uint64_t stamp, SteadyTime now, bool& epoch_found) {
        if constexpr (Policy::stamp == Stamp::revision) {
            return stamp == Schema::revision_number;
        } else if constexpr (Policy::stamp == Stamp::group_epoch) {
            constexpr std::size_t space = epoch_space_v<Policy, Entity>;
            if (!row) return false;
            const auto group = key_of<space>(*row);
            if (!group) return true;
            Lookup<std::uint64_t> epoch;
            const auto view = view_of<Entity, space>(*group);
            if (!core.nearest().template hit<space>(view, hash_key(view), 0, Duration::max(), now, epoch)) return false;
            epoch_found = epoch.value == stamp;
            return epoch_found;
        } else {
            static_cast<void>(core), static_cast<void>(row), static_cast<void>(stamp), static_cast<void>(now), static_cast<void>(epoch_found);
            return true;
        }
    }
};

} // namespace detail
} // namespace v0
} // namespace larder
