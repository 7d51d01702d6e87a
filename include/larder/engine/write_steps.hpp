// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/engine/core.hpp>
#include <larder/engine/task.hpp>
#include <larder/engine/tier_path.hpp>

#include <boost/mp11/algorithm.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
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

/// What sets the declared `revoked` column, and what else is asked for: a change of a row, or the pattern of a group's revocation.
template <class Core, class Also>
auto revocation_of(const Core& core, const Also& also) {
    using Entity = typename Core::Entity;
    return [&core, &also](Entity& row) {
        if (Core::Schema::is_revoked(row)) return false;
        // Without such a column the verb's own sentence is to be the only error.
        if constexpr (Core::Schema::has_revoked) {
            auto& moment = row.*FirstMember<typename Core::Schema::revoked_members>::value;
            using Moment = bare_value_t<std::remove_cvref_t<decltype(moment)>>;
            moment = std::chrono::time_point_cast<typename Moment::duration>(core.env.wall_now());
        }
        also.apply(row);
        return true;
    };
}

/// What makes a row another one that was read before, if the database still has the version that it was read at.
template <class Entity>
auto replacement_by(Entity row) {
    using Schema = schema_of<Entity>;
    return [row = std::move(row)](Entity& next, const Entity& base) -> Outcome<bool> {
        if (Schema::version_of(base) != Schema::version_of(row)) return Error{errc::version_conflict, std::string(Schema::table) + ": the row changed since it was read"};
        Entity replaced = row;
        boost::mp11::mp_for_each<typename Schema::embeds>([&]<class Word>(Word) { replaced.*Embed<Word>::member = base.*Embed<Word>::member; });
        next = std::move(replaced);
        return true;
    };
}

/// The steps that every write consists of, a single one as well as one of several in a transaction: the keys are fenced, the database
/// is written, and then either what was committed is published or the fences are given back.
template <class Core>
struct WriteSteps {
    using Entity = typename Core::Entity;
    using Policy = typename Core::Policy;
    using Schema = typename Core::Schema;
    using Key = typename Core::Key;
    using Ops = typename Core::Ops;
    using Tiers = TierPath<Core>;
    using Publications = std::vector<Publication<Entity>>;

    /// The fences that a write holds.
    struct Hold {
        FenceOwner owner = 0;
        bool reached_tiers = true;
        WriteCondition condition;
        Error error;
    };

    /// What a write made of one row.
    struct Effect {
        Key key{};
        std::shared_ptr<const Entity> after;             ///< Null: it was removed.
        Version version = 0;                             ///< The row's, or its tombstone's.
        bool inserted = false;                           ///< There was none before.
        bool whole = true;                               ///< Whether the rows embedded in `after` are known to be its own.
        SteadyTime embeds_until = SteadyTime::max();     ///< Until when the rows embedded in `after` may be served.
        KeySet<Entity> former;                           ///< The alternate keys that led to it before.
    };

    // ---- what a write is about ---------------------------------------------------------------------------------------

    static Error no_such_row() { return {errc::no_such_row, std::string(Schema::table) + ": there is no row with this primary key"}; }

    /// Gives a row that is to be inserted its identity. \returns the keys to be fenced.
    static KeySet<Entity> plan_insert(Core& core, Entity& row) {
        give_identity(core, row);
        KeySet<Entity> keys;
        keys.add_all_of(row);
        if constexpr (Schema::is_generated)
            if (key_of<0>(row) == Key{}) keys.template in<0>().clear();
        return keys;
    }

    /// Why a row must not be made another one, if it must not. \param certain whether `base` is the database's own row.
    static Error forbids_change(const Entity& base, const Entity& next, bool certain) {
        if (Schema::is_revoked(base) && certain) return {errc::revoked, std::string(Schema::table) + ": the row is revoked, which is terminal"};
        if (primary_key_of(next) != primary_key_of(base)) return {errc::invalid_options, std::string(Schema::table) + ": a change must not touch the primary key"};
        return {};
    }

    static KeySet<Entity> plan_update(const Entity& base, const Entity& next) {
        KeySet<Entity> keys;
        keys.add_all_of(base);
        keys.add_all_of(next);
        return keys;
    }

    static KeySet<Entity> plan_erase(const Entity& base) {
        KeySet<Entity> keys;
        keys.add_all_of(base);
        return keys;
    }

    static Effect inserted(std::shared_ptr<const Entity> row) {
        Effect effect;
        effect.key = primary_key_of(*row);
        effect.version = Core::versioned ? Schema::version_of(*row) : 0;
        effect.after = std::move(row);
        effect.inserted = true;
        return effect;
    }

    /// \param next becomes the row as it was written. \param version what the database answered. \param embeds_until until when the rows embedded in `base` may be served.
    static Effect updated(const Entity& base, Entity next, Version version, SteadyTime embeds_until) {
        Effect effect;
        effect.key = primary_key_of(base);
        if (Core::versioned) Schema::set_version(next, version);
        effect.version = Core::versioned ? version : 0;
        effect.whole = same_relations(base, next);
        effect.embeds_until = embeds_until;
        effect.former = aliases_of(base);
        effect.after = std::make_shared<const Entity>(std::move(next));
        return effect;
    }

    static Effect erased(const Entity& base, Version tombstone) {
        Effect effect;
        effect.key = primary_key_of(base);
        effect.version = tombstone;
        effect.former = aliases_of(base);
        return effect;
    }

    // ---- fence ---------------------------------------------------------------------------------------------------------

    /// Fences keys, if the policy does so or they must be, under the owner that `hold` has or gets; before its first fence it reads the deadline
    /// for the commit, where the tier outlives its writer. \param database whose clock is read. \returns whether the write may go on; if not, `hold` says why.
    template <class Source>
    static Task<bool> fence(Core& core, Driver& driver, Source& database, const KeySet<Entity>& keys, Hold& hold, bool always = false) {
        if (!(Policy::fenced || always) || !core.env.enabled(Guard::fence)) co_return true;
        if constexpr (Core::Authority::outlives_process && has_clock_v<Source>) {
            if (!hold.condition.not_after && core.env.enabled(Guard::write_deadline)) {
                auto asked = core.query_in(database, QueryKind::clock, driver, Ops::clock());
                const auto now = co_await asked;
                if (now.has_error()) {
                    hold.error = now.error();
                    co_return false;
                }
                hold.condition.not_after = *now + std::chrono::duration_cast<DatabaseTime::duration>(core.options.fence_for);
            }
        }
        while (hold.owner == 0) hold.owner = core.env.random();
        if (!hold.reached_tiers) {
            // The write is pending as it is: what it does next, with rows locked, must not wait for the tier once more.
            Tiers::expel_in_front(core, keys);
            co_return true;
        }
        auto fence = Tiers::fence(core, driver, keys, hold.owner);
        const bool reached = co_await fence;
        hold.reached_tiers = hold.reached_tiers && reached;
        co_return true;
    }

    /// What a write that must be effective is refused with once a tier could not be fenced.
    static Error unreachable() { return {errc::cache_unavailable, std::string(Schema::table) + ": the write must be effective, but a cache tier cannot be reached"}; }

    /// Why a write cannot be made effective here at all, if it cannot.
    static Error never_effective(const Core& core) {
        if (core.bound_of(true) > Duration::zero() && !Core::Authority::outlives_process)
            return {errc::invalid_options, std::string(Schema::table) + ": a write cannot be effective here: declare Options::sole_writer or add a shared tier"};
        return {};
    }

    /// Gives fences back after a write that did not commit. One that may have committed keeps them, to end by themselves; without a
    /// fence the copies of what it may have changed are dropped.
    static Task<bool> lift_fence(Core& core, Driver& driver, const KeySet<Entity>& keys, const Hold& hold, Error failure) {
        if (hold.owner == 0 && (failure == errc::outcome_unknown || failure == errc::exception_thrown)) {
            auto drop = Tiers::drop(core, driver, keys, Invalidation::expel);
            co_await drop;
        }
        if (hold.owner == 0 || failure == errc::outcome_unknown) co_return false;
        Publications publications;
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

    // ---- publish -------------------------------------------------------------------------------------------------------

    /// What to publish of a row that was written, at this moment.
    static Publication<Entity> publication_of(Core& core, const Effect& effect, const Hold& hold) {
        Publication<Entity> publication = publication_without_aliases({effect.key, effect.version}, hold);
        if (!effect.after) {
            if (Policy::caches_rows && Policy::after_write == AfterWrite::publish && core.options.negative_ttl > Duration::zero() && Core::versioned) publication.row.emplace();
            publication.lifetime = core.negative_lifetime();
            publication.gone = effect.former;
            return publication;
        }
        if (!effect.inserted || core.env.enabled(Guard::publish_every_key)) publication.aliases = aliases_of(*effect.after);
        add_gone(publication, effect.former, *effect.after);
        publication.row = value_for(core, effect.after, effect.whole);
        publication.lifetime = core.lifetime_of(*effect.after, Read{});
        // A write does not make the embedded rows any younger.
        if constexpr (Schema::has_embeds) publication.lifetime.serve = std::min<Duration>(publication.lifetime.serve, effect.embeds_until - core.env.now());
        if (publication.lifetime.serve <= Duration::zero() && publication.lifetime.fallback <= Duration::zero()) publication.row.reset();
        return publication;
    }

    static Publication<Entity> publication_without_aliases(const RowVersion<Entity>& row, const Hold& hold) {
        Publication<Entity> publication;
        publication.primary = row.key;
        publication.version = row.version;
        publication.owner = hold.owner;
        return publication;
    }

    /// The keys to be fenced before a group is revoked: its rows as they are listed, and the group itself where its epoch moves.
    template <std::size_t Space, class Source>
    static Task<Outcome<KeySet<Entity>>> plan_revoke_all(Core& core, Driver& driver, Source& database, const space_key_t<Entity, Space>& group) {
        KeySet<Entity> keys;
        if constexpr (Policy::fenced) {
            auto listed = core.query_in(database, QueryKind::list, driver, Ops::template list<Space>(group));
            const auto rows = co_await listed;
            if (rows.has_error()) co_return rows.error();
            for (const auto& row : *rows) keys.template in<0>().push_back(row.key);
        }
        if constexpr (moves_epoch<Space>) keys.template in<Space>().push_back(group);
        co_return std::move(keys);
    }

    /// Whether the revocation of a group is seen by its epoch.
    template <std::size_t Space>
    static constexpr bool moves_epoch = Policy::stamp == Stamp::group_epoch && epoch_space_v<Policy, Entity> == Space;

    /// Adds what to publish of a group that was revoked. \param keys those fenced for it. \returns whether all that is to be published is known.
    template <std::size_t Space>
    static Task<bool> publish_revocation(Core& core, Driver& driver, const space_key_t<Entity, Space>& group, const GroupRevocation<Entity>& done, KeySet<Entity> keys, const Hold& hold,
                                         Publications& publications) {
        publications.reserve(publications.size() + done.rows.size() + 1);
        if constexpr (moves_epoch<Space>) {
            auto& moved = publications.emplace_back();
            moved.epoch_keys.template in<Space>().push_back(group);
            moved.epoch = done.epoch;
            moved.version = done.epoch;
            moved.lifetime.serve = core.options.ttl;
            moved.owner = hold.owner;
        }
        bool known = true;
        if constexpr (Policy::caches_rows && Schema::unique_count != 0) {
            auto publish_rows = publications_of(core, driver, done.rows, hold, publications);
            known = co_await publish_rows;
        } else {
            for (const auto& row : done.rows) publications.push_back(publication_without_aliases(row, hold));
        }
        // Rows that were revoked already: whoever revoked them may not have published yet, and a fence of theirs may have been lost with a
        // copy filled since, so the floor is raised to what the database has now. Where they are fenced, that gives their fences back.
        std::vector<RowVersion<Entity>> others;
        const bool all_of_it = keys.template in<0>().size() == done.rows.size();
        if ((Policy::fenced && !all_of_it) || (!Policy::fenced && core.copies_answer() && !moves_epoch<Space>)) {
            auto listed = core.query(QueryKind::list, driver, Ops::template list<Space>(group));
            const auto rows = co_await listed;
            if (rows.has_error())
                known = false;
            else
                others = *rows;
        }
        if constexpr (Policy::fenced) {
            for (auto& key : keys.template in<0>()) others.push_back({std::move(key), 0});
        }
        add_others(publications, done.rows, std::move(others), hold);
        co_return known;
    }

    /// Publishes in all tiers and drops the copies of the rows that embed those just published. \returns whether all was reached.
    static Task<bool> finish(Core& core, Driver& driver, std::span<const Publication<Entity>> publications, std::span<const Key> written, const Hold& hold) {
        auto publish = Tiers::publish(core, driver, publications);
        bool done = co_await publish;
        if (core.env.enabled(Guard::parents_after_commit)) {
            for (const auto& key : written) {
                auto parents = expel_parents(core, driver, key);
                const bool expelled = co_await parents;
                done = done && expelled;
            }
        }
        co_return done && hold.reached_tiers;
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

private:
    /// The value to publish; nothing where the tiers must not keep what the write knows.
    static std::optional<CachedRow<Entity>> value_for(Core& core, const std::shared_ptr<const Entity>& row, bool whole) {
        // A group's epoch is not known to have been read before this commit: the next read loads and marks the row.
        if constexpr (!Policy::caches_rows || Policy::after_write == AfterWrite::expel || !Core::versioned || Policy::stamp == Stamp::group_epoch) {
            static_cast<void>(core), static_cast<void>(row), static_cast<void>(whole);
            return std::nullopt;
        } else {
            if (!whole || core.embeds_linked.load(std::memory_order_relaxed)) return std::nullopt;
            const Heat heat = core.heat_of(hash_key(primary_key_of(*row)));
            if (heat == Heat::cold) return std::nullopt;
            return core.cached(row, heat, Policy::stamp == Stamp::revision ? Schema::revision_number : 0);
        }
    }

    /// What to publish of rows that were changed together, with the aliases that lead to them: a load through an alias that began
    /// before the change must lose its lease, or it could fill the old row once the new floor was evicted. \returns whether the
    /// aliases of all rows could be read.
    static Task<bool> publications_of(Core& core, Driver& driver, const std::vector<RowVersion<Entity>>& rows, const Hold& hold, Publications& publications) {
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
                if (loaded.has_value() && (*loaded)[i]) publication.aliases = aliases_of(*(*loaded)[i]);
            }
        }
        co_return known;
    }

    /// Adds publications of the rows that are not among those just published; of a row that comes twice, the first.
    static void add_others(Publications& publications, const std::vector<RowVersion<Entity>>& published, std::vector<RowVersion<Entity>> others, const Hold& hold) {
        struct Hash {
            std::size_t operator()(const Key& key) const noexcept { return static_cast<std::size_t>(hash_key(key)); }
        };
        boost::unordered_flat_set<Key, Hash> done;
        for (const auto& row : published) done.insert(row.key);
        for (const auto& row : others)
            if (done.insert(row.key).second) publications.push_back(publication_without_aliases(row, hold));
    }

    static KeySet<Entity> aliases_of(const Entity& row) {
        KeySet<Entity> keys;
        keys.add_all_of(row);
        keys.template in<0>().clear();
        return keys;
    }

    /// The alternate keys that led to a row before and do not any more.
    static void add_gone(Publication<Entity>& publication, const KeySet<Entity>& former, const Entity& after) {
        [&]<std::size_t... Alias>(std::index_sequence<Alias...>) {
            (
                [&] {
                    constexpr std::size_t space = Alias + 1;
                    for (const auto& key : former.template in<space>())
                        if (!has_key<space>(after, key)) publication.gone.template add<space>(key);
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
            mark_as_random(id);
        }
    }
};

} // namespace detail
} // namespace v0
} // namespace larder
