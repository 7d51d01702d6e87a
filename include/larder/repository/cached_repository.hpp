// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/engine/batch.hpp>
#include <larder/engine/core.hpp>
#include <larder/engine/fast_path.hpp>
#include <larder/engine/judgement.hpp>
#include <larder/engine/links.hpp>
#include <larder/engine/reader.hpp>
#include <larder/engine/verbs.hpp>
#include <larder/engine/warmer.hpp>
#include <larder/engine/writer.hpp>
#include <larder/environment.hpp>
#include <larder/observe/metrics.hpp>
#include <larder/policy/write_through.hpp>
#include <larder/repository/assignments.hpp>
#include <larder/repository/change.hpp>
#include <larder/repository/checks.hpp>
#include <larder/repository/effect.hpp>
#include <larder/repository/explain.hpp>
#include <larder/repository/intent.hpp>
#include <larder/repository/options.hpp>
#include <larder/repository/result.hpp>
#include <larder/repository/stack.hpp>

#include <boost/asio/deferred.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {

template <class Repository>
class RequestScope;

/// Database rows kept close at hand: reads answer from the nearest tier that may honestly answer, writes go to the database
/// and then to the tiers.
///
/// \tparam Entity what: a described struct with a schema. \tparam Backend where: a `Stack`. \tparam Policy how consistent.
/// \tparam Env the clock, the random source and the observer; the default has the machine's and `Metrics`.
///
/// Each verb has a blocking form and an asynchronous one, `async_` with a completion token (signature `void(Error, Result)`,
/// default `asio::deferred`). Both run the same algorithm. About the asynchronous forms:
/// - *Executor*: the handler runs on its associated executor; if it has none, on `Options::executor`, or the database's, or the system
///   executor. Blocking database work runs on the database's executor, never on the caller's; with none, `errc::no_executor`.
/// - *Fills*: a find is answered once the database has answered; tiers that talk to a server are filled after that.
/// - *Cancellation*: all types answer the handler with `operation_aborted` at once; the load or write goes on to its end, since others may wait for it.
/// - *g++ 12* destroys temporaries with captures or strings in a `co_await` expression twice: name the row, key or function first.
/// - *Lifetime*: arguments are copied; the repository may be destroyed meanwhile, the executors and connections may not.
///
/// Answers are alike: each is true in a condition if it is what was asked for (a valid row, a commit, all keys answered), has `failed()`
/// and `error()`, and `or_throw()`, which gives the answer or throws. Asynchronous forms hand the error to the token as well. By
/// themselves blocking forms throw only `std::bad_alloc`. Safe to use from any thread. A repository cannot be copied or moved.
template <class Entity, class Backend, class Policy = WriteThrough, class Env = SystemEnvironment<Metrics>>
class CachedRepository {
    using Composition = detail::Composition<Entity, Backend, Policy, Env>;
    static_assert(Composition::sound);

public:
    using core_type = detail::Core<Entity, Backend, Policy, Env>;
    using entity_type = Entity;
    using backend_type = Backend;
    using policy_type = Policy;
    using environment_type = Env;
    using Key = primary_key_t<Entity>;
    using KeyView = space_view_t<Entity, 0>;
    using Config = typename core_type::Config;

private:
    using Core = core_type;
    using Schema = schema_of<Entity>;
    using Reading = detail::Reader<Core>;
    using Early = typename Reading::Early;
    using Writing = detail::Writer<Core>;
    using Steps = detail::WriteSteps<Core>;
    using Tiers = detail::TierPath<Core>;
    template <class T>
    using Task = detail::Task<T>;
    using Driver = detail::Driver;
    using Deferred = boost::asio::deferred_t;
    template <auto... Members>
    static constexpr std::size_t one = detail::FindBySpace<Entity, Members...>::value;
    template <auto... Members>
    static constexpr std::size_t many = detail::FindAllBySpace<Entity, Members...>::value;
    template <auto... Members>
    using ViewBy = space_view_t<Entity, one<Members...>>;
    template <auto... Members>
    using GroupView = space_view_t<Entity, many<Members...>>;

public:
    /// \param config what the stack's members are made from, nearest first. \param options everything that changes no guarantee.
    /// Throws `Failure` (`errc::invalid_options`) if an option or a bound is out of range.
    explicit CachedRepository(Config config, Options options = {}, Policy policy = Policy(), Env env = Env())
        : core_(std::make_shared<Core>(std::move(config), std::move(options), std::move(policy), std::move(env))) {}

    CachedRepository(const CachedRepository&) = delete;
    CachedRepository& operator=(const CachedRepository&) = delete;
    ~CachedRepository() { shutdown(); }

    /// What the policy promises.
    static constexpr Guarantee guarantee() noexcept { return Policy::guarantee; }

    /// What a verb costs for each outcome: the steps in order, and the round trips. \param rows for how many rows it is asked, if it takes many.
    static constexpr Plan explain(Verb verb, std::size_t rows = 1) { return larder::explain<CachedRepository>(verb, rows); }

    /// \name Reading one row
    /// @{

    /// The row with a primary key. O(1) and without allocation when the nearest tier may answer.
    Found<Entity> find(const KeyView& key, const Read& how = {}) { return find_in<0>(Verb::find, key, how); }
    template <class Token = Deferred>
    auto async_find(const KeyView& key, const Read& how = {}, Token&& token = {}) {
        return start<Found<Entity>>(Verb::find, finding<0>(key, how), std::forward<Token>(token));
    }

    /// The row with an alternate key (or the primary one): `find_by<&Session::jti>(jti)`.
    template <auto... Members>
    Found<Entity> find_by(const ViewBy<Members...>& key, const Read& how = {}) {
        return find_in<one<Members...>>(Verb::find_by, key, how);
    }
    template <auto... Members, class Token = Deferred>
    auto async_find_by(const ViewBy<Members...>& key, const Read& how = {}, Token&& token = {}) {
        return start<Found<Entity>>(Verb::find_by, finding<one<Members...>>(key, how), std::forward<Token>(token));
    }

    /// The warm fields of the row with a primary key, without a query if the row is hot or warm.
    FoundWarm<Entity> find_warm(const KeyView& key, const Read& how = {}) { return find_warm_in<0>(Verb::find, key, how); }
    template <class Token = Deferred>
    auto async_find_warm(const KeyView& key, const Read& how = {}, Token&& token = {}) {
        return start<FoundWarm<Entity>>(Verb::find, finding_warm<0>(key, how), std::forward<Token>(token));
    }

    /// The warm fields of the row with an alternate key.
    template <auto... Members>
    FoundWarm<Entity> find_warm_by(const ViewBy<Members...>& key, const Read& how = {}) {
        return find_warm_in<one<Members...>>(Verb::find_by, key, how);
    }
    template <auto... Members, class Token = Deferred>
    auto async_find_warm_by(const ViewBy<Members...>& key, const Read& how = {}, Token&& token = {}) {
        return start<FoundWarm<Entity>>(Verb::find_by, finding_warm<one<Members...>>(key, how), std::forward<Token>(token));
    }

    /// The row if the in-memory tier may answer by itself, as the policy has it; else `Absence::not_cached`. Never goes
    /// further, never waits, and allocates nothing but to start a refresh ahead that is due.
    Found<Entity> try_find(const KeyView& key, const Read& how = {}) { return try_in<0>(Verb::find, key, how); }
    template <auto... Members>
    Found<Entity> try_find_by(const ViewBy<Members...>& key, const Read& how = {}) {
        return try_in<one<Members...>>(Verb::find_by, key, how);
    }

    /// What the caches hold of a row, whatever the policy would make of it; `Absence::not_cached` if nothing whole.
    Found<Entity> peek(const KeyView& key) { return block<Found<Entity>>(Verb::peek, peeking(key)); }
    template <class Token = Deferred>
    auto async_peek(const KeyView& key, Token&& token = {}) {
        return start<Found<Entity>>(Verb::peek, peeking(key), std::forward<Token>(token));
    }
    /// @}

    /// \name Reading many rows
    /// @{

    /// The rows with these primary keys, in their order: one lookup in the tiers and one query for all that they cannot answer.
    FoundMany<Entity> find_many(std::span<const Key> keys, const Read& how = {}) { return block<FoundMany<Entity>>(Verb::find_many, finding_many({keys.begin(), keys.end()}, how)); }
    template <class Token = Deferred>
    auto async_find_many(std::span<const Key> keys, const Read& how = {}, Token&& token = {}) {
        return start<FoundMany<Entity>>(Verb::find_many, finding_many({keys.begin(), keys.end()}, how), std::forward<Token>(token));
    }

    FoundMany<Entity> find_many(std::initializer_list<Key> keys, const Read& how = {}) { return find_many(std::span(keys.begin(), keys.size()), how); }
    template <class Token = Deferred>
    auto async_find_many(std::initializer_list<Key> keys, const Read& how = {}, Token&& token = {}) {
        return async_find_many(std::span(keys.begin(), keys.size()), how, std::forward<Token>(token));
    }

    /// The valid rows of a group: one query for keys and versions, then `find_many`, each at least as new as listed. Lists are never cached.
    template <auto... Members>
    FoundMany<Entity> find_all_by(const GroupView<Members...>& group, const Read& how = {}) {
        return block<FoundMany<Entity>>(Verb::find_all_by, finding_all<many<Members...>>(group, how));
    }
    template <auto... Members, class Token = Deferred>
    auto async_find_all_by(const GroupView<Members...>& group, const Read& how = {}, Token&& token = {}) {
        return start<FoundMany<Entity>>(Verb::find_all_by, finding_all<many<Members...>>(group, how), std::forward<Token>(token));
    }
    /// @}

    /// \name Writing
    /// @{

    /// Inserts a row. An empty UUID as primary key is replaced by a random one, a generated integer one by the database's.
    /// The version is set to 1; embedded rows are not written. Errors: `duplicate_key`, `missing_relation`, and the database's own.
    ///
    /// Its own insert caches a row only where a fence has covered its key since before the commit. So a row whose key the database
    /// generates, which nobody knows before, is cached by its first read (else its publication could undo a faster erasure); and so is
    /// any under a policy without fences.
    Written<Entity> insert(Entity row) { return block<Written<Entity>>(Verb::insert, inserting(std::move(row))); }
    template <class Token = Deferred>
    auto async_insert(Entity row, Token&& token = {}) {
        return start<Written<Entity>>(Verb::insert, inserting(std::move(row)), std::forward<Token>(token));
    }

    /// Changes a row: `change(row)` gets a copy and changes it in place; it may return false to leave the row as it is. It is
    /// called again, with a newer row, if somebody else was faster, so it must not have effects elsewhere; an exception is `exception_thrown`.
    /// Errors: `no_such_row`, `revoked`, `version_conflict` after `Options::conflict_retries`, `duplicate_key`, and the database's own.
    template <std::invocable<Entity&> Change>
    Written<Entity> update(const KeyView& key, Change change) {
        return block<Written<Entity>>(Verb::update, updating(key, std::move(change), core_->options.conflict_retries));
    }
    template <std::invocable<Entity&> Change, class Token = Deferred>
    auto async_update(const KeyView& key, Change change, Token&& token = {}) {
        return start<Written<Entity>>(Verb::update, updating(key, std::move(change), core_->options.conflict_retries), std::forward<Token>(token));
    }

    /// Writes a row if the database still has the version that it was read at; else `version_conflict`. Embedded rows are not written.
    Written<Entity> save(Entity row) { return block<Written<Entity>>(Verb::update, saving(std::move(row))); }
    template <class Token = Deferred>
    auto async_save(Entity row, Token&& token = {}) {
        return start<Written<Entity>>(Verb::update, saving(std::move(row)), std::forward<Token>(token));
    }

    /// Removes a row from the database.
    Written<Entity> erase(const KeyView& key) { return block<Written<Entity>>(Verb::erase, erasing(key)); }
    template <class Token = Deferred>
    auto async_erase(const KeyView& key, Token&& token = {}) {
        return start<Written<Entity>>(Verb::erase, erasing(key), std::forward<Token>(token));
    }

    /// Sets the declared `revoked` column to now, and what `also` says. Terminal: a revoked row can not be written any more.
    /// Revoking a revoked row changes nothing and succeeds. \param effect whether to insist that no copy is served any more.
    template <auto... Members>
    Written<Entity> revoke(const KeyView& key, const Assignments<Members...>& also, Effect effect = Effect::may_be_pending) {
        return block<Written<Entity>>(Verb::revoke, revoking(key, also, effect));
    }
    Written<Entity> revoke(const KeyView& key, Effect effect = Effect::may_be_pending) { return revoke(key, Assignments<>(), effect); }
    template <auto... Members, class Token = Deferred>
    auto async_revoke(const KeyView& key, const Assignments<Members...>& also, Effect effect = Effect::may_be_pending, Token&& token = {}) {
        return start<Written<Entity>>(Verb::revoke, revoking(key, also, effect), std::forward<Token>(token));
    }
    template <class Token = Deferred>
    auto async_revoke(const KeyView& key, Effect effect = Effect::may_be_pending, Token&& token = {}) {
        return async_revoke(key, Assignments<>(), effect, std::forward<Token>(token));
    }

    /// Revokes all valid rows of a group in one transaction, and sets in each what `also` says.
    template <auto... Members, auto... Also>
    WrittenMany<Entity> revoke_all_by(const GroupView<Members...>& group, const Assignments<Also...>& also) {
        return block<WrittenMany<Entity>>(Verb::revoke_all, revoking_all<many<Members...>>(group, also));
    }
    template <auto... Members>
    WrittenMany<Entity> revoke_all_by(const GroupView<Members...>& group) {
        return revoke_all_by<Members...>(group, Assignments<>());
    }
    template <auto... Members, auto... Also, class Token = Deferred>
    auto async_revoke_all_by(const GroupView<Members...>& group, const Assignments<Also...>& also, Token&& token = {}) {
        return start<WrittenMany<Entity>>(Verb::revoke_all, revoking_all<many<Members...>>(group, also), std::forward<Token>(token));
    }
    template <auto... Members, class Token = Deferred>
        requires(!detail::is_assignments<std::remove_cvref_t<Token>>)
    auto async_revoke_all_by(const GroupView<Members...>& group, Token&& token = {}) {
        return async_revoke_all_by<Members...>(group, Assignments<>(), std::forward<Token>(token));
    }

    /// Moves the declared `touch` column to now, at most once in `Options::touch_interval`, and no version.
    ///
    /// No read, and no proof that the row is valid: where a tier has a copy of the whole row within its time, that copy tells whether it is
    /// due, without the check that the policy makes before it answers a read with it. What is due is left to the database, which leaves a
    /// row alone that is revoked or gone. `version()` is that of the copy (or of the row, loaded where there was no copy), and so are
    /// `errc::revoked` and `errc::no_such_row`. \returns `changed()` is false if it was not due, or if the database left it alone.
    Written<Entity> touch(const KeyView& key) { return block<Written<Entity>>(Verb::touch, touching(key)); }
    template <class Token = Deferred>
    auto async_touch(const KeyView& key, Token&& token = {}) {
        return start<Written<Entity>>(Verb::touch, touching(key), std::forward<Token>(token));
    }
    /// The same for a row that was just found: one that is not due by its own account costs nothing at all.
    Written<Entity> touch(const Found<Entity>& found) {
        const detail::QuickCall call(core_->env);
        if (!stopped() && touch_is_over(*core_, found)) {
            call.finished(Verb::touch, !found);
            return not_touched(found);
        }
        return block<Written<Entity>>(Verb::touch, touching(found));
    }
    template <class Token = Deferred>
    auto async_touch(const Found<Entity>& found, Token&& token = {}) {
        return start<Written<Entity>>(Verb::touch, touching(found), std::forward<Token>(token));
    }

    /// Waits until a pending write is effective.
    Done wait_effective(const Written<Entity>& written) { return block<Done>(Verb::wait_effective, waiting(written.pending())); }
    template <class Token = Deferred>
    auto async_wait_effective(const Written<Entity>& written, Token&& token = {}) {
        return start<Done>(Verb::wait_effective, waiting(written.pending()), std::forward<Token>(token));
    }
    /// @}

    /// \name Looking after the caches
    /// @{

    /// Drops the copies of a row, and then those of the rows that embed it, where their repositories are linked to this one (`link`). For rows written without
    /// the library.
    Done expel(const KeyView& key) { return block<Done>(Verb::expel, expelling(key, true)); }
    template <class Token = Deferred>
    auto async_expel(const KeyView& key, Token&& token = {}) {
        return start<Done>(Verb::expel, expelling(key, true), std::forward<Token>(token));
    }
    /// Drops the copies of the rows that embed a row, where their repositories are linked to this one, and leaves the row's own.
    Done expel_embedding(const KeyView& key) { return block<Done>(Verb::expel, expelling(key, false)); }
    template <class Token = Deferred>
    auto async_expel_embedding(const KeyView& key, Token&& token = {}) {
        return start<Done>(Verb::expel, expelling(key, false), std::forward<Token>(token));
    }
    /// Drops what the caches know of an alternate key, "there is no such row" included.
    template <auto... Members>
    Done expel_by(const ViewBy<Members...>& key) {
        return block<Done>(Verb::expel, dropping<one<Members...>>(key, Invalidation::expel));
    }
    template <auto... Members, class Token = Deferred>
    auto async_expel_by(const ViewBy<Members...>& key, Token&& token = {}) {
        return start<Done>(Verb::expel, dropping<one<Members...>>(key, Invalidation::expel), std::forward<Token>(token));
    }
    /// Drops the copies of a group's rows that the in-process tiers hold at this moment, without asking the database. O(rows of the group).
    template <auto... Members>
    Done expel_all_by(const GroupView<Members...>& group) {
        constexpr std::size_t space = many<Members...>;
        static_assert(requires(typename Core::Nearest& tier, const space_key_t<Entity, space>& key) { tier.template expel_group<space>(key); },
                      "larder: the nearest tier of this stack cannot drop a group");
        const detail::QuickCall call(core_->env);
        const bool refused = stopped();
        if (!refused) Tiers::template expel_group<space>(*core_, own_key<Entity, space>(group));
        call.finished(Verb::expel, refused);
        return refused ? Done(detail::refusal_after_shutdown()) : Done();
    }
    /// Keeps the copies of a row as a fallback for failures of the database only.
    Done expire(const KeyView& key) { return block<Done>(Verb::expire, dropping<0>(key, Invalidation::expire)); }
    template <class Token = Deferred>
    auto async_expire(const KeyView& key, Token&& token = {}) {
        return start<Done>(Verb::expire, dropping<0>(key, Invalidation::expire), std::forward<Token>(token));
    }

    /// Loads a row although it may be cached, and replaces the copies.
    Found<Entity> refresh(const KeyView& key) { return block<Found<Entity>>(Verb::refresh, refreshing(key)); }
    template <class Token = Deferred>
    auto async_refresh(const KeyView& key, Token&& token = {}) {
        return start<Found<Entity>>(Verb::refresh, refreshing(key), std::forward<Token>(token));
    }

    /// Loads rows into the caches, whole and in batched queries; those already there stay. \param progress called after each batch.
    WarmReport warm(std::span<const Key> keys, std::function<void(const WarmReport&)> progress = {}) {
        return block<WarmReport>(Verb::warm, warming({keys.begin(), keys.end()}, std::move(progress)));
    }
    template <class Token = Deferred>
    auto async_warm(std::span<const Key> keys, std::function<void(const WarmReport&)> progress = {}, Token&& token = {}) {
        return start<WarmReport>(Verb::warm, warming({keys.begin(), keys.end()}, std::move(progress)), std::forward<Token>(token));
    }
    WarmReport warm(std::initializer_list<Key> keys, std::function<void(const WarmReport&)> progress = {}) { return warm(std::span(keys.begin(), keys.size()), std::move(progress)); }
    template <class Token = Deferred>
    auto async_warm(std::initializer_list<Key> keys, std::function<void(const WarmReport&)> progress = {}, Token&& token = {}) {
        return async_warm(std::span(keys.begin(), keys.size()), std::move(progress), std::forward<Token>(token));
    }
    /// Loads the rows of a group into the caches.
    template <auto... Members>
    WarmReport warm_by(const GroupView<Members...>& group, std::function<void(const WarmReport&)> progress = {}) {
        return block<WarmReport>(Verb::warm, warming_group<many<Members...>>(group, std::move(progress)));
    }
    template <auto... Members, class Token = Deferred>
    auto async_warm_by(const GroupView<Members...>& group, std::function<void(const WarmReport&)> progress = {}, Token&& token = {}) {
        return start<WarmReport>(Verb::warm, warming_group<many<Members...>>(group, std::move(progress)), std::forward<Token>(token));
    }

    /// Switches reading from a tier on or off, at once for calls that begin now.
    void switch_reading(Level level, bool on) noexcept { core_->reading[static_cast<std::size_t>(level)].store(on, std::memory_order_relaxed); }
    /// Switches filling a tier on or off. Publishing and fencing go on: they keep what is there honest.
    void switch_filling(Level level, bool on) noexcept { core_->filling[static_cast<std::size_t>(level)].store(on, std::memory_order_relaxed); }

    /// Declares that embedded rows are written through `children`: each such write then expels the parents that embed the row,
    /// after its commit and before it is acknowledged; and so do `children.expel(key)` and the relay of the children's outbox, for rows written without the library. Without it an embedded row is a snapshot, as old as the TTL at most.
    /// Call it before either repository is used, and in every process that shares a tier with this one. \tparam Member the embedding member.
    template <auto Member, class ChildBackend, class ChildPolicy, class ChildEnv>
    void link(CachedRepository<bare_value_t<detail::member_t<Member>>, ChildBackend, ChildPolicy, ChildEnv>& children) {
        static_assert(detail::can_list_parents<typename Core::Database, Entity, Member>, "larder: this database cannot list the rows that embed another: it needs parents_of<Member>(key)");
        detail::link_parents<Member>(core_, *children.core_);
    }
    /// @}

    /// An identity map for one request: what it has found by one key it knows by all. See `RequestScope`.
    RequestScope<CachedRepository> scope() { return RequestScope<CachedRepository>(*this); }

    /// The counters so far, with the sizes of the in-process tiers. For environments whose observer is `Metrics`. Two headers that no
    /// other includes, since they need fmt, show them: <larder/observe/report.hpp> to people, `fmt::print("{}", rows.metrics())`, and
    /// <larder/observe/prometheus.hpp> to Prometheus, `prometheus(rows.metrics())`.
    auto metrics() const
        requires requires(const Env& env) { env.observer().snapshot(); }
    {
        auto snapshot = core_->env.observer().snapshot();
        const TierUsage held = usage();
        snapshot.entries = held.entries;
        snapshot.aliases = held.aliases;
        snapshot.bytes = held.bytes;
        return snapshot;
    }

    /// What the nearest tier holds.
    TierUsage usage() const { return core_->nearest().usage(); }

    /// The environment, with its observer.
    const Env& environment() const noexcept { return core_->env; }

    /// The options in force.
    const Options& options() const noexcept { return core_->options; }

    /// Refuses every verb from now on (`errc::stopped`). Verbs under way go on to their end.
    void shutdown() noexcept { core_->stopped.store(true, std::memory_order_release); }

    /// The shared state, for extensions of the library that run verbs of their own (`detail::block_verb`, `detail::start_verb`).
    const std::shared_ptr<Core>& core() const noexcept { return core_; }

private:
    template <class E, class B, class P, class V>
    friend class CachedRepository;
    friend class RequestScope<CachedRepository>;

    template <class Result, class Body>
    Result block(Verb verb, Body body) {
        return detail::block_verb<Result>(core_, verb, std::move(body));
    }
    template <class Result, class Body, class Token>
    auto start(Verb verb, Body body, Token&& token) {
        return detail::start_verb<Result>(core_, verb, std::move(body), std::forward<Token>(token));
    }

    template <std::size_t Space>
    static constexpr void check_load_by() {
        static_assert(detail::can_load_by<typename Core::Database, Entity, Space>, "larder: this database cannot find a row by that alternate key: it needs load_by<Space>(key, mode)");
    }
    template <std::size_t Space>
    static constexpr void check_list() {
        static_assert(detail::can_list<typename Core::Database, Entity, Space>, "larder: this database cannot list that group: it needs list<Space>(key)");
    }

    static constexpr void check_touch() {
        static_assert(Schema::has_touch, "larder: the schema declares no touch column: add larder::touch<&Entity::field>");
        static_assert(!Schema::has_touch || detail::can_touch<typename Core::Database, Entity>, "larder: this database cannot touch a row: it needs touch(key, moment)");
    }
    static constexpr void check_revoked() { static_assert(Schema::has_revoked, "larder: the schema declares no revoked column: add larder::revoked<&Entity::field>"); }

    using Fast = detail::FastPath<Core>;
    using Nearby = Lookup<CachedRow<Entity>>;
    bool stopped() const noexcept { return core_->stopped.load(std::memory_order_relaxed); }

    /// Starts a refresh in the background where a hit says that one is due.
    template <class Hit>
    static void refresh_if_due(Core& core, const Hit& hit) {
        if (hit.refresh_due) [[unlikely]]
            Reading::refresh_in_background(core, Fast::key_of_hit(hit));
    }

    /// The plain hit of whatever there is of a row. Leaves it to the caller to tell of it.
    template <std::size_t Space>
    static bool hit(Core& core, const space_view_t<Entity, Space>& key, const Read& how, Nearby& row, SteadyTime& now) {
        if (!Fast::template hit<Space>(core, key, how, row, now)) return false;
        refresh_if_due(core, row);
        return true;
    }

    /// The plain hit of a whole row, if there is one in the answer. Leaves it to the caller to tell of it.
    template <std::size_t Space>
    static WholeRow<Entity> whole_hit(Core& core, const space_view_t<Entity, Space>& key, const Read& how, SteadyTime& now) {
        WholeRow<Entity> found = Fast::template whole_hit<Space>(core, key, how, now);
        if (found.row) refresh_if_due(core, found);
        return found;
    }

    /// The plain hit in a call whose end is told of by its frame. \tparam Extent how much of the row is enough.
    template <detail::Extent Extent, std::size_t Space>
    static bool hit_within(Core& core, const space_view_t<Entity, Space>& key, const Read& how, detail::Loaded<Entity>& loaded) {
        SteadyTime now;
        if constexpr (Extent == detail::Extent::whole) {
            WholeRow<Entity> found = whole_hit<Space>(core, key, how, now);
            if (!found.row) return false;
            loaded = Fast::loaded(std::move(found), now);
        } else {
            Nearby row;
            if (!hit<Space>(core, key, how, row, now)) return false;
            loaded = Fast::loaded(std::move(row), now);
        }
        if constexpr (Space != 0) core.env.observe(event::Lookup{Core::Nearest::level, LookupOutcome::hit, true});
        core.env.observe(event::Lookup{Core::Nearest::level, LookupOutcome::hit, false});
        return true;
    }

    template <std::size_t Space>
    Found<Entity> find_in(Verb verb, const space_view_t<Entity, Space>& key, const Read& how) {
        Core& core = *core_;
        const detail::QuickCall call(core.env);
        if (!stopped()) [[likely]] {
            SteadyTime now;
            WholeRow<Entity> found = whole_hit<Space>(core, key, how, now);
            if (found.row) [[likely]] {
                call.hit(verb, Core::Nearest::level, Space != 0);
                return detail::judge_hit(core, std::move(found));
            }
        }
        return find_further<Space>(verb, key, how);
    }

    /// The way beyond the plain hit, apart from it so that it stays small.
    template <std::size_t Space>
    [[gnu::noinline]] Found<Entity> find_further(Verb verb, const space_view_t<Entity, Space>& key, const Read& how) {
        return block<Found<Entity>>(verb, loading<Space>(key, how));
    }

    template <std::size_t Space>
    Found<Entity> try_in(Verb verb, const space_view_t<Entity, Space>& key, const Read& how) {
        constexpr Level level = Core::Nearest::level;
        Core& core = *core_;
        const detail::QuickCall call(core.env);
        if (!stopped()) [[likely]] {
            SteadyTime now;
            WholeRow<Entity> found = whole_hit<Space>(core, key, how, now);
            if (found.row) [[likely]] {
                call.hit(verb, level, Space != 0);
                return detail::judge_hit(core, std::move(found));
            }
        }
        const bool refused = stopped();
        if (Fast::possible && !refused && !how.truth && core.reads(level)) core.env.observe(event::Lookup{level, LookupOutcome::miss, Space != 0});
        call.finished(verb, refused);
        return refused ? Found<Entity>(detail::refusal_after_shutdown()) : Found<Entity>(nullptr, Absence::not_cached, level, 0, Duration::zero());
    }

    template <std::size_t Space>
    FoundWarm<Entity> find_warm_in(Verb verb, const space_view_t<Entity, Space>& key, const Read& how) {
        static_assert(Schema::has_warm, "larder: the schema declares no warm fields: add larder::warm<&Entity::field, ...>");
        const detail::QuickCall call(core_->env);
        Nearby row;
        SteadyTime now;
        if (!stopped() && hit<Space>(*core_, key, how, row, now)) {
            call.hit(verb, Core::Nearest::level, Space != 0);
            return detail::judge_warm(*core_, Fast::loaded(std::move(row), now));
        }
        return block<FoundWarm<Entity>>(verb, finding_warm<Space>(key, how));
    }

    template <std::size_t Space>
    static auto loading(const space_view_t<Entity, Space>& view, const Read& how) {
        check_load_by<Space>();
        return [key = own_key<Entity, Space>(view), how](Core& core, Driver& driver) -> Task<Found<Entity>> {
            auto find = Reading::template find<Space>(core, driver, key, how, detail::Extent::whole);
            auto loaded = co_await find;
            co_return detail::judge_whole(core, std::move(loaded));
        };
    }

    template <std::size_t Space>
    static auto finding(const space_view_t<Entity, Space>& view, const Read& how) {
        check_load_by<Space>();
        return [key = own_key<Entity, Space>(view), how](Core& core, Driver& driver, auto& caller) -> Task<Found<Entity>> {
            detail::Loaded<Entity> loaded;
            if (!hit_within<detail::Extent::whole, Space>(core, view_of<Entity, Space>(key), how, loaded)) {
                const auto give = [&](const detail::Loaded<Entity>& answer) { caller.answer(detail::judge_whole(core, detail::Loaded<Entity>(answer))); };
                auto find = Reading::template find<Space>(core, driver, key, how, detail::Extent::whole, caller.listens() ? Early(give) : Early());
                loaded = co_await find;
            }
            co_return detail::judge_whole(core, std::move(loaded));
        };
    }

    template <std::size_t Space>
    static auto finding_warm(const space_view_t<Entity, Space>& view, const Read& how) {
        static_assert(Schema::has_warm, "larder: the schema declares no warm fields: add larder::warm<&Entity::field, ...>");
        check_load_by<Space>();
        return [key = own_key<Entity, Space>(view), how](Core& core, Driver& driver, detail::Caller<FoundWarm<Entity>, Core>& caller) -> Task<FoundWarm<Entity>> {
            detail::Loaded<Entity> loaded;
            if (!hit_within<detail::Extent::warm, Space>(core, view_of<Entity, Space>(key), how, loaded)) {
                const auto give = [&](const detail::Loaded<Entity>& answer) { caller.answer(detail::judge_warm(core, detail::Loaded<Entity>(answer))); };
                auto find = Reading::template find<Space>(core, driver, key, how, detail::Extent::warm, caller.listens() ? Early(give) : Early());
                loaded = co_await find;
            }
            co_return detail::judge_warm(core, std::move(loaded));
        };
    }

    static auto peeking(const KeyView& view) {
        return [key = own_key<Entity>(view)](Core& core, Driver& driver) -> Task<Found<Entity>> {
            Demand demand;
            demand.want_lease = false;
            auto look = Tiers::template lookup<0>(core, driver, key, demand);
            auto seen = co_await look;
            if (seen.answer != Answer::hit || (!seen.value.full && seen.value.warm)) co_return Found<Entity>(nullptr, Absence::not_cached, seen.level, 0, Duration::zero());
            co_return detail::judge_whole(core, Reading::result_of(core, seen));
        };
    }

    static auto finding_many(std::vector<Key> wanted, const Read& how) {
        return [keys = std::move(wanted), how](Core& core, Driver& driver) -> Task<FoundMany<Entity>> {
            auto read = detail::Warmer<Core>::read_in_batches(core, driver, keys, {}, how);
            auto loaded = co_await read;
            co_return detail::Warmer<Core>::judge_all(core, std::move(loaded));
        };
    }

    template <std::size_t Space>
    static auto finding_all(const space_view_t<Entity, Space>& view, const Read& how) {
        check_list<Space>();
        return [group = own_key<Entity, Space>(view), how](Core& core, Driver& driver) { return detail::Warmer<Core>::template find_group<Space>(core, driver, group, how); };
    }

    static auto inserting(Entity row) {
        return [row = std::move(row)](Core& core, Driver& driver) mutable { return Writing::insert(core, driver, std::move(row)); };
    }

    template <class Change>
    static auto updating(const KeyView& view, Change change, unsigned retries) {
        static_assert(!detail::changes_a_copy<Entity, Change>(), "larder: the change of a row takes Entity&, to be made in place: one that takes it by value changes a copy, and is lost");
        return [key = own_key<Entity>(view), change = std::move(change), retries](Core& core, Driver& driver) mutable { return Writing::modify(core, driver, key, change, retries); };
    }

    static auto saving(Entity row) {
        static_assert(Schema::has_version, "larder: save is conditional on the version that the row was read at, but the schema declares none");
        Key key = primary_key_of(row);
        return [key = std::move(key), replace = detail::replacement_by(std::move(row))](Core& core, Driver& driver) mutable { return Writing::modify(core, driver, key, replace, 0); };
    }

    static auto erasing(const KeyView& view) {
        return [key = own_key<Entity>(view)](Core& core, Driver& driver) { return Writing::erase(core, driver, key); };
    }

    template <class Also>
    static auto revoking(const KeyView& view, Also also, Effect effect) {
        check_revoked();
        return [key = own_key<Entity>(view), also = std::move(also), effect](Core& core, Driver& driver) { return Writing::revoke(core, driver, key, also, effect); };
    }

    template <std::size_t Space, class Also>
    static auto revoking_all(const space_view_t<Entity, Space>& view, Also also) {
        check_revoked();
        static_assert(!Schema::has_revoked || detail::can_revoke_all<typename Core::Database, Entity, Space>, "larder: this database cannot revoke a whole group at once: it needs revoke_all<Space>(key, pattern, members)");
        return [group = own_key<Entity, Space>(view), also = std::move(also)](Core& core, Driver& driver) -> Task<WrittenMany<Entity>> {
            Entity pattern{};
            detail::revocation_of(core, also)(pattern);
            auto write = Writing::template revoke_all<Space>(core, driver, group, pattern, detail::join_members_t<typename Schema::revoked_members, typename Also::members>{});
            co_return co_await write;
        };
    }

    static auto touching(const KeyView& view) {
        check_touch();
        return [key = own_key<Entity>(view)](Core& core, Driver& driver) { return Writing::touch(core, driver, key); };
    }
    static auto touching(Found<Entity> row) {
        check_touch();
        return [found = std::move(row)](Core& core, Driver& driver) -> Task<Written<Entity>> {
            if (touch_is_over(core, found)) co_return not_touched(found);
            const Key key = primary_key_of(*found);
            auto touch = Writing::touch(core, driver, key);
            co_return co_await touch;
        };
    }

    /// Whether touching a found row ends before it begins: there is no valid row, or its touch column is young enough.
    static bool touch_is_over(const Core& core, const Found<Entity>& found) {
        return !found || !Writing::touch_is_due(core, *found, core.env.wall_now());
    }
    static Written<Entity> not_touched(const Found<Entity>& found) {
        if (found.failed()) return Written<Entity>(found.error());
        if (!found) return Written<Entity>(Error{found.absence() == Absence::revoked ? errc::revoked : errc::no_such_row, std::string(Schema::table) + ": there is no valid row to touch"});
        return Written<Entity>(primary_key_of(*found), found.version(), Duration::zero(), found.row(), false);
    }

    static auto waiting(Duration bound) {
        return [bound](Core&, Driver& driver) -> Task<Done> {
            if (bound > Duration::zero()) {
                auto sleep = detail::Sleep{driver, bound};
                co_await sleep;
            }
            co_return Done();
        };
    }

    template <std::size_t Space>
    static auto dropping(const space_view_t<Entity, Space>& view, Invalidation kind) {
        return [key = own_key<Entity, Space>(view), kind](Core& core, Driver& driver) -> Task<Done> {
            KeySet<Entity> keys;
            keys.template add<Space>(key);
            auto drop = Tiers::drop(core, driver, keys, kind);
            co_return co_await drop;
        };
    }

    /// \param own whether the row's own copies are dropped, too.
    static auto expelling(const KeyView& view, bool own) {
        return [key = own_key<Entity>(view), own](Core& core, Driver& driver) -> Task<Done> {
            Done done;
            if (own) {
                KeySet<Entity> keys;
                keys.template add<0>(key);
                auto drop = Tiers::drop(core, driver, keys, Invalidation::expel);
                done = co_await drop;
            }
            auto parents = Steps::expel_parents(core, driver, key);
            const bool expelled = co_await parents;
            if (!done.failed() && !expelled) done = Done(Error{errc::cache_unavailable, std::string(Schema::table) + ": the copies of the rows that embed this one could not be dropped"});
            co_return done;
        };
    }

    static auto refreshing(const KeyView& view) {
        return [key = own_key<Entity>(view)](Core& core, Driver& driver) -> Task<Found<Entity>> {
            auto refresh = Reading::refresh(core, driver, key);
            auto fetched = co_await refresh;
            co_return detail::judge_whole(core, std::move(fetched.result));
        };
    }

    static auto warming(std::vector<Key> wanted, std::function<void(const WarmReport&)> progress) {
        return [keys = std::move(wanted), progress = std::move(progress)](Core& core, Driver& driver) { return detail::Warmer<Core>::warm(core, driver, keys, progress); };
    }

    template <std::size_t Space>
    static auto warming_group(const space_view_t<Entity, Space>& view, std::function<void(const WarmReport&)> progress) {
        check_list<Space>();
        return [group = own_key<Entity, Space>(view), progress = std::move(progress)](Core& core, Driver& driver) { return detail::Warmer<Core>::template warm_group<Space>(core, driver, group, progress); };
    }

    std::shared_ptr<Core> core_;
};

/// What arguments of a wrong kind make: nothing but the sentence that says which one is wrong.
template <class Entity, class Backend, class Policy, class Env>
    requires(!detail::right_kinds<Entity, Backend, Policy, Env>)
class CachedRepository<Entity, Backend, Policy, Env> {
    static_assert(detail::WrongKinds<Entity, Backend, Policy, Env>::told);
};

} // namespace v0
} // namespace larder
