// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/engine/core.hpp>
#include <larder/engine/reader.hpp>
#include <larder/engine/task.hpp>
#include <larder/engine/tier_path.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
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
            Demand demand;
            demand.max_age = plan.intent.max_age;
            demand.refresh = replaces_hits;
            auto look = Tiers::template lookup_many<0>(core, driver, keys, demand);
            seen = co_await look;
            for (std::size_t i = 0; i < keys.size(); ++i) {
                const Version oldest = at_least.empty() ? plan.intent.at_least : at_least[i];
                auto decide = serves(core, driver, seen[i], oldest);
                if (co_await decide) {
                    if (seen[i].refresh_due && !seen[i].value.absent()) Reading::refresh_in_background(core, keys[i]);
                    results[i] = Reading::result_of(core, seen[i]);
                } else {
                    missing.push_back(i);
                }
            }
        } else {
            for (std::size_t i = 0; i < keys.size(); ++i) missing.push_back(i);
        }
        if (!missing.empty()) {
            auto load = load_missing(core, driver, keys, at_least, missing, seen, results, plan);
            co_await load;
        }
        co_return results;
    }

    /// Loads some of the rows in one query and fills what their lookups gave the right to. \param missing which of the keys.
    /// \param served if not null, how long each of the keys' rows is served now, if its fill was stored. \returns why the query failed, if it did.
    static Task<Error> load_and_fill(Core& core, Driver& driver, std::span<const Key> keys, const std::vector<std::size_t>& missing, std::vector<Seen<Row>>& seen,
                                     std::vector<Result>& results, const Plan& plan, std::vector<Duration>* served = nullptr) {
        std::vector<Key> wanted;
        wanted.reserve(missing.size());
        bool unsettled = false;
        for (const std::size_t i : missing) {
            wanted.push_back(keys[i]);
            unsettled = unsettled || seen[i].unsettled;
        }
        Loading loading{.started = core.env.now(), .unsettled = unsettled};
        auto asked = core.query(QueryKind::load_many, driver, Ops::load_many(wanted, unsettled ? ReadMode::settled : ReadMode::plain));
        auto outcome = co_await asked;
        take(core, outcome, missing, loading.started, results);
        if constexpr (Policy::caches_rows) {
            if constexpr (Policy::stamp == Stamp::group_epoch) {
                auto mark = mark_all(core, driver, keys, missing, seen, results, loading);
                co_await mark;
            }
            auto fill = fill_all(core, driver, keys, missing, seen, results, plan, loading, served);
            co_await fill;
        }
        co_return outcome.has_error() ? outcome.error() : Error();
    }

private:
    /// Whether no hit answers as it is, so that each is looked up with the right to replace it.
    static constexpr bool replaces_hits = !may_serve_v<Policy>;

    /// A group's epoch, if it could be read, and whether it was known before the batch was loaded.
    struct GroupEpoch {
        space_key_t<Entity, Reading::epoch_space < schema_of<Entity>::space_count ? Reading::epoch_space : 0> group;
        std::optional<std::uint64_t> number;
        bool before = false;
    };

    /// What is known of one batched load.
    struct Loading {
        SteadyTime started;
        bool unsettled = false;
        std::vector<GroupEpoch> epochs{};
    };

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

    static Task<bool> load_missing(Core& core, Driver& driver, std::span<const Key> keys, std::span<const Version> at_least, const std::vector<std::size_t>& missing,
                                   std::vector<Seen<Row>>& seen, std::vector<Result>& results, const Plan& plan) {
        if constexpr (Policy::caches_rows && !replaces_hits)
            for (const std::size_t i : missing) {
                // A hit that may not answer is replaced under a lease of its own.
                if (seen[i].answer != Answer::hit || plan.intent.truth) continue;
                Demand demand;
                demand.refresh = true;
                auto again = Tiers::template lookup<0>(core, driver, keys[i], demand);
                seen[i] = co_await again;
            }
        auto load = load_and_fill(core, driver, keys, missing, seen, results, plan);
        const Error failure = co_await load;
        if (failure)
            for (const std::size_t i : missing) {
                Read intent = plan.intent;
                if (!at_least.empty()) intent.at_least = at_least[i];
                auto fallback = Reading::fall_back(core, driver, intent, Extent::whole, results[i], seen[i]);
                co_await fallback;
            }
        co_return true;
    }

    static void take(Core& core, Outcome<std::vector<std::optional<Entity>>>& outcome, const std::vector<std::size_t>& indices, SteadyTime started, std::vector<Result>& results) {
        for (std::size_t n = 0; n < indices.size(); ++n) {
            Result& result = results[indices[n]];
            result = Result();
            result.loaded_at = started;
            if (outcome.has_error())
                result.error = RareError(outcome.error());
            else if ((*outcome)[n])
                Reading::take_row(core, result, std::move(*(*outcome)[n]));
        }
    }

    /// Finds the epochs that mark the loaded rows that may be filled, and loads once more, all together, those whose epoch was not
    /// known before them.
    static Task<bool> mark_all(Core& core, Driver& driver, std::span<const Key> keys, const std::vector<std::size_t>& missing, const std::vector<Seen<Row>>& seen,
                               std::vector<Result>& results, Loading& loading) {
        std::vector<std::size_t> again;
        for (const std::size_t i : missing) {
            const auto group = results[i].row.full && seen[i].lease != 0 ? key_of<Reading::epoch_space>(*results[i].row.full) : std::nullopt;
            if (!group) continue;
            auto known = std::find_if(loading.epochs.begin(), loading.epochs.end(), [&](const GroupEpoch& each) { return each.group == *group; });
            if (known == loading.epochs.end()) {
                auto read = Reading::epoch_of(core, driver, *group);
                const auto epoch = co_await read;
                GroupEpoch found{*group, std::nullopt, false};
                if (epoch.has_value()) found = {*group, epoch->number, Reading::known_before(core, *epoch, loading.started)};
                known = loading.epochs.insert(loading.epochs.end(), std::move(found));
            }
            if (known->number && !known->before) again.push_back(i);
        }
        if (again.empty()) co_return true;
        std::vector<Key> wanted;
        wanted.reserve(again.size());
        for (const std::size_t i : again) wanted.push_back(keys[i]);
        const SteadyTime started = core.env.now();
        auto asked = core.query(QueryKind::load_many, driver, Ops::load_many(wanted, ReadMode::plain));
        auto outcome = co_await asked;
        if (outcome.has_error()) {
            for (GroupEpoch& each : loading.epochs)
                if (!each.before) each.number.reset();
        } else {
            take(core, outcome, again, started, results);
        }
        co_return true;
    }

    /// The mark of a loaded row; nothing if none can be given honestly.
    static std::optional<std::uint64_t> stamp_of(const Result& result, const Loading& loading) {
        if constexpr (Policy::stamp == Stamp::group_epoch) {
            const auto group = result.row.full ? key_of<Reading::epoch_space>(*result.row.full) : std::nullopt;
            if (!group) return 0;
            const auto known = std::find_if(loading.epochs.begin(), loading.epochs.end(), [&](const GroupEpoch& each) { return each.group == *group; });
            return known == loading.epochs.end() ? std::nullopt : known->number;
        } else {
            static_cast<void>(result), static_cast<void>(loading);
            return Reading::plain_stamp;
        }
    }

    /// Fills what was loaded under a lease; gives the lease back where nothing is to be kept.
    static Task<bool> fill_all(Core& core, Driver& driver, std::span<const Key> keys, const std::vector<std::size_t>& missing, std::vector<Seen<Row>>& seen,
                               const std::vector<Result>& results, const Plan& plan, const Loading& loading, std::vector<Duration>* served) {
        std::vector<typename Tiers::template Filling<0>> fillings;
        KeySet<Entity> gone;
        for (const std::size_t i : missing) {
            FillRequest<Row> request;
            if (seen[i].lease != 0 && !results[i].error.failed()) {
                const Heat heat = !results[i].row.full ? Heat::cold : plan.preload ? Heat::hot : core.heat_of(hash_key(keys[i]));
                request = Reading::request_for(core, plan.intent, results[i], seen[i].unsettled, heat, stamp_of(results[i], loading));
                if (request.lifetime.serve <= Duration::zero() && Reading::must_go(seen[i], results[i])) gone.template in<0>().push_back(keys[i]);
            }
            fillings.push_back({&keys[i], &seen[i], std::move(request)});
        }
        if (gone.size() != 0) {
            auto drop = Tiers::drop(core, driver, gone, Invalidation::expel);
            co_await drop;
        }
        std::vector<Duration> lifetimes;
        for (const auto& each : fillings) lifetimes.push_back(each.request.lifetime.serve);
        auto fill = Tiers::template fill_many<0>(core, driver, fillings);
        co_await fill;
        if (served)
            for (std::size_t n = 0; n < missing.size(); ++n) (*served)[missing[n]] = fillings[n].outcome == FillOutcome::stored ? lifetimes[n] : Duration::zero();
        co_return true;
    }
};

} // namespace detail
} // namespace v0
} // namespace larder
