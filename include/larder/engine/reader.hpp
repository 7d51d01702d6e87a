// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/engine/core.hpp>
#include <larder/engine/early_answer.hpp>
#include <larder/engine/task.hpp>
#include <larder/engine/tier_path.hpp>
#include <larder/engine/verbs.hpp>
#include <larder/repository/result.hpp>

#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace larder {
inline namespace v0 {
namespace detail {

/// How much of a row a read needs.
enum class Extent : std::uint8_t { whole, warm };

/// The read algorithm, beyond the plain in-memory hit: tiers, single-flight, the database, and the fill.
template <class Core>
struct Reader {
    using Entity = typename Core::Entity;
    using Policy = typename Core::Policy;
    using Schema = typename Core::Schema;
    using Key = typename Core::Key;
    using Ops = typename Core::Ops;
    using Tiers = TierPath<Core>;
    using Result = Loaded<Entity>;
    using Row = CachedRow<Entity>;
    template <std::size_t Space>
    using KeyOf = space_key_t<Entity, Space>;
    template <std::size_t Space>
    using Leader = typename SingleFlight<KeyOf<Space>, Result>::Leader;
    using Early = EarlyAnswer<Result>;
    /// Whether filling the tiers takes a while, so that answers are given before it.
    static constexpr bool fills_later = Policy::caches_rows && asynchronous_tier<typename Core::Authority, Entity>;
    /// The key space of the group whose epoch marks rows; without such marks any space will do.
    static constexpr std::size_t epoch_space = Policy::stamp == Stamp::group_epoch ? epoch_space_v<Policy, Entity> : 0;

    /// What one load ended with, and whether its fill was stored.
    struct Fetched {
        Result result;
        bool stored = false;
    };

    /// Reads a row by the key of a space, sharing the load with whoever may share it.
    /// \param early is given the answer, if it comes from the database, before the tiers are filled.
    template <std::size_t Space>
    static Task<Result> find(Core& core, Driver& driver, const KeyOf<Space>& key, Read intent, Extent extent, Early early = {}) {
        if (intent.truth) {
            auto load = ask_truth<Space>(core, driver, key);
            co_return co_await load;
        }
        // A shared answer may be less than this caller asked for; then it joins again, but not for ever.
        for (unsigned round = 0; round < shared_rounds; ++round) {
            auto join = typename SingleFlight<KeyOf<Space>, Result>::Join(core.template flights<Space>(), driver, key);
            auto joined = co_await join;
            if (joined.leader) {
                auto& leader = *joined.leader;
                Fetched fetched;
                auto fetch = fetch_any<Space>(core, driver, key, intent, extent, &leader, early, fetched);
                co_await fetch;
                // A fill that was stored shows that nothing was published meanwhile. Where a commit alone makes an answer old, it shows nothing.
                leader.finish(fetched.result, fetched.stored && !Policy::guarantee.current_reads);
                co_return std::move(fetched.result);
            }
            if (satisfies(core, *joined.answer, intent, extent)) {
                core.env.observe(event::Coalesced{});
                co_return std::move(*joined.answer);
            }
        }
        Fetched fetched;
        auto fetch = fetch_any<Space>(core, driver, key, intent, extent, nullptr, early, fetched);
        co_await fetch;
        co_return std::move(fetched.result);
    }

    /// Loads a row although it may be cached, and replaces what is cached; also what a load under way is about to cache.
    static Task<Fetched> refresh(Core& core, Driver& driver, const Key& key) {
        Fetched fetched;
        const Read intent{};
        Demand demand;
        demand.refresh = true;
        Seen<Row> seen;
        if constexpr (Policy::caches_rows) {
            auto look = Tiers::template lookup<0>(core, driver, key, demand);
            seen = co_await look;
            if (seen.lease == 0 && seen.answer != Answer::bypass && core.fills(Tiers::authority_level)) {
                KeySet<Entity> others;
                others.template add<0>(key);
                auto drop = Tiers::drop(core, driver, others, Invalidation::expel);
                co_await drop;
                auto again = Tiers::template lookup<0>(core, driver, key, demand);
                seen = co_await again;
            }
        }
        auto load = load_row(core, driver, key, intent, Extent::whole, seen, nullptr, Early(), fetched);
        co_await load;
        co_return fetched;
    }

    /// Replaces a cached row whose refresh is due, unless somebody is at it.
    static Task<Done> refresh_ahead(Core& core, Driver& driver, const Key& key) {
        Demand demand;
        demand.refresh = true;
        auto look = Tiers::template lookup<0>(core, driver, key, demand);
        auto seen = co_await look;
        if (seen.answer == Answer::hit && seen.refresh_due && seen.lease != 0 && !seen.value.absent()) {
            const Entity known = seen.value.full ? *seen.value.full : seen.value.warm->partial_row();
            Fetched fetched;
            auto replace = replace_with_aliases<1>(core, driver, key, known, seen, fetched);
            co_await replace;
            if (fetched.result.error.failed()) core.hide(Level::database, "refresh_ahead", fetched.result.error.get());
            co_return Done();
        }
        if (seen.answer == Answer::hit) Tiers::template keep_in_front<0>(core, key, seen);
        auto release = Tiers::template release<0>(core, driver, key, seen);
        co_await release;
        co_return Done();
    }

    /// Loads a row under the lease that `seen` holds, and with it fills anew those of its aliases, from `Space` on, that are cached:
    /// they live no longer than the row by themselves.
    template <std::size_t Space>
    static Task<void> replace_with_aliases(Core& core, Driver& driver, const Key& key, const Entity& known, Seen<Row>& seen, Fetched& fetched) {
        if constexpr (Space == Schema::alias_end) {
            const Read intent{.max_age = Duration::min()}; // Nobody waits for the answer, so there is none to be stale.
            auto load = load_row(core, driver, key, intent, Extent::whole, seen, nullptr, Early(), fetched);
            co_await load;
        } else {
            const auto alias = key_of<Space>(known);
            Seen<std::optional<Key>> alias_seen;
            if (alias) {
                Demand demand;
                demand.want_lease = false;
                demand.refresh = true;
                auto look = Tiers::template lookup<Space>(core, driver, *alias, demand);
                alias_seen = co_await look;
            }
            auto rest = replace_with_aliases<Space + 1>(core, driver, key, known, seen, fetched);
            co_await rest;
            const Result& result = fetched.result;
            if (alias && fetched.stored && result.row.full && has_key<Space>(*result.row.full, *alias) && alias_seen.value == key) {
                FillRequest<std::optional<Key>> request;
                request.version = result.version;
                request.value = key;
                request.age = core.env.now() - result.loaded_at;
                request.lifetime = core.lifetime_of(*result.row.full, Read{});
                auto fill = Tiers::template fill<Space>(core, driver, *alias, alias_seen, std::move(request));
                co_await fill;
            } else if (alias) {
                auto release = Tiers::template release<Space>(core, driver, *alias, alias_seen);
                co_await release;
            }
        }
    }

    /// Starts `refresh_ahead` in the background. \pre the core is shared.
    static void refresh_in_background(Core& core, Key key) {
        const auto home = core.home();
        if (!home || core.stopped.load(std::memory_order_relaxed)) return;
        boost::asio::post(home, [shared = core.shared_from_this(), key = std::move(key)]() mutable {
            auto body = [key = std::move(key)](Core& own, Driver& driver) { return refresh_ahead(own, driver, key); };
            start_verb<Done>(shared, Verb::refresh, std::move(body), boost::asio::detached);
        });
    }

    /// Whether a cached row carries the mark that the policy asks for.
    static auto stamp_matches(Core& core, Driver& driver, const Row& row) {
        if constexpr (Policy::stamp == Stamp::group_epoch) {
            return epoch_matches(core, driver, row);
        } else {
            static_cast<void>(core), static_cast<void>(driver);
            return Ready<bool>{Policy::stamp != Stamp::revision || row.stamp == Schema::revision_number};
        }
    }

    /// A group's epoch, and how long ago it was known to be that.
    struct Epoch {
        std::uint64_t number = 0;
        Duration known_for{};
    };

    /// The epoch of a group, from the tiers or from the database.
    static Task<Outcome<Epoch>> epoch_of(Core& core, Driver& driver, const KeyOf<epoch_space>& group) {
        Demand demand;
        auto look = Tiers::template lookup<epoch_space>(core, driver, group, demand);
        auto seen = co_await look;
        if (seen.answer == Answer::hit) {
            core.env.observe(event::Lookup{seen.level, LookupOutcome::hit, true});
            co_return Epoch{seen.value, seen.age};
        }
        core.env.observe(event::Lookup{seen.level, LookupOutcome::miss, true});
        const SteadyTime began = core.env.now();
        auto asked = core.query(QueryKind::epoch_read, driver, Ops::template load_epoch<epoch_space>(group));
        const auto outcome = co_await asked;
        if (outcome.has_error()) {
            auto release = Tiers::template release<epoch_space>(core, driver, group, seen);
            co_await release;
            co_return outcome.error();
        }
        FillRequest<std::uint64_t> request;
        request.value = *outcome;
        request.age = core.env.now() - began;
        request.lifetime.serve = core.options.ttl;
        auto fill = Tiers::template fill<epoch_space>(core, driver, group, seen, std::move(request));
        co_await fill;
        co_return Epoch{*outcome, Duration::zero()};
    }

    /// What to fill of a loaded row, or of its absence; a lifetime of 0 where there is nothing to keep, which ends an older copy.
    /// \param unsettled whether the lookup said that a fence had ended unpublished. \param stamp the row's mark; nothing: none can be given.
    static FillRequest<Row> request_for(Core& core, const Read& intent, const Result& result, bool unsettled, Heat heat, const std::optional<std::uint64_t>& stamp) {
        FillRequest<Row> request;
        request.version = result.version;
        request.age = core.env.now() - result.loaded_at;
        if (!result.row.full) {
            // An insert in flight holds no lock that a settled read could wait for: its absence is not known for sure.
            if (!unsettled) request.lifetime = core.negative_lifetime();
        } else if (heat != Heat::cold && stamp) {
            request.value = core.cached(result.row.full, heat, *stamp);
            request.lifetime = core.lifetime_of(*result.row.full, intent);
        }
        return request;
    }

    /// The mark of a row where it depends on nothing but the schema.
    static constexpr std::uint64_t plain_stamp = Policy::stamp == Stamp::revision ? Schema::revision_number : 0;

    /// Whether an epoch was known before rows were read that were loaded at this moment.
    static bool known_before(const Core& core, const Epoch& epoch, SteadyTime loaded_at) {
        return epoch.known_for > core.env.now() - loaded_at || !core.env.enabled(Guard::epoch_before_row);
    }

    /// Whether a copy that was found must go although no version tells that it is old: the database has no such row, or no version.
    static bool must_go(const Seen<Row>& seen, const Result& result) noexcept { return seen.answer == Answer::hit && !seen.value.absent() && (!result.row.full || !Core::versioned); }

    /// Takes what the database answered.
    static void take(Core& core, Result& result, Outcome<std::optional<Entity>>&& outcome) {
        if (outcome.has_error())
            result.error = RareError(outcome.error());
        else if (*outcome)
            take_row(core, result, std::move(**outcome));
    }
    static void take_row(Core& core, Result& result, Entity&& row) {
        core.env.observe(event::Rebuilt{1});
        result.version = Schema::version_of(row);
        result.row.full = std::make_shared<const Entity>(std::move(row));
    }

    static Result result_of(Core& core, Seen<Row>& seen) {
        Result result;
        result.row = std::move(seen.value);
        result.version = seen.version;
        result.source = seen.level;
        result.loaded_at = core.env.now() - seen.age;
        return result;
    }

    /// Answers with a copy past its time, if the database failed, one is there and nothing forbids it. \returns whether it did.
    static Task<bool> fall_back(Core& core, Driver& driver, Read intent, Extent extent, Result& result, Seen<Row>& seen) {
        if (core.options.stale_if_error <= Duration::zero() || Schema::is_never_stale) co_return false;
        const bool there = seen.answer == Answer::hit || seen.has_fallback;
        const bool enough = seen.value.full || (seen.value.warm && extent == Extent::warm);
        if (!there || !enough || intent.at_least > seen.version || seen.age > intent.max_age) co_return false;
        if (core.env.enabled(Guard::stale_bar)) {
            if (Schema::is_revoked(seen.value.full ? *seen.value.full : seen.value.warm->partial_row())) co_return false;
            // A mark that differs may mean that the row's whole group was revoked.
            auto stamp = stamp_matches(core, driver, seen.value);
            if (!co_await stamp) co_return false;
        }
        core.hide(Level::database, "load", result.error.get());
        result.error = {};
        result.row = std::move(seen.value);
        result.version = seen.version;
        result.source = seen.level;
        result.loaded_at = core.env.now() - seen.age;
        result.stale = StaleCause::database_failed;
        core.env.observe(event::StaleServed{StaleCause::database_failed});
        co_return true;
    }

private:
    static constexpr unsigned shared_rounds = 3;

    static Task<bool> epoch_matches(Core& core, Driver& driver, const Row& row) {
        const auto group = row.full ? key_of<epoch_space>(*row.full) : key_of<epoch_space>(row.warm->partial_row());
        if (!group) co_return true;
        auto read = epoch_of(core, driver, *group);
        const Outcome<Epoch> epoch = co_await read;
        co_return epoch.has_value() && epoch->number == row.stamp;
    }

    static bool satisfies(Core& core, const Result& result, const Read& intent, Extent extent) {
        if (result.error.failed()) return true;
        if (result.row.absent()) return intent.at_least == 0;
        if (extent == Extent::whole && !result.row.full) return false;
        return result.version >= intent.at_least && (intent.max_age == Duration::max() || core.env.now() - result.loaded_at <= intent.max_age);
    }

    template <std::size_t Space>
    static Task<void> fetch_any(Core& core, Driver& driver, const KeyOf<Space>& key, const Read& intent, Extent extent, Leader<Space>* leader, Early early, Fetched& fetched) {
        if constexpr (Space == 0)
            return fetch(core, driver, key, intent, extent, leader, early, fetched);
        else
            return fetch_by<Space>(core, driver, key, intent, extent, leader, early, fetched);
    }

    /// Gives what the database has answered to those who wait for it, before the tiers are filled.
    template <std::size_t Space>
    static void answer_before_fill(const Result& result, Leader<Space>* leader, Early early) {
        if constexpr (fills_later) {
            if (leader) leader->answer(result);
            early(result);
        }
    }

    template <std::size_t Space>
    static Task<Result> ask_truth(Core& core, Driver& driver, const KeyOf<Space>& key) {
        Result result;
        result.loaded_at = core.env.now();
        if constexpr (Space == 0) {
            auto asked = core.load(driver, key, ReadMode::plain);
            auto outcome = co_await asked;
            take(core, result, std::move(outcome));
        } else {
            auto asked = core.query(QueryKind::load_by, driver, Ops::template load_by<Space>(key, ReadMode::plain));
            auto outcome = co_await asked;
            take(core, result, std::move(outcome));
        }
        co_return result;
    }

    /// Looks again while somebody else fills; at most as long as a lease lasts.
    template <std::size_t Space>
    static Task<void> wait_for_fill(Core& core, Driver& driver, const KeyOf<Space>& key, const Demand& demand, Leader<Space>* leader, Seen<space_value_t<Entity, Space>>& seen) {
        Duration pause = std::chrono::milliseconds(1);
        Duration waited{};
        while (seen.answer == Answer::wait && waited < core.options.lease_for) {
            core.env.observe(event::Lookup{seen.level, LookupOutcome::waited, Space != 0});
            auto sleep = Sleep{driver, pause};
            co_await sleep;
            waited += pause;
            pause = std::min<Duration>(pause * 2, std::chrono::milliseconds(64));
            if (leader) leader->begin();
            auto lookup = Tiers::template lookup<Space>(core, driver, key, demand);
            seen = co_await lookup;
        }
    }

    static Task<void> fetch(Core& core, Driver& driver, const Key& key, const Read& intent, Extent extent, Leader<0>* leader, Early early, Fetched& fetched) {
        Seen<Row> seen;
        if constexpr (Policy::caches_rows) {
            Demand demand;
            demand.min_version = intent.at_least;
            demand.max_age = intent.max_age;
            if (leader) leader->begin();
            auto first = Tiers::template lookup<0>(core, driver, key, demand);
            seen = co_await first;
            if (seen.answer == Answer::wait) {
                auto wait = wait_for_fill<0>(core, driver, key, demand, leader, seen);
                co_await wait;
            }
            if (seen.answer == Answer::hit) {
                auto decide = judge(core, driver, key, seen, extent, leader);
                if (co_await decide) {
                    if (seen.refresh_due && !seen.value.absent()) refresh_in_background(core, key);
                    fetched.result = result_of(core, seen);
                    co_return;
                }
                core.env.observe(event::Lookup{seen.level, LookupOutcome::rejected, false});
                demand.refresh = true;
                auto again = Tiers::template lookup<0>(core, driver, key, demand);
                seen = co_await again;
            } else {
                core.env.observe(event::Lookup{seen.level, seen.answer == Answer::bypass ? LookupOutcome::bypass : LookupOutcome::miss, false});
            }
        }
        auto load = load_row(core, driver, key, intent, extent, seen, leader, early, fetched);
        co_await load;
    }

    /// Whether a hit may answer, as the policy decides.
    static Task<bool> judge(Core& core, Driver& driver, const Key& key, const Seen<Row>& seen, Extent extent, Leader<0>* leader) {
        if (seen.value.absent()) {
            if constexpr (Policy::guarantee.current_reads) co_return false;
            core.env.observe(event::Lookup{seen.level, LookupOutcome::negative_hit, false});
            co_return true;
        }
        if (extent == Extent::whole && !seen.value.full) co_return false;
        auto stamp = stamp_matches(core, driver, seen.value);
        if (!co_await stamp) co_return false;
        const OnHit decision = core.policy.on_hit(HitView{seen.version, seen.age, seen.remaining});
        if (decision == OnHit::reload) co_return false;
        if constexpr (may_probe_v<Policy>) {
            if (decision == OnHit::verify_version) {
                if (leader) leader->begin();
                auto probe = core.query(QueryKind::version_probe, driver, Ops::load_version(key));
                const auto current = co_await probe;
                if (current.has_error() || !*current || **current != seen.version) co_return false;
            }
        }
        core.env.observe(event::Lookup{seen.level, LookupOutcome::hit, false});
        co_return true;
    }

    /// Loads a row and fills it where `seen` gives the right to. \param fetched set.
    static Task<void> load_row(Core& core, Driver& driver, const Key& key, const Read& intent, Extent extent, Seen<Row>& seen, Leader<0>* leader, Early early, Fetched& fetched) {
        Result& result = fetched.result;
        if (leader) leader->begin();
        ReadMode mode = seen.unsettled ? ReadMode::settled : ReadMode::plain;
        if constexpr (may_lag_v<typename Core::Database>) {
            // What a lagging replica answers is used only where its fill shows that it is not too old: not where more is asked than the floor
            // can vouch for, which knows nothing of embedded rows, nor of writes that were neither fenced nor published.
            if (Policy::fenced && !Policy::guarantee.current_reads && !Core::Schema::has_embeds && intent.at_least == 0 && intent.max_age == Duration::max() && !seen.unsettled && seen.floored && core.fills(Tiers::authority_level)) mode = ReadMode::recent;
        }
        result.loaded_at = core.env.now();
        auto asked = core.load(driver, key, mode);
        auto&& outcome = co_await asked;
        if (outcome.has_error() && mode == ReadMode::recent) {
            mode = ReadMode::plain;
            auto again = core.load(driver, key, mode);
            outcome = co_await again;
        }
        take(core, result, std::move(outcome));
        if (result.error.failed()) {
            auto release = Tiers::template release<0>(core, driver, key, seen);
            co_await release;
            // Looked up again: the copy of before the load may have been revoked since, and who joined meanwhile may share what is found now.
            if (core.options.stale_if_error > Duration::zero()) {
                if (leader) leader->begin();
                Demand demand;
                demand.want_lease = false;
                auto again = Tiers::template lookup<0>(core, driver, key, demand);
                seen = co_await again;
            }
            auto fallback = fall_back(core, driver, intent, extent, result, seen);
            co_await fallback;
            co_return;
        }
        if constexpr (Policy::caches_rows) {
            if (seen.lease != 0) {
                if (leader) leader->before_fill();
                // What a replica has answered may be too old, which the fill will tell.
                if (mode != ReadMode::recent) answer_before_fill<0>(result, leader, early);
                auto fill = fill_row(core, driver, key, intent, seen, result);
                fetched.stored = co_await fill;
            }
        }
        if (mode == ReadMode::recent && !fetched.stored) {
            fetched = Fetched();
            Seen<Row> nothing;
            auto at_primary = load_row(core, driver, key, intent, extent, nothing, leader, early, fetched);
            co_await at_primary;
        }
    }

    /// Fills a loaded row, or its absence, or gives the right to back. \param longest how long it may be served at the most.
    /// \returns whether it was stored.
    static Task<bool> fill_row(Core& core, Driver& driver, const Key& key, const Read& intent, Seen<Row>& seen, Result& result, Duration longest = Duration::max()) {
        const Heat heat = result.row.full ? core.heat_of(hash_key(key)) : Heat::cold;
        std::optional<std::uint64_t> stamp = plain_stamp;
        if constexpr (Policy::stamp == Stamp::group_epoch)
            if (heat != Heat::cold) {
                auto stamping = stamp_for(core, driver, key, result);
                stamp = co_await stamping;
            }
        FillRequest<Row> request = request_for(core, intent, result, seen.unsettled, heat, stamp);
        request.lifetime.serve = std::min(request.lifetime.serve, longest);
        if (request.lifetime.serve <= Duration::zero()) {
            if (must_go(seen, result)) {
                KeySet<Entity> gone;
                gone.template add<0>(key);
                auto drop = Tiers::drop(core, driver, gone, Invalidation::expel);
                co_await drop;
            }
            auto release = Tiers::template release<0>(core, driver, key, seen, request.version);
            co_await release;
            co_return false;
        }
        auto fill = Tiers::template fill<0>(core, driver, key, seen, std::move(request));
        const FillOutcome outcome = co_await fill;
        co_return outcome == FillOutcome::stored;
    }

    /// The group's epoch as the mark for a row that was just loaded; nothing if none can be given honestly.
    ///
    /// An epoch marks only rows that were read after it. Where the tiers have known it since before the row's load began,
    /// it is as if it had been read first; else it is read now and the row once more after it.
    static Task<std::optional<std::uint64_t>> stamp_for(Core& core, Driver& driver, const Key& key, Result& result) {
        const auto group = key_of<epoch_space>(*result.row.full);
        if (!group) co_return 0;
        auto read = epoch_of(core, driver, *group);
        const Outcome<Epoch> epoch = co_await read;
        if (epoch.has_error()) co_return std::nullopt;
        if (known_before(core, *epoch, result.loaded_at)) co_return epoch->number;
        Result again;
        again.loaded_at = core.env.now();
        auto asked = core.load(driver, key, ReadMode::plain);
        auto outcome = co_await asked;
        take(core, again, std::move(outcome));
        if (again.error.failed() || !again.row.full) co_return std::nullopt;
        const bool same_group = key_of<epoch_space>(*again.row.full) == group;
        result = std::move(again);
        co_return same_group ? std::optional(epoch->number) : std::nullopt;
    }

    template <std::size_t Space>
    static Task<void> fetch_by(Core& core, Driver& driver, const KeyOf<Space>& key, const Read& intent, Extent extent, Leader<Space>* leader, Early early, Fetched& fetched) {
        Seen<Row> ahead;
        Seen<std::optional<Key>> seen;
        if constexpr (looks_ahead<Space>) {
            if (leader) leader->begin();
            Demand demand;
            demand.min_version = intent.at_least;
            demand.max_age = intent.max_age;
            auto follow = Tiers::template follow<Space>(core, driver, key, demand, ahead);
            seen = co_await follow;
        }
        if (!looks_ahead<Space> || seen.answer == Answer::wait) {
            const Demand demand{};
            if (leader) leader->begin();
            auto look = Tiers::template lookup<Space>(core, driver, key, demand);
            seen = co_await look;
            if (seen.answer == Answer::wait) {
                auto wait = wait_for_fill<Space>(core, driver, key, demand, leader, seen);
                co_await wait;
            }
        }
        if (seen.answer == Answer::hit) {
            if (!seen.value) {
                if (!Policy::guarantee.current_reads && intent.at_least == 0 && seen.age <= intent.max_age) {
                    core.env.observe(event::Lookup{seen.level, LookupOutcome::negative_hit, true});
                    fetched.result.source = seen.level;
                    fetched.result.loaded_at = core.env.now() - seen.age;
                    co_return;
                }
            } else {
                auto answer = answer_ahead(core, driver, *seen.value, ahead, extent, fetched.result);
                if (!co_await answer) {
                    if (leader) leader->begin();
                    auto find_row = find<0>(core, driver, *seen.value, intent, extent);
                    fetched.result = co_await find_row;
                }
                if (fetched.result.error.failed() || leads_to<Space>(core, fetched.result.row, key)) {
                    core.env.observe(event::Lookup{seen.level, LookupOutcome::hit, true});
                    co_return;
                }
                fetched.result = Result();
            }
            core.env.observe(event::Lookup{seen.level, LookupOutcome::rejected, true});
            Demand demand;
            demand.refresh = true;
            auto again = Tiers::template lookup<Space>(core, driver, key, demand);
            seen = co_await again;
        } else {
            core.env.observe(event::Lookup{seen.level, seen.answer == Answer::bypass ? LookupOutcome::bypass : LookupOutcome::miss, true});
        }
        auto load = load_by<Space>(core, driver, key, intent, extent, seen, leader, early, fetched);
        co_await load;
    }

    /// Whether the tiers answer an alternate key together with its row.
    template <std::size_t Space>
    static constexpr bool looks_ahead = Policy::caches_rows && Tiers::template follows<Space>;

    /// Answers with a row that came along with its alternate key, if there is one and it may. \returns whether it did.
    static Task<bool> answer_ahead(Core& core, Driver& driver, const Key& key, Seen<Row>& ahead, Extent extent, Result& result) {
        if (ahead.answer != Answer::hit || ahead.value.absent()) co_return false;
        auto decide = judge(core, driver, key, ahead, extent, nullptr);
        if (!co_await decide) co_return false;
        if (ahead.refresh_due) refresh_in_background(core, key);
        result = result_of(core, ahead);
        co_return true;
    }

    /// Whether what an alias led to has the key that was asked.
    template <std::size_t Space>
    static bool leads_to(Core& core, const Row& row, const KeyOf<Space>& key) {
        if (!core.env.enabled(Guard::alias_verification)) return true;
        if (row.full) return has_key<Space>(*row.full, key);
        if (row.warm) return has_key<Space>(row.warm->partial_row(), key);
        return false;
    }

    /// Whether no copies were dropped by primary key alone since the count was that: else what was loaded through an alias may be
    /// older than the drop although the alias's lease held.
    static bool undropped(const Core& core, std::uint64_t drops) noexcept { return core.drops.load(std::memory_order_acquire) == drops; }

    /// Loads a row by an alternate key and fills the alias, and only if that was stored, the row.
    template <std::size_t Space>
    static Task<void> load_by(Core& core, Driver& driver, const KeyOf<Space>& key, const Read& intent, Extent extent, Seen<std::optional<Key>>& seen, Leader<Space>* leader, Early early, Fetched& fetched) {
        Result& result = fetched.result;
        if (leader) leader->begin();
        const std::uint64_t drops = core.drops.load(std::memory_order_acquire);
        result.loaded_at = core.env.now();
        auto asked = core.query(QueryKind::load_by, driver, Ops::template load_by<Space>(key, seen.unsettled ? ReadMode::settled : ReadMode::plain));
        auto&& outcome = co_await asked;
        take(core, result, std::move(outcome));
        if (result.error.failed()) {
            auto release = Tiers::template release<Space>(core, driver, key, seen);
            co_await release;
            auto fallback = fall_back_by<Space>(core, driver, key, intent, extent, seen, result);
            co_await fallback;
            co_return;
        }
        if (seen.lease == 0) co_return;
        answer_before_fill<Space>(result, leader, early);
        if (!result.row.full) {
            FillRequest<std::optional<Key>> request;
            request.lifetime = seen.unsettled ? Lifetime{} : core.negative_lifetime();
            request.age = core.env.now() - result.loaded_at;
            if (request.lifetime.serve <= Duration::zero()) {
                auto release = Tiers::template release<Space>(core, driver, key, seen);
                co_await release;
                co_return;
            }
            if (leader) leader->before_fill();
            auto fill = Tiers::template fill<Space>(core, driver, key, seen, std::move(request));
            const FillOutcome filled = co_await fill;
            fetched.stored = filled == FillOutcome::stored && undropped(core, drops);
            co_return;
        }
        const Key primary = primary_key_of(*result.row.full);
        Seen<Row> row_seen;
        if constexpr (Policy::caches_rows) {
            Demand demand;
            demand.min_version = result.version;
            auto look_row = Tiers::template lookup<0>(core, driver, primary, demand);
            row_seen = co_await look_row;
        }
        if (leader) leader->before_fill();
        FillRequest<std::optional<Key>> request;
        request.version = result.version;
        request.value = primary;
        request.age = core.env.now() - result.loaded_at;
        request.lifetime = core.lifetime_of(*result.row.full, intent);
        // An alias ends no sooner than the row: who keeps reading the row by it, and so keeps it refreshed, always finds it so.
        if (row_seen.answer == Answer::hit) request.lifetime.serve = std::max(request.lifetime.serve, row_seen.remaining + request.age);
        const Duration alias_serves = request.lifetime.serve;
        auto fill = Tiers::template fill<Space>(core, driver, key, seen, std::move(request));
        const FillOutcome filled = co_await fill;
        fetched.stored = filled == FillOutcome::stored && undropped(core, drops);
        if constexpr (Policy::caches_rows) {
            if (fetched.stored && row_seen.lease != 0 && !row_seen.unsettled) {
                // The mark may ask for another read of the row, by its primary key; the answer stays what the alternate key led to.
                Result marked = result;
                auto fill_primary = fill_row(core, driver, primary, intent, row_seen, marked, alias_serves);
                // Only the row's own record knows of every write of the row: a stored alias alone entitles nobody to share.
                fetched.stored = co_await fill_primary;
            } else {
                fetched.stored = false;
                auto release = Tiers::template release<0>(core, driver, primary, row_seen);
                co_await release;
            }
        }
    }

    /// As `fall_back`, by way of an alias past its time.
    template <std::size_t Space>
    static Task<bool> fall_back_by(Core& core, Driver& driver, const KeyOf<Space>& key, const Read& intent, Extent extent, const Seen<std::optional<Key>>& seen, Result& result) {
        if (core.options.stale_if_error <= Duration::zero() || !seen.value || !(seen.answer == Answer::hit || seen.has_fallback)) co_return false;
        Demand demand;
        demand.want_lease = false;
        auto look_row = Tiers::template lookup<0>(core, driver, *seen.value, demand);
        auto row_seen = co_await look_row;
        if (!leads_to<Space>(core, row_seen.value, key)) co_return false;
        auto fallback = fall_back(core, driver, intent, extent, result, row_seen);
        co_return co_await fallback;
    }
};

} // namespace detail
} // namespace v0
} // namespace larder
