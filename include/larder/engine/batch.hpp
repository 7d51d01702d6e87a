// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/engine/core.hpp>
#include <larder/engine/reader.hpp>
#include <larder/engine/task.hpp>
#include <larder/engine/tier_path.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {

/// The read algorithm for many rows: one lookup in the tiers and one query for all that they could not answer.
template <class Core>
struct Batch {
    using Entity = typename Core::Entity;
    using Policy = typename Core::Policy;
    using Key = typename Core::Key;
    using Ops = typename Core::Ops;
    using Tiers = TierPath<Core>;
    using Reading = Reader<Core>;
    using Result = Loaded<Entity>;
    using Row = CachedRow<Entity>;

    /// How a batch is read.
    struct Plan {
        Read intent;
        bool preload = false; ///< Rows are kept whole, however seldom they were read.
    };

    /// Reads some rows. \param at_least the oldest version that will do for each key; empty: any. \returns answers in the order of the keys.
    static Task<std::vector<Result>> read(Core& core, Driver& driver, std::span<const Key> keys, std::span<const Version> at_least, Plan plan) {
        std::vector<Result> results(keys.size());
        std::vector<Seen<Row>> seen(keys.size());
        std::vector<std::size_t> missing;
        if (Policy::caches_rows && !plan.intent.truth) {
            auto look = look_up(core, driver, keys, plan.intent, seen);
            co_await look;
            for (std::size_t i = 0; i < keys.size(); ++i) {
                const Version oldest = at_least.empty() ? plan.intent.at_least : at_least[i];
                auto decide = serves(core, driver, seen[i], oldest);
                if (co_await decide)
                    results[i] = Reading::result_of(core, seen[i]);
                else
                    missing.push_back(i);
            }
        } else {
            for (std::size_t i = 0; i < keys.size(); ++i) missing.push_back(i);
        }
        if (!missing.empty()) {
            auto load = load_missing(core, driver, keys, missing, seen, results, plan);
            co_await load;
        }
        co_return results;
    }

private:
    /// Looks all keys up, in the tier in front and then in the authority.
    static Task<bool> look_up(Core& core, Driver& driver, std::span<const Key> keys, const Read& intent, std::vector<Seen<Row>>& seen) {
        Demand demand;
        demand.max_age = intent.max_age;
        demand.lease_for = core.options.lease_for;
        if constexpr (Core::has_near) {
            // One after the other where a tier stands in front: each has its own placeholder to settle.
            for (std::size_t i = 0; i < keys.size(); ++i) {
                auto look = Tiers::template lookup<0>(core, driver, keys[i], demand);
                seen[i] = co_await look;
            }
        } else {
            if (!core.reads(Tiers::authority_level)) co_return false;
            demand.want_lease = core.fills(Tiers::authority_level);
            auto asked = Ask(driver, core.authority, Ops::template lookup_many<0>(keys, demand));
            auto outcome = co_await asked;
            if (outcome.has_error()) {
                core.hide(Tiers::authority_level, "lookup_many", outcome.error());
                co_return false;
            }
            for (std::size_t i = 0; i < keys.size(); ++i) {
                static_cast<Lookup<Row>&>(seen[i]) = std::move((*outcome)[i]);
                seen[i].level = Tiers::authority_level;
            }
        }
        co_return true;
    }

    static Task<bool> serves(Core& core, Driver& driver, Seen<Row>& seen, Version oldest) {
        const auto note = [&](LookupOutcome outcome) { core.env.observe(event::Lookup{seen.level, outcome, false}); };
        if (seen.answer != Answer::hit) {
            note(seen.answer == Answer::bypass ? LookupOutcome::bypass : LookupOutcome::miss);
            co_return false;
        }
        if (seen.value.absent() && !Policy::guarantee.current_reads && oldest == 0) {
            note(LookupOutcome::negative_hit);
            co_return true;
        }
        if (seen.value.full && seen.version >= oldest) {
            auto stamp = Reading::stamp_matches(core, driver, seen.value);
            const bool current = co_await stamp;
            if (current && core.policy.on_hit(HitView{seen.version, seen.age, seen.remaining}) == OnHit::serve) {
                note(LookupOutcome::hit);
                co_return true;
            }
        }
        note(LookupOutcome::rejected);
        co_return false;
    }

    static Task<bool> load_missing(Core& core, Driver& driver, std::span<const Key> keys, const std::vector<std::size_t>& missing, std::vector<Seen<Row>>& seen,
                                   std::vector<Result>& results, const Plan& plan) {
        std::vector<Key> wanted;
        wanted.reserve(missing.size());
        bool unsettled = false;
        for (const std::size_t i : missing) {
            wanted.push_back(keys[i]);
            unsettled = unsettled || seen[i].unsettled;
            // A hit that may not answer is replaced under a lease of its own.
            if (Policy::caches_rows && seen[i].answer == Answer::hit && !plan.intent.truth) {
                Demand demand;
                demand.refresh = true;
                auto again = Tiers::template lookup<0>(core, driver, keys[i], demand);
                seen[i] = co_await again;
                unsettled = unsettled || seen[i].unsettled;
            }
        }
        const SteadyTime began = core.env.now();
        auto asked = core.query(QueryKind::load_many, driver, Ops::load_many(wanted, unsettled ? ReadMode::settled : ReadMode::plain));
        auto outcome = co_await asked;
        for (std::size_t n = 0; n < missing.size(); ++n) {
            Result& result = results[missing[n]];
            result.loaded_at = began;
            if (outcome.has_error())
                result.error = RareError(outcome.error());
            else if ((*outcome)[n])
                Reading::take_row(core, result, std::move(*(*outcome)[n]));
        }
        if constexpr (Policy::caches_rows) {
            auto fill = fill_all(core, driver, keys, missing, seen, results, plan);
            co_await fill;
        }
        co_return true;
    }

    /// Fills what was loaded under a lease; gives the lease back where nothing is to be kept.
    static Task<bool> fill_all(Core& core, Driver& driver, std::span<const Key> keys, const std::vector<std::size_t>& missing, std::vector<Seen<Row>>& seen,
                               std::vector<Result>& results, const Plan& plan) {
        std::vector<Key> filled;
        std::vector<FillRequest<Row>> requests;
        for (const std::size_t i : missing) {
            if (seen[i].lease == 0) continue;
            FillRequest<Row> request;
            if (!results[i].error.failed()) {
                auto prepare = Reading::prepare_fill(core, driver, keys[i], plan.intent, results[i], seen[i].unsettled, plan.preload);
                request = co_await prepare;
            }
            if constexpr (Core::has_near) {
                auto fill = Tiers::template fill<0>(core, driver, keys[i], seen[i], std::move(request));
                co_await fill;
            } else {
                request.lease = std::exchange(seen[i].lease, 0);
                filled.push_back(keys[i]);
                requests.push_back(std::move(request));
            }
        }
        if (!filled.empty()) {
            auto asked = Ask(driver, core.authority, Ops::template fill_many<0>(filled, std::move(requests)));
            const auto outcome = co_await asked;
            if (outcome.has_error())
                core.hide(Tiers::authority_level, "fill_many", outcome.error());
            else
                for (const FillOutcome each : *outcome) core.env.observe(event::Fill{Tiers::authority_level, each, false});
        }
        co_return true;
    }
};

} // namespace detail
} // namespace v0
} // namespace larder
