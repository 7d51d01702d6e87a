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

    /// Looks for a row that may answer as it is, and leaves it to the caller to tell of the hit. \param enough whether a cached row holds enough.
    /// \returns whether `row` is the answer, as it was at the moment `now`.
    template <std::size_t Space, class Enough>
    static bool hit(Core& core, const space_view_t<Entity, Space>& key, const Read& how, const Enough& enough, Lookup<Row>& row, SteadyTime& now) {
        if constexpr (!possible) {
            return false;
        } else {
            if (how.truth || !core.reads(level)) return false;
            now = core.env.now();
            if constexpr (Core::has_near && requires { core.authority.near_may_serve(now); })
                if (!core.authority.near_may_serve(now)) return false;
            if constexpr (Space == 0) {
                if (!core.nearest().template hit<0>(key, hash_key(key), how.at_least, how.max_age, now, row)) return false;
            } else {
                if (!core.nearest().template hit_by<Space>(key, hash_key(key), how.at_least, how.max_age, now, row)) return false;
            }
            if (row.value.absent() || !enough(row.value)) return false;
            if constexpr (Space != 0)
                if (core.env.enabled(Guard::alias_verification) && !(row.value.full ? has_key<Space>(*row.value.full, key) : has_key<Space>(row.value.warm->partial_row(), key))) return false;
            bool epoch_found = false;
            if (!stamp_matches(core, row.value, now, epoch_found)) return false;
            if constexpr (!always_serves_v<Policy>)
                if (core.policy.on_hit(HitView{row.version, row.age, row.remaining}) != OnHit::serve) return false;
            if (epoch_found) core.env.observe(event::Lookup{level, LookupOutcome::hit, true});
            return true;
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

private:
    static bool stamp_matches(Core& core, const Row& row, SteadyTime now, bool& epoch_found) {
        if constexpr (Policy::stamp == Stamp::revision) {
            return row.stamp == Schema::revision_number;
        } else if constexpr (Policy::stamp == Stamp::group_epoch) {
            constexpr std::size_t space = epoch_space_v<Policy, Entity>;
            if (!row.full) return false;
            const auto group = key_of<space>(*row.full);
            if (!group) return true;
            Lookup<std::uint64_t> epoch;
            const auto view = view_of<Entity, space>(*group);
            if (!core.nearest().template hit<space>(view, hash_key(view), 0, Duration::max(), now, epoch)) return false;
            epoch_found = epoch.value == row.stamp;
            return epoch_found;
        } else {
            static_cast<void>(core), static_cast<void>(row), static_cast<void>(now), static_cast<void>(epoch_found);
            return true;
        }
    }
};

} // namespace detail
} // namespace v0
} // namespace larder
