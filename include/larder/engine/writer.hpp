// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/engine/core.hpp>
#include <larder/engine/reader.hpp>
#include <larder/engine/task.hpp>
#include <larder/engine/tier_path.hpp>

#include <boost/unordered/unordered_flat_set.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {

/// What a read-modify-write makes of a row: changed, left as it is, or an error. \param next starts as a copy of `base`.
template <class Mutate, class Entity>
Outcome<bool> apply_mutation(Mutate& mutate, Entity& next, const Entity& base) {
    try {
        if constexpr (std::is_invocable_v<Mutate&, Entity&, const Entity&>) {
            return mutate(next, base);
        } else if constexpr (std::is_void_v<std::invoke_result_t<Mutate&, Entity&>>) {
            mutate(next);
            return true;
        } else {
            return static_cast<bool>(mutate(next));
        }
    } catch (...) {
        return error_of_exception("the change of the row");
    }
}

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
    using Reading = Reader<Core>;
    using Result = Written<Entity>;

    /// What a write was based on: the row, and how long ago it was loaded (0: from the database just now).
    struct Base {
        std::shared_ptr<const Entity> row;
        Duration age{};
        bool from_tier = false;
        Error error;
        SteadyTime embeds_until = SteadyTime::max(); ///< Until when its embedded rows may be served.
    };

    /// A fence that a write holds.
    struct Hold {
        FenceOwner owner = 0;
        bool reached_tiers = true;
        WriteCondition condition;
        Error error;
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
            if (!base.row) co_return Result(Error{errc::no_such_row, std::string(Schema::table) + ": there is no row with this primary key"});
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
                    auto publish = finish(core, driver, publication_without_aliases({key, version}, Hold{}), Hold{});
                    reached = co_await publish;
                }
                if (!reached && must_reach_tiers) co_return Result(unreachable());
                // The news of what made the row so may still be on their way to the tiers in front of others.
                co_return Result(key, version, core.bound_of(reached), base.row, false);
            }
            if (Schema::is_revoked(*base.row) && !base.from_tier) co_return Result(Error{errc::revoked, std::string(Schema::table) + ": the row is revoked, which is terminal"});
            if (primary_key_of(next) != key) co_return Result(Error{errc::invalid_options, std::string(Schema::table) + ": a change must not touch the primary key"});
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
        give_identity(core, row);
        KeySet<Entity> keys;
        keys.add_all_of(row);
        if constexpr (Schema::is_generated)
            if (key_of<0>(row) == Key{}) keys.template in<0>().clear();
        auto fence = begin(core, driver, keys);
        const Hold hold = co_await fence;
        if (hold.error) co_return Result(hold.error);
        auto asked = core.query(QueryKind::insert, driver, Ops::insert(row));
        auto outcome = co_await asked;
        if (outcome.has_error()) {
            auto lift = lift_fence(core, driver, keys, hold, outcome.error());
            co_await lift;
            co_return Result(outcome.error());
        }
        const auto stored = std::make_shared<const Entity>(std::move(*outcome));
        Publication<Entity> publication = publication_of(core, *stored, hold);
        if (!core.env.enabled(Guard::publish_every_key)) publication.aliases = {};
        auto value = value_for(core, driver, stored, Duration::zero(), true);
        publication.row = co_await value;
        publication.lifetime = core.lifetime_of(*stored, Read{});
        auto publish = finish(core, driver, std::move(publication), hold);
        const bool reached = co_await publish;
        co_return Result(primary_key_of(*stored), Schema::version_of(*stored), core.bound_of(reached), stored);
    }

    /// Removes a row.
    static Task<Result> erase(Core& core, Driver& driver, const Key& key) {
        unsigned conflicts = 0;
        for (bool cached_will_do = Core::versioned;; cached_will_do = false) {
            auto read = base_of(core, driver, key, cached_will_do);
            const Base base = co_await read;
            if (base.error) co_return Result(base.error);
            if (!base.row) co_return Result(Error{errc::no_such_row, std::string(Schema::table) + ": there is no row with this primary key"});
            KeySet<Entity> keys;
            keys.add_all_of(*base.row);
            auto fence = begin(core, driver, keys);
            const Hold hold = co_await fence;
            if (hold.error) co_return Result(hold.error);
            auto asked = core.query(QueryKind::erase, driver, Ops::erase(key, Schema::version_of(*base.row), hold.condition));
            const auto outcome = co_await asked;
            if (outcome.has_error()) {
                auto lift = lift_fence(core, driver, keys, hold, outcome.error());
                co_await lift;
                const bool conflict = outcome.error() == errc::version_conflict;
                const bool stale_base = base.from_tier && (conflict || outcome.error() == errc::no_such_row);
                if (!stale_base && (!conflict || conflicts++ == core.options.conflict_retries)) co_return Result(outcome.error());
                continue;
            }
            Publication<Entity> publication;
            publication.primary = key;
            publication.owner = hold.owner;
            publication.version = *outcome;
            if (Policy::caches_rows && Policy::after_write == AfterWrite::publish && core.options.negative_ttl > Duration::zero() && Core::versioned) publication.row.emplace();
            publication.lifetime = core.negative_lifetime();
            publication.gone = std::move(keys);
            publication.gone.template in<0>().clear();
            auto publish = finish(core, driver, std::move(publication), hold);
            const bool reached = co_await publish;
            co_return Result(key, *outcome, core.bound_of(reached), base.row);
        }
    }

    /// Revokes all valid rows of a group in one transaction. Rows that join the group between the listing of what is to be fenced
    /// and the transaction are revoked too, without a fence: until the publish a read may see either side of that.
    template <std::size_t Space, class Members>
    static Task<WrittenMany<Entity>> revoke_all(Core& core, Driver& driver, const space_key_t<Entity, Space>& group, const Entity& pattern, Members members) {
        constexpr bool moves_epoch = Policy::stamp == Stamp::group_epoch && epoch_space_v<Policy, Entity> == Space;
        KeySet<Entity> keys;
        if constexpr (Policy::fenced) {
            auto listed = core.query(QueryKind::list, driver, Ops::template list<Space>(group));
            const auto rows = co_await listed;
            if (rows.has_error()) co_return WrittenMany<Entity>(rows.error());
            for (const auto& row : *rows) keys.template in<0>().push_back(row.key);
        }
        if constexpr (moves_epoch) keys.template in<Space>().push_back(group);
        Hold hold;
        if (keys.size() != 0) {
            auto fence = begin(core, driver, keys, moves_epoch);
            hold = co_await fence;
            if (hold.error) co_return WrittenMany<Entity>(hold.error);
        }
        auto asked = core.query(QueryKind::revoke_group, driver, Ops::template revoke_all<Space>(group, pattern, members));
        const auto outcome = co_await asked;
        if (outcome.has_error()) {
            auto lift = lift_fence(core, driver, keys, hold, outcome.error());
            co_await lift;
            co_return WrittenMany<Entity>(outcome.error());
        }
        std::vector<Publication<Entity>> publications;
        publications.reserve(outcome->rows.size() + 1);
        if constexpr (moves_epoch) {
            auto& moved = publications.emplace_back();
            moved.epoch_keys.template in<Space>().push_back(group);
            moved.epoch = outcome->epoch;
            moved.version = outcome->epoch;
            moved.lifetime.serve = core.options.ttl;
            moved.owner = hold.owner;
        }
        bool aliases_known = true;
        if constexpr (Policy::caches_rows && Schema::unique_count != 0) {
            auto publish_rows = publications_of(core, driver, outcome->rows, hold, publications);
            aliases_known = co_await publish_rows;
        } else {
            for (const auto& row : outcome->rows) publications.push_back(publication_without_aliases(row, hold));
        }
        // Rows that were revoked already: whoever revoked them may not have published yet, and a fence of theirs may have been lost with a
        // copy filled since, so the floor is raised to what the database has now. Where they are fenced, that gives their fences back.
        std::vector<RowVersion<Entity>> others;
        const bool all_of_it = keys.template in<0>().size() == outcome->rows.size();
        if ((Policy::fenced && !all_of_it) || (!Policy::fenced && core.copies_answer() && !moves_epoch)) {
            auto listed = core.query(QueryKind::list, driver, Ops::template list<Space>(group));
            const auto rows = co_await listed;
            if (rows.has_error())
                aliases_known = false;
            else
                others = *rows;
        }
        if constexpr (Policy::fenced) {
            for (auto& key : keys.template in<0>()) others.push_back({std::move(key), 0});
        }
        add_others(publications, outcome->rows, std::move(others), hold);
        auto publish = Tiers::publish(core, driver, publications);
        const bool reached = co_await publish;
        bool parents_done = true;
        for (const auto& row : outcome->rows) {
            auto parents = expel_parents(core, driver, row.key);
            const bool expelled = co_await parents;
            parents_done = parents_done && expelled;
        }
        co_return WrittenMany<Entity>(outcome->rows.size(), core.bound_of(reached && aliases_known && parents_done && hold.reached_tiers));
    }

    /// Moves the touch column, at most once in the options' interval, and no version.
    static Task<Result> touch(Core& core, Driver& driver, const Key& key) {
        auto read = base_of(core, driver, key, true);
        const Base base = co_await read;
        if (base.error) co_return Result(base.error);
        if (!base.row) co_return Result(Error{errc::no_such_row, std::string(Schema::table) + ": there is no row with this primary key"});
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
        KeySet<Entity> keys;
        keys.add_all_of(*base.row);
        keys.add_all_of(next);
        auto fence = begin(core, driver, keys);
        const Hold hold = co_await fence;
        if (hold.error) co_return Result(hold.error);
        if (must_reach_tiers && !hold.reached_tiers) {
            const Error failure = unreachable();
            auto lift = lift_fence(core, driver, keys, hold, failure);
            co_await lift;
            co_return Result(failure);
        }
        if (!core.env.enabled(Guard::parents_after_commit)) {
            auto early = expel_parents(core, driver, key);
            co_await early;
        }
        auto asked = core.query(QueryKind::update, driver, Ops::update(next, Schema::version_of(*base.row), hold.condition));
        const auto outcome = co_await asked;
        if (outcome.has_error()) {
            auto lift = lift_fence(core, driver, keys, hold, outcome.error());
            co_await lift;
            co_return Result(outcome.error());
        }
        if (Core::versioned) Schema::set_version(next, *outcome);
        const bool whole = same_relations(*base.row, next);
        const auto written = std::make_shared<const Entity>(std::move(next));
        Publication<Entity> publication = publication_of(core, *written, hold);
        add_gone(publication, *base.row, *written);
        auto value = value_for(core, driver, written, base.age, whole);
        publication.row = co_await value;
        publication.lifetime = core.lifetime_of(*written, Read{});
        // A write does not make the embedded rows any younger.
        if constexpr (Schema::has_embeds) publication.lifetime.serve = std::min<Duration>(publication.lifetime.serve, base.embeds_until - core.env.now());
        if (publication.lifetime.serve <= Duration::zero() && publication.lifetime.fallback <= Duration::zero()) publication.row.reset();
        auto publish = finish(core, driver, std::move(publication), hold);
        const bool reached = co_await publish;
        co_return Result(key, *outcome, core.bound_of(reached), whole ? written : nullptr);
    }

    static Error unreachable() { return {errc::cache_unavailable, std::string(Schema::table) + ": the write must be effective, but a cache tier cannot be reached"}; }

    /// Fences keys, if the policy does so, and reads the deadline for the commit first where the tier outlives its writer.
    static Task<Hold> begin(Core& core, Driver& driver, const KeySet<Entity>& keys, bool always = false) {
        Hold hold;
        if (!(Policy::fenced || always) || !core.env.enabled(Guard::fence)) co_return hold;
        while (hold.owner == 0) hold.owner = core.env.random();
        if constexpr (Core::Authority::outlives_process && has_clock_v<Database>) {
            if (core.env.enabled(Guard::write_deadline)) {
                auto asked = core.query(QueryKind::clock, driver, Ops::clock());
                const auto now = co_await asked;
                if (now.has_error()) {
                    hold.error = now.error();
                    co_return hold;
                }
                hold.condition.not_after = *now + std::chrono::duration_cast<DatabaseTime::duration>(core.options.fence_for);
            }
        }
        auto fence = Tiers::fence(core, driver, keys, hold.owner);
        hold.reached_tiers = co_await fence;
        co_return hold;
    }

    /// Gives a fence back after a write that did not commit. One that may have committed keeps it, to end by itself; without a
    /// fence the copies of what it may have changed are dropped.
    static Task<bool> lift_fence(Core& core, Driver& driver, const KeySet<Entity>& keys, const Hold& hold, Error failure) {
        if (hold.owner == 0 && (failure == errc::outcome_unknown || failure == errc::exception_thrown)) {
            auto drop = Tiers::drop(core, driver, keys, Invalidation::expel);
            co_await drop;
        }
        if (hold.owner == 0 || failure == errc::outcome_unknown) co_return false;
        std::vector<Publication<Entity>> publications;
        for (const auto& key : keys.template in<0>()) {
            auto& publication = publications.emplace_back();
            publication.primary = key;
            publication.owner = hold.owner;
        }
        // A row whose key the database would have made has none: its aliases are given back in the name of no row.
        if (publications.empty()) publications.emplace_back().primary.emplace();
        auto& first = publications.front();
        first.owner = hold.owner;
        first.gone = keys;
        first.gone.template in<0>().clear();
        first.epoch_keys = keys;
        auto publish = Tiers::publish(core, driver, publications);
        co_return co_await publish;
    }

    /// Adds publications of the rows that are not among those just published; of a row that comes twice, the first.
    static void add_others(std::vector<Publication<Entity>>& publications, const std::vector<RowVersion<Entity>>& published, std::vector<RowVersion<Entity>> others, const Hold& hold) {
        struct Hash {
            std::size_t operator()(const Key& key) const noexcept { return static_cast<std::size_t>(hash_key(key)); }
        };
        boost::unordered_flat_set<Key, Hash> done;
        for (const auto& row : published) done.insert(row.key);
        for (const auto& row : others)
            if (done.insert(row.key).second) publications.push_back(publication_without_aliases(row, hold));
    }

    static Publication<Entity> publication_without_aliases(const RowVersion<Entity>& row, const Hold& hold) {
        Publication<Entity> publication;
        publication.primary = row.key;
        publication.version = row.version;
        publication.owner = hold.owner;
        return publication;
    }

    /// What to publish of rows that were changed together, with the aliases that lead to them: a load through an alias that began
    /// before the change must lose its lease, or it could fill the old row once the new floor was evicted. \returns whether the
    /// aliases of all rows could be read.
    static Task<bool> publications_of(Core& core, Driver& driver, const std::vector<RowVersion<Entity>>& rows, const Hold& hold, std::vector<Publication<Entity>>& publications) {
        bool known = true;
        for (std::size_t from = 0; from < rows.size(); from += core.options.batch_size) {
            const std::size_t count = std::min(core.options.batch_size, rows.size() - from);
            std::vector<Key> keys;
            keys.reserve(count);
            for (std::size_t i = from; i < from + count; ++i) keys.push_back(rows[i].key);
            auto asked = core.query(QueryKind::load_many, driver, Ops::load_many(keys, ReadMode::plain));
            const auto loaded = co_await asked;
            if (loaded.has_error()) {
                known = false;
                core.hide(Level::database, "reading the aliases of changed rows", loaded.error());
            }
            for (std::size_t i = 0; i < count; ++i) {
                auto& publication = publications.emplace_back(publication_without_aliases(rows[from + i], hold));
                if (loaded.has_error() || !(*loaded)[i]) continue;
                publication.aliases.add_all_of(*(*loaded)[i]);
                publication.aliases.template in<0>().clear();
            }
        }
        co_return known;
    }

    static Publication<Entity> publication_of(Core& core, const Entity& row, const Hold& hold) {
        static_cast<void>(core);
        Publication<Entity> publication;
        publication.primary = primary_key_of(row);
        publication.version = Core::versioned ? Schema::version_of(row) : 0;
        publication.aliases.add_all_of(row);
        publication.aliases.template in<0>().clear();
        publication.owner = hold.owner;
        return publication;
    }

    /// The value to publish; nothing where the tiers must not keep what the write knows.
    static Task<std::optional<CachedRow<Entity>>> value_for(Core& core, Driver& driver, std::shared_ptr<const Entity> row, Duration base_age, bool whole) {
        static_cast<void>(base_age);
        if constexpr (!Policy::caches_rows || Policy::after_write == AfterWrite::expel || !Core::versioned) {
            static_cast<void>(core), static_cast<void>(driver), static_cast<void>(row), static_cast<void>(whole);
            co_return std::nullopt;
        } else {
            if (!whole || core.embeds_linked.load(std::memory_order_relaxed)) co_return std::nullopt;
            const Heat heat = core.heat_of(hash_key(primary_key_of(*row)));
            if (heat == Heat::cold) co_return std::nullopt;
            std::uint64_t stamp = 0;
            if constexpr (Policy::stamp == Stamp::revision) stamp = Schema::revision_number;
            // A group's epoch is not known to have been read before this commit: the next read loads and marks the row.
            if constexpr (Policy::stamp == Stamp::group_epoch) co_return std::nullopt;
            co_return core.cached(std::move(row), heat, stamp);
        }
    }

    static Task<bool> finish(Core& core, Driver& driver, Publication<Entity> publication, Hold hold) {
        auto publish = Tiers::publish(core, driver, std::span<const Publication<Entity>>(&publication, 1));
        const bool published = co_await publish;
        bool parents_done = true;
        if (publication.primary && core.env.enabled(Guard::parents_after_commit)) {
            auto parents = expel_parents(core, driver, *publication.primary);
            parents_done = co_await parents;
        }
        co_return published && parents_done && hold.reached_tiers;
    }

    /// Drops the copies of the rows that embed this one. \returns whether all could be.
    static Task<bool> expel_parents(Core& core, Driver& driver, const Key& key) {
        bool done = true;
        for (const auto& parent : core.parents) {
            auto task = parent(driver, key);
            if (!task) continue;
            auto& expelling = *task;
            const bool expelled = co_await expelling;
            done = done && expelled;
        }
        co_return done;
    }

    /// The alternate keys of `before` that `after` has no more.
    static void add_gone(Publication<Entity>& publication, const Entity& before, const Entity& after) {
        [&]<std::size_t... Alias>(std::index_sequence<Alias...>) {
            (
                [&] {
                    constexpr std::size_t space = Alias + 1;
                    auto old_key = key_of<space>(before);
                    if (old_key && !has_key<space>(after, *old_key)) publication.gone.template add<space>(std::move(*old_key));
                }(),
                ...);
        }(std::make_index_sequence<Schema::unique_count>{});
    }

    /// Whether the embedded rows of `before` are those of `after` too: no foreign key moved.
    static bool same_relations(const Entity& before, const Entity& after) {
        bool same = true;
        boost::mp11::mp_for_each<typename Schema::embeds>([&]<class Word>(Word) {
            [&]<auto... Members>(MemberList<Members...>) { same = same && ((before.*Members == after.*Members) && ...); }(typename Embed<Word>::ForeignKey{});
        });
        return same;
    }

    /// A random identifier for a row whose primary key is an empty UUID.
    static void give_identity(Core& core, Entity& row) {
        if constexpr (std::is_same_v<Key, Uuid>) {
            Uuid& id = row.*FirstMember<typename Schema::primary_members>::value;
            if (!id.is_nil()) return;
            const std::uint64_t halves[2] = {core.env.random(), core.env.random()};
            static_assert(sizeof halves == sizeof(Uuid));
            std::memcpy(id.begin(), halves, sizeof halves);
            // Version 4, variant 1 (RFC 9562).
            *(id.begin() + 6) = static_cast<std::uint8_t>((*(id.begin() + 6) & 0x0FU) | 0x40U);
            *(id.begin() + 8) = static_cast<std::uint8_t>((*(id.begin() + 8) & 0x3FU) | 0x80U);
        }
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
