// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/engine/core.hpp>
#include <larder/engine/task.hpp>
#include <larder/engine/tier_path.hpp>
#include <larder/engine/write_steps.hpp>
#include <larder/repository/effect.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {

/// The write algorithm: fence, database, publish, acknowledge.
template <class Core>
struct Writer {
    using Entity = typename Core::Entity;
    using Policy = typename Core::Policy;
    using Schema = typename Core::Schema;
    using Database = typename Core::Database;
    using Key = typename Core::Key;
    using Ops = typename Core::Ops;
    using Tiers = TierPath<Core>;
    using Steps = WriteSteps<Core>;
    using Hold = typename Steps::Hold;
    using Effect = typename Steps::Effect;
    using Result = Written<Entity>;

    /// What a write was based on: the row, and how long ago it was loaded (0: from the database just now).
    struct Base {
        std::shared_ptr<const Entity> row;
        Duration age{};
        bool from_tier = false;
        Error error;
        SteadyTime embeds_until = SteadyTime::max(); ///< Until when its embedded rows may be served.
    };

    /// Changes a row: reads it (a cached copy will do, for the write is conditional on its version), lets `mutate` change a
    /// copy, writes that, and starts again with the database's own row if somebody else was faster.
    /// \param must_reach_tiers refuse to write if a tier cannot be fenced. \param known the row, where the caller has just read it.
    template <class Mutate>
    static Task<Result> modify(Core& core, Driver& driver, const Key& key, Mutate& mutate, unsigned retries, bool must_reach_tiers = false, Base known = {}) {
        unsigned conflicts = 0;
        for (bool cached_will_do = Core::versioned;; cached_will_do = false) {
            Base base = std::exchange(known, Base{});
            // Until when embedded rows may be served only the tier knows.
            if (!base.row || !Core::versioned || (Schema::has_embeds && base.from_tier)) {
                auto read = base_of(core, driver, key, cached_will_do);
                base = co_await read;
            }
            if (base.error) co_return Result(base.error);
            if (!base.row) co_return Result(Steps::no_such_row());
            Entity next = *base.row;
            const Outcome<bool> verdict = apply_mutation(mutate, next, *base.row);
            if (verdict.has_error()) {
                if (base.from_tier && verdict.error() == errc::version_conflict) continue;
                co_return Result(verdict.error());
            }
            if (!*verdict) {
                // Where a copy alone answers no read, it decides nothing either.
                if (Policy::guarantee.current_reads && base.from_tier) continue;
                const Version version = Schema::version_of(*base.row);
                bool reached = true;
                if (core.copies_answer() && !base.from_tier) {
                    // Whoever made the row what it is may not have published it yet, and this answer says that it is so.
                    const Publication<Entity> publication = Steps::publication_without_aliases({key, version}, Hold{});
                    const Hold none;
                    auto publish = Steps::finish(core, driver, {&publication, 1}, {&key, 1}, none);
                    reached = co_await publish;
                }
                if (!reached && must_reach_tiers) co_return Result(Steps::unreachable());
                // The news of what made the row so may still be on their way to the tiers in front of others.
                co_return Result(key, version, core.bound_of(reached), base.row, false);
            }
            if (const Error forbidden = Steps::forbids_change(*base.row, next, !base.from_tier)) co_return Result(forbidden);
            Schema::set_version(next, Schema::version_of(*base.row));
            auto write = write_row(core, driver, key, base, std::move(next), must_reach_tiers);
            Result result = co_await write;
            // Whoever was faster may have left nothing to do, or removed or revoked the row: `mutate` decides anew.
            const bool overtaken = result.error() == errc::version_conflict || result.error() == errc::no_such_row || result.error() == errc::revoked;
            // A copy that was out of date is no conflict with anybody yet.
            const bool stale_base = base.from_tier && overtaken;
            if (!stale_base && (!overtaken || conflicts++ == retries)) co_return result;
        }
    }

    /// Inserts a row.
    static Task<Result> insert(Core& core, Driver& driver, Entity row) {
        const KeySet<Entity> keys = Steps::plan_insert(core, row);
        Hold hold;
        auto fence = Steps::fence(core, driver, core.database, keys, hold);
        if (!co_await fence) co_return Result(hold.error);
        auto asked = core.query(QueryKind::insert, driver, Ops::insert(row));
        auto outcome = co_await asked;
        if (outcome.has_error()) {
            auto lift = Steps::lift_fence(core, driver, keys, hold, outcome.error());
            co_await lift;
            co_return Result(outcome.error());
        }
        const auto stored = std::make_shared<const Entity>(std::move(*outcome));
        const Effect effect = Steps::inserted(stored);
        auto publish = acknowledge(core, driver, effect, hold);
        const Duration bound = co_await publish;
        co_return Result(effect.key, Schema::version_of(*stored), bound, stored);
    }

    /// Removes a row.
    static Task<Result> erase(Core& core, Driver& driver, const Key& key) {
        unsigned conflicts = 0;
        for (bool cached_will_do = Core::versioned;; cached_will_do = false) {
            auto read = base_of(core, driver, key, cached_will_do);
            const Base base = co_await read;
            if (base.error) co_return Result(base.error);
            if (!base.row) co_return Result(Steps::no_such_row());
            const KeySet<Entity> keys = Steps::plan_erase(*base.row);
            Hold hold;
            auto fence = Steps::fence(core, driver, core.database, keys, hold);
            if (!co_await fence) co_return Result(hold.error);
            auto asked = core.query(QueryKind::erase, driver, Ops::erase(key, Schema::version_of(*base.row), hold.condition));
            const auto outcome = co_await asked;
            if (outcome.has_error()) {
                auto lift = Steps::lift_fence(core, driver, keys, hold, outcome.error());
                co_await lift;
                const bool conflict = outcome.error() == errc::version_conflict;
                const bool stale_base = base.from_tier && (conflict || outcome.error() == errc::no_such_row);
                if (!stale_base && (!conflict || conflicts++ == core.options.conflict_retries)) co_return Result(outcome.error());
                continue;
            }
            const Effect effect = Steps::erased(*base.row, *outcome);
            auto publish = acknowledge(core, driver, effect, hold);
            const Duration bound = co_await publish;
            co_return Result(key, *outcome, bound, base.row);
        }
    }

    /// Revokes a row, and sets what `also` says. \param effect whether to insist that no copy is served any more, and to wait for that.
    template <class Also>
    static Task<Result> revoke(Core& core, Driver& driver, const Key& key, const Also& also, larder::Effect effect) {
        const bool insists = effect == larder::Effect::required;
        auto mutate = revocation_of(core, also);
        if (insists)
            if (Error never = Steps::never_effective(core)) co_return Result(std::move(never));
        auto write = modify(core, driver, key, mutate, core.options.conflict_retries, insists);
        Result written = co_await write;
        if (insists && written.pending() > Duration::zero()) {
            auto sleep = Sleep{driver, written.pending()};
            co_await sleep;
            co_return Result(written.key(), written.version(), Duration::zero(), written.row(), written.changed());
        }
        co_return written;
    }

    /// Revokes all valid rows of a group in one transaction. Rows that join the group between the listing of what is to be fenced
    /// and the transaction are revoked too, without a fence: until the publish a read may see either side of that.
    template <std::size_t Space, class Members>
    static Task<WrittenMany<Entity>> revoke_all(Core& core, Driver& driver, const space_key_t<Entity, Space>& group, const Entity& pattern, Members members) {
        auto plan = Steps::template plan_revoke_all<Space>(core, driver, core.database, group);
        const auto planned = co_await plan;
        if (planned.has_error()) co_return WrittenMany<Entity>(planned.error());
        const KeySet<Entity>& keys = *planned;
        Hold hold;
        if (keys.size() != 0) {
            auto fence = Steps::fence(core, driver, core.database, keys, hold, Steps::template moves_epoch<Space>);
            if (!co_await fence) co_return WrittenMany<Entity>(hold.error);
        }
        auto asked = core.query(QueryKind::revoke_group, driver, Ops::template revoke_all<Space>(group, pattern, members));
        const auto outcome = co_await asked;
        if (outcome.has_error()) {
            auto lift = Steps::lift_fence(core, driver, keys, hold, outcome.error());
            co_await lift;
            co_return WrittenMany<Entity>(outcome.error());
        }
        typename Steps::Publications publications;
        auto gather = Steps::template publish_revocation<Space>(core, driver, group, *outcome, keys, hold, publications);
        const bool known = co_await gather;
        std::vector<Key> written;
        for (const auto& row : outcome->rows) written.push_back(row.key);
        auto publish = Steps::finish(core, driver, publications, written, hold);
        const bool reached = co_await publish;
        co_return WrittenMany<Entity>(outcome->rows.size(), core.bound_of(reached && known));
    }

    /// Moves the touch column, at most once in the options' interval, and no version.
    static Task<Result> touch(Core& core, Driver& driver, const Key& key) {
        auto read = base_of(core, driver, key, true);
        const Base base = co_await read;
        if (base.error) co_return Result(base.error);
        if (!base.row) co_return Result(Steps::no_such_row());
        if (Schema::is_revoked(*base.row)) co_return Result(Error{errc::revoked, std::string(Schema::table) + ": the row is revoked, which is terminal"});
        const Version version = Schema::version_of(*base.row);
        const WallTime now = core.env.wall_now();
        if (!touch_is_due(core, *base.row, now)) co_return Result(key, version, Duration::zero(), base.row, false);
        // The lease is taken before the row is touched, so that a write that comes between makes the copy's fill lost.
        Demand demand;
        demand.refresh = true;
        Seen<CachedRow<Entity>> seen;
        if constexpr (Policy::caches_rows) {
            auto look = Tiers::template lookup<0>(core, driver, key, demand);
            seen = co_await look;
        }
        auto asked = core.query(QueryKind::touch, driver, Ops::touch(key, now));
        const auto moved = co_await asked;
        const bool refill = moved.has_value() && *moved && seen.answer == Answer::hit && seen.value.full && seen.lease != 0;
        if (!refill) {
            auto release = Tiers::template release<0>(core, driver, key, seen);
            co_await release;
            if (moved.has_error()) co_return Result(moved.error());
            co_return Result(key, version, Duration::zero(), nullptr, *moved);
        }
        Entity touched = *seen.value.full;
        set_touch(touched, now);
        FillRequest<CachedRow<Entity>> request;
        request.version = seen.version;
        request.age = seen.age;
        request.lifetime = core.lifetime_of(touched, Read{});
        request.lifetime.serve = seen.age + seen.remaining;
        request.value.stamp = seen.value.stamp;
        request.value.full = std::make_shared<const Entity>(std::move(touched));
        const auto row = request.value.full;
        auto fill = Tiers::template fill<0>(core, driver, key, seen, std::move(request));
        co_await fill;
        co_return Result(key, version, Duration::zero(), row, true);
    }

    /// Whether a row's touch column is old enough to be moved.
    static bool touch_is_due(const Core& core, const Entity& row, WallTime now) {
        const auto& last = row.*FirstMember<typename Schema::touch_members>::value;
        if (is_null(last)) return true;
        return now - std::chrono::time_point_cast<WallTime::duration>(bare(last)) >= core.options.touch_interval;
    }

private:
    /// The row to base a write on: a cached copy if allowed and there, else the database's.
    static Task<Base> base_of(Core& core, Driver& driver, const Key& key, bool cached_will_do) {
        Base base;
        if constexpr (Policy::caches_rows) {
            if (cached_will_do) {
                Demand demand;
                demand.want_lease = false;
                auto look = Tiers::template lookup<0>(core, driver, key, demand);
                auto seen = co_await look;
                if (seen.answer == Answer::hit && seen.value.full) {
                    base.row = std::move(seen.value.full);
                    base.age = seen.age;
                    base.from_tier = true;
                    base.embeds_until = core.env.now() + seen.remaining;
                    co_return base;
                }
            }
        }
        base.embeds_until = core.env.now() + core.options.ttl;
        auto asked = core.query(QueryKind::load, driver, Ops::load(key, ReadMode::plain));
        auto outcome = co_await asked;
        if (outcome.has_error())
            base.error = outcome.error();
        else if (*outcome)
            base.row = std::make_shared<const Entity>(std::move(**outcome));
        co_return base;
    }

    static Task<Result> write_row(Core& core, Driver& driver, const Key& key, const Base& base, Entity next, bool must_reach_tiers) {
        const KeySet<Entity> keys = Steps::plan_update(*base.row, next);
        Hold hold;
        auto fence = Steps::fence(core, driver, core.database, keys, hold);
        if (!co_await fence) co_return Result(hold.error);
        if (must_reach_tiers && !hold.reached_tiers) {
            const Error failure = Steps::unreachable();
            auto lift = Steps::lift_fence(core, driver, keys, hold, failure);
            co_await lift;
            co_return Result(failure);
        }
        if (!core.env.enabled(Guard::parents_after_commit)) {
            auto early = Steps::expel_parents(core, driver, key);
            co_await early;
        }
        auto asked = core.query(QueryKind::update, driver, Ops::update(next, Schema::version_of(*base.row), hold.condition));
        const auto outcome = co_await asked;
        if (outcome.has_error()) {
            auto lift = Steps::lift_fence(core, driver, keys, hold, outcome.error());
            co_await lift;
            co_return Result(outcome.error());
        }
        const Effect effect = Steps::updated(*base.row, std::move(next), *outcome, base.embeds_until);
        auto publish = acknowledge(core, driver, effect, hold);
        const Duration bound = co_await publish;
        co_return Result(key, *outcome, bound, effect.whole ? effect.after : nullptr);
    }

    /// Publishes what a write made of a row. \returns for how long the write is pending.
    static Task<Duration> acknowledge(Core& core, Driver& driver, const Effect& effect, const Hold& hold) {
        const Publication<Entity> publication = Steps::publication_of(core, effect, hold);
        auto publish = Steps::finish(core, driver, {&publication, 1}, {&effect.key, 1}, hold);
        const bool reached = co_await publish;
        co_return core.bound_of(reached);
    }

    static void set_touch(Entity& row, WallTime now) {
        auto& last = row.*FirstMember<typename Schema::touch_members>::value;
        using Moment = bare_value_t<std::remove_cvref_t<decltype(last)>>;
        last = std::chrono::time_point_cast<typename Moment::duration>(now);
    }
};

} // namespace detail
} // namespace v0
} // namespace larder
