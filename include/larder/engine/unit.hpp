// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/engine/core.hpp>
#include <larder/engine/judgement.hpp>
#include <larder/engine/reader.hpp>
#include <larder/engine/task.hpp>
#include <larder/engine/verbs.hpp>
#include <larder/engine/write_steps.hpp>
#include <larder/repository/unit_result.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {

/// What one repository has to do with a unit of work: its database within the transaction, the fences that it holds, and what is to be
/// published once the transaction has committed.
template <class CoreType>
struct UnitPart {
    using Core = CoreType;
    using Entity = typename Core::Entity;
    using Key = typename Core::Key;
    using Steps = WriteSteps<Core>;
    using Transaction = typename Core::Database::Transaction;
    using Inside = decltype(std::declval<typename Core::Database&>().within(std::declval<Transaction&>()));
    /// Adds to what is to be published; answers whether all of it is known.
    using Gather = std::function<Task<bool>(UnitPart&, Driver&, typename Steps::Publications&)>;

    explicit UnitPart(std::shared_ptr<Core> repository) : core(std::move(repository)) {}

    std::shared_ptr<Core> core;
    std::optional<Inside> database;
    typename Steps::Hold hold;
    KeySet<Entity> keys;                            ///< All that is fenced, or would be.
    std::vector<typename Steps::Effect> effects;    ///< One for each row that was written.
    std::vector<RowVersion<Entity>> confirmed;      ///< Rows that a write found to be as they should be.
    std::vector<Gather> revocations;                ///< Of groups.
    std::vector<Key> revoked;                       ///< The rows of these.
    bool retried = false;                           ///< A row was fenced as it was no more when it came to be written.

    bool has_written() const noexcept { return !effects.empty() || !revocations.empty() || !confirmed.empty(); }

    /// Adds keys to those that are fenced. \returns those that were not among them.
    KeySet<Entity> add(const KeySet<Entity>& more) {
        KeySet<Entity> fresh;
        [&]<std::size_t... Space>(std::index_sequence<Space...>) { (add_in<Space>(more, fresh), ...); }(std::make_index_sequence<Core::Schema::space_count>{});
        return fresh;
    }

    /// Notes what a write made of a row, on top of what earlier ones made of it.
    void note(typename Steps::Effect later) {
        const auto earlier = std::find_if(effects.begin(), effects.end(), [&](const auto& each) { return each.key == later.key; });
        if (earlier == effects.end()) {
            effects.push_back(std::move(later));
            return;
        }
        add_aliases(later.former, earlier->former);
        if (earlier->after) {
            KeySet<Entity> own;
            own.add_all_of(*earlier->after);
            add_aliases(later.former, own);
        }
        later.inserted = earlier->inserted || later.inserted;
        *earlier = std::move(later);
    }

    /// Notes that a group was revoked. \param planned the keys fenced for it.
    template <std::size_t Space>
    void note_revocation(const space_key_t<Entity, Space>& group, GroupRevocation<Entity> done, KeySet<Entity> planned) {
        for (const auto& row : done.rows) {
            revoked.push_back(row.key);
            // What the unit wrote before is not what is committed.
            for (auto& effect : effects)
                if (effect.key == row.key) {
                    effect.version = row.version;
                    effect.whole = false;
                }
        }
        revocations.push_back([group, done = std::move(done), planned = std::move(planned)](UnitPart& part, Driver& driver, typename Steps::Publications& publications) {
            return Steps::template publish_revocation<Space>(*part.core, driver, group, done, planned, part.hold, publications);
        });
    }

    /// Publishes all that the unit did. \returns for how long it is pending.
    Task<Duration> publish(Driver& driver) {
        typename Steps::Publications publications;
        std::vector<Key> written = revoked;
        for (const auto& effect : effects) {
            publications.push_back(Steps::publication_of(*core, effect, hold));
            written.push_back(effect.key);
        }
        for (const auto& row : confirmed) publications.push_back(Steps::publication_without_aliases(row, hold));
        bool known = true;
        for (const auto& revocation : revocations) {
            auto gather = revocation(*this, driver, publications);
            const bool all = co_await gather;
            known = known && all;
        }
        auto finish = Steps::finish(*core, driver, publications, written, hold);
        const bool reached = co_await finish;
        if (retried) {
            // Keys of rows that others changed meanwhile are fenced as well.
            auto lift = Steps::lift_fence(*core, driver, keys, hold, Error());
            co_await lift;
        }
        co_return core->bound_of(reached && known);
    }

private:
    template <std::size_t Space>
    void add_in(const KeySet<Entity>& more, KeySet<Entity>& fresh) {
        auto& all = keys.template in<Space>();
        const auto known = static_cast<std::ptrdiff_t>(all.size());
        for (const auto& key : more.template in<Space>())
            if (std::find(all.begin(), all.begin() + known, key) == all.begin() + known) {
                fresh.template in<Space>().push_back(key);
                all.push_back(key);
            }
    }

    static void add_aliases(KeySet<Entity>& keys, const KeySet<Entity>& more) {
        [&]<std::size_t... Alias>(std::index_sequence<Alias...>) {
            (
                [&] {
                    for (const auto& key : more.template in<Alias + 1>()) keys.template add<Alias + 1>(key);
                }(),
                ...);
        }(std::make_index_sequence<Core::Schema::unique_count>{});
    }
};

/// The algorithm of a unit of work: one transaction, in which each key is fenced before it is written, and which is published after
/// its commit. The first operation that fails is the failure of the whole unit: nothing more is asked, and nothing is committed.
template <class... Cores>
class UnitEngine {
    using First = std::tuple_element_t<0, std::tuple<Cores...>>;
    using Transaction = typename First::Database::Transaction;
    using Ends = transaction_requests<Transaction>;
    template <class Core>
    using EntityOf = typename Core::Entity;
    template <class Core>
    using KeyOf = typename Core::Key;

public:
    UnitEngine(std::tuple<std::shared_ptr<Cores>...> cores, const UnitOptions& options)
        : parts_(std::apply([](auto&... core) { return std::tuple<UnitPart<Cores>...>(UnitPart<Cores>(std::move(core))...); }, cores)), options_(options) {}

    // ---- reads -----------------------------------------------------------------------------------------------------------

    template <std::size_t Space, class Core>
    Task<Found<EntityOf<Core>>> find(Driver& driver, UnitPart<Core>& part, space_key_t<EntityOf<Core>, Space> key) {
        using Entity = EntityOf<Core>;
        if (failure_) co_return Found<Entity>(failure_);
        Outcome<std::optional<Entity>> outcome;
        if constexpr (Space == 0) {
            auto asked = ask(driver, part, QueryKind::load, Core::Ops::load(key, ReadMode::plain));
            outcome = co_await asked;
        } else {
            auto asked = ask(driver, part, QueryKind::load_by, Core::Ops::template load_by<Space>(key, ReadMode::plain));
            outcome = co_await asked;
        }
        if (outcome.has_error()) co_return fail<Found<Entity>>(outcome.error());
        Loaded<Entity> loaded;
        Reader<Core>::take(*part.core, loaded, std::move(outcome));
        co_return judge_whole(*part.core, std::move(loaded));
    }

    /// The rows of a group that are valid.
    template <std::size_t Space, class Core>
    Task<FoundMany<EntityOf<Core>>> find_all(Driver& driver, UnitPart<Core>& part, space_key_t<EntityOf<Core>, Space> group) {
        using Entity = EntityOf<Core>;
        auto read = read_group<Space>(driver, part, std::move(group));
        const FoundMany<Entity> rows = co_await read;
        if (rows.failed()) co_return FoundMany<Entity>(rows.error());
        std::vector<Found<Entity>> valid;
        for (const auto& row : rows)
            if (row) valid.push_back(row);
        co_return FoundMany<Entity>(std::move(valid));
    }

    /// The rows of a group, whatever has become of them.
    template <std::size_t Space, class Core>
    Task<FoundMany<EntityOf<Core>>> read_group(Driver& driver, UnitPart<Core>& part, space_key_t<EntityOf<Core>, Space> group) {
        using Entity = EntityOf<Core>;
        if (failure_) co_return FoundMany<Entity>(failure_);
        auto listed = ask(driver, part, QueryKind::list, Core::Ops::template list<Space>(group));
        const auto rows = co_await listed;
        if (rows.has_error()) co_return fail<FoundMany<Entity>>(rows.error());
        std::vector<KeyOf<Core>> keys;
        for (const auto& row : *rows) keys.push_back(row.key);
        std::vector<Found<Entity>> answers;
        const std::size_t batch = part.core->options.batch_size;
        for (std::size_t from = 0; from < keys.size(); from += batch) {
            const std::span<const KeyOf<Core>> some(keys.data() + from, std::min(batch, keys.size() - from));
            auto asked = ask(driver, part, QueryKind::load_many, Core::Ops::load_many(some, ReadMode::plain));
            auto loaded = co_await asked;
            if (loaded.has_error()) co_return fail<FoundMany<Entity>>(loaded.error());
            for (auto& row : *loaded) {
                Loaded<Entity> one;
                Reader<Core>::take(*part.core, one, std::move(row));
                auto answer = judge_whole(*part.core, std::move(one));
                if (answer.row()) answers.push_back(std::move(answer));
            }
        }
        co_return FoundMany<Entity>(std::move(answers));
    }

    // ---- writes ----------------------------------------------------------------------------------------------------------

    template <class Core>
    Task<Staged<EntityOf<Core>>> insert(Driver& driver, UnitPart<Core>& part, EntityOf<Core> row) {
        using Steps = WriteSteps<Core>;
        using Result = Staged<EntityOf<Core>>;
        if (failure_) co_return Result(failure_);
        const auto keys = Steps::plan_insert(*part.core, row);
        auto fence = fence_in(driver, part, keys);
        if (!co_await fence) co_return Result(failure_);
        auto asked = ask(driver, part, QueryKind::insert, Core::Ops::insert(row));
        auto outcome = co_await asked;
        if (outcome.has_error()) co_return fail<Result>(outcome.error());
        const auto stored = std::make_shared<const EntityOf<Core>>(std::move(*outcome));
        part.note(Steps::inserted(stored));
        co_return Result(primary_key_of(*stored), Core::Schema::version_of(*stored), stored);
    }

    /// Lets the unit vouch for rows as they are: whoever made them so may not have published it yet.
    template <class Core>
    static void confirm(UnitPart<Core>& part, std::span<const RowVersion<EntityOf<Core>>> rows) {
        if (part.core->copies_answer()) part.confirmed.insert(part.confirmed.end(), rows.begin(), rows.end());
    }

    /// As `Writer::modify`, on the row as it is in the transaction.
    template <class Core, class Mutate>
    Task<Staged<EntityOf<Core>>> modify(Driver& driver, UnitPart<Core>& part, KeyOf<Core> key, Mutate mutate, unsigned retries) {
        using Steps = WriteSteps<Core>;
        using Entity = EntityOf<Core>;
        using Result = Staged<Entity>;
        for (unsigned conflicts = 0;; ++conflicts) {
            if (failure_) co_return Result(failure_);
            const SteadyTime embeds_until = part.core->env.now() + part.core->options.ttl;
            auto read = ask(driver, part, QueryKind::load, Core::Ops::load(key, ReadMode::plain));
            auto base = co_await read;
            if (base.has_error()) co_return fail<Result>(base.error());
            if (!*base) co_return fail<Result>(Steps::no_such_row());
            const Entity& row = **base;
            const Version version = Core::Schema::version_of(row);
            Entity next = row;
            const Outcome<bool> verdict = apply_mutation(mutate, next, row);
            if (verdict.has_error()) co_return fail<Result>(verdict.error());
            if (!*verdict) {
                const RowVersion<Entity> as_it_is{key, version};
                confirm<Core>(part, {&as_it_is, 1});
                co_return Result(key, version, std::make_shared<const Entity>(row), false);
            }
            if (const Error forbidden = Steps::forbids_change(row, next, true)) co_return fail<Result>(forbidden);
            Core::Schema::set_version(next, version);
            const auto keys = Steps::plan_update(row, next);
            auto fence = fence_in(driver, part, keys);
            if (!co_await fence) co_return Result(failure_);
            auto asked = ask(driver, part, QueryKind::update, Core::Ops::update(next, version, part.hold.condition));
            const auto outcome = co_await asked;
            if (outcome.has_value()) {
                auto effect = Steps::updated(row, std::move(next), *outcome, embeds_until);
                Result result(key, *outcome, effect.whole ? effect.after : nullptr);
                part.note(std::move(effect));
                co_return result;
            }
            if (!(outcome.error() == errc::version_conflict) || conflicts == retries) co_return fail<Result>(outcome.error());
            part.retried = true;
        }
    }

    template <class Core>
    Task<Staged<EntityOf<Core>>> erase(Driver& driver, UnitPart<Core>& part, KeyOf<Core> key) {
        using Steps = WriteSteps<Core>;
        using Result = Staged<EntityOf<Core>>;
        for (unsigned conflicts = 0;; ++conflicts) {
            if (failure_) co_return Result(failure_);
            auto read = ask(driver, part, QueryKind::load, Core::Ops::load(key, ReadMode::plain));
            auto base = co_await read;
            if (base.has_error()) co_return fail<Result>(base.error());
            if (!*base) co_return fail<Result>(Steps::no_such_row());
            const auto keys = Steps::plan_erase(**base);
            auto fence = fence_in(driver, part, keys);
            if (!co_await fence) co_return Result(failure_);
            auto asked = ask(driver, part, QueryKind::erase, Core::Ops::erase(key, Core::Schema::version_of(**base), part.hold.condition));
            const auto outcome = co_await asked;
            if (outcome.has_value()) {
                part.note(Steps::erased(**base, *outcome));
                co_return Result(key, *outcome, std::make_shared<const EntityOf<Core>>(std::move(**base)));
            }
            if (!(outcome.error() == errc::version_conflict) || conflicts == part.core->options.conflict_retries) co_return fail<Result>(outcome.error());
            part.retried = true;
        }
    }

    template <std::size_t Space, class Core, class Members>
    Task<StagedMany<EntityOf<Core>>> revoke_all(Driver& driver, UnitPart<Core>& part, space_key_t<EntityOf<Core>, Space> group, EntityOf<Core> pattern, Members members) {
        using Steps = WriteSteps<Core>;
        using Result = StagedMany<EntityOf<Core>>;
        if (failure_) co_return Result(failure_);
        auto plan = Steps::template plan_revoke_all<Space>(*part.core, driver, *part.database, group);
        const auto planned = co_await plan;
        if (planned.has_error()) co_return fail<Result>(planned.error());
        if (planned->size() != 0) {
            auto fence = fence_in(driver, part, *planned, Steps::template moves_epoch<Space>);
            if (!co_await fence) co_return Result(failure_);
        }
        auto asked = ask(driver, part, QueryKind::revoke_group, Core::Ops::template revoke_all<Space>(group, pattern, members));
        auto outcome = co_await asked;
        if (outcome.has_error()) co_return fail<Result>(outcome.error());
        const std::size_t rows = outcome->rows.size();
        part.template note_revocation<Space>(group, std::move(*outcome), *planned);
        co_return Result(rows);
    }

    // ---- the whole -------------------------------------------------------------------------------------------------------

    /// Runs the unit. \param body `body(engine, driver) -> Task<Outcome<T>>`: what is to be done in the transaction.
    template <class T, class Body>
    Task<UnitResult<T>> run(Driver& driver, Body& body) {
        using Result = UnitResult<T>;
        if (const Error refused = refusal()) co_return Result(refused);
        First& first = *std::get<0>(parts_).core;
        auto begin = first.query(QueryKind::begin, driver, Ends::begin(options_.isolation));
        auto begun = co_await begin;
        if (begun.has_error()) co_return Result(begun.error());
        Transaction transaction = std::move(*begun);
        fail_with(enter(transaction));
        Outcome<T> answer = failure_;
        if (!failure_) {
            auto work = perform<T>(driver, body);
            answer = co_await work;
        }
        if (answer.has_error()) fail_with(reason_of(answer.error()));
        if (failure_) {
            auto undo = first.query_in(transaction, QueryKind::roll_back, driver, Ends::roll_back());
            co_await undo;
        } else {
            auto commit = first.query_in(transaction, QueryKind::commit, driver, Ends::commit(condition()));
            const auto committed = co_await commit;
            if (committed.has_error()) failure_ = doubt_ = committed.error();
        }
        if (failure_) {
            auto lift = lift_fences(driver);
            co_await lift;
            co_return Result(failure_);
        }
        auto publish = publish_parts(driver);
        Duration bound = co_await publish;
        if (options_.effect == Effect::required && bound > Duration::zero()) {
            auto sleep = Sleep{driver, bound};
            co_await sleep;
            bound = Duration::zero();
        }
        co_return Result(bound, std::move(answer));
    }

    /// The part of a repository; null if it is none of the unit's.
    template <class Core>
    UnitPart<Core>* part_of(const std::shared_ptr<Core>& core) noexcept {
        UnitPart<Core>* found = nullptr;
        for_each_part([&](auto& part) {
            if constexpr (std::is_same_v<std::remove_cvref_t<decltype(part)>, UnitPart<Core>>)
                if (part.core == core) found = &part;
        });
        return found;
    }

    /// Makes an answer of a failure, which becomes that of the unit.
    template <class Result>
    Result fail(Error failure) {
        fail_with(std::move(failure));
        return Result(failure_);
    }

private:
    template <class Visit>
    void for_each_part(Visit visit) {
        std::apply([&](auto&... part) { (visit(part), ...); }, parts_);
    }

    template <class Core, class Operation>
    static auto ask(Driver& driver, UnitPart<Core>& part, QueryKind kind, Operation operation) {
        return part.core->query_in(*part.database, kind, driver, std::move(operation));
    }

    void fail_with(Error failure) {
        if (!failure_) failure_ = std::move(failure);
    }

    /// Why the function gave no value. That a row is absent is no error, so it may have given one that is not set.
    static Error reason_of(const Error& given) {
        return given ? given : Error{errc::invalid_options, "the function of the unit of work gave neither a value nor an error that is set"};
    }

    /// Why the unit must not begin, if it must not.
    Error refusal() {
        Error refused;
        for_each_part([&](auto& part) {
            if (refused) return;
            if (part.core->stopped.load(std::memory_order_acquire)) refused = refusal_after_shutdown();
            else if (options_.effect == Effect::required) refused = std::remove_cvref_t<decltype(part)>::Steps::never_effective(*part.core);
        });
        return refused;
    }

    /// Puts the databases of all repositories into the transaction.
    Error enter(Transaction& transaction) {
        Error wrong;
        for_each_part([&](auto& part) {
            if (!part.core->database.takes(transaction)) wrong = {errc::invalid_options, "the repositories of a unit of work must be kept in one database"};
            part.database.emplace(part.core->database.within(transaction));
        });
        return wrong;
    }

    template <class T, class Body>
    Task<Outcome<T>> perform(Driver& driver, Body& body) {
        try {
            auto work = body(*this, driver);
            co_return co_await work;
        } catch (...) {
            co_return error_of_exception("the unit of work");
        }
    }

    /// Fences the keys that are not fenced yet. \returns whether the unit goes on.
    template <class Core>
    Task<bool> fence_in(Driver& driver, UnitPart<Core>& part, const KeySet<EntityOf<Core>>& keys, bool always = false) {
        const auto fresh = part.add(keys);
        if (fresh.size() != 0) {
            auto fence = WriteSteps<Core>::fence(*part.core, driver, *part.database, fresh, part.hold, always);
            if (!co_await fence)
                fail_with(part.hold.error);
            else if (options_.effect == Effect::required && !part.hold.reached_tiers)
                fail_with(WriteSteps<Core>::unreachable());
        }
        co_return !failure_;
    }

    /// The earliest end of the fences' deadlines.
    WriteCondition condition() {
        WriteCondition all;
        for_each_part([&](auto& part) {
            const auto& own = part.hold.condition.not_after;
            if (own && (!all.not_after || *own < *all.not_after)) all.not_after = own;
        });
        return all;
    }

    template <std::size_t Index = 0>
    Task<bool> lift_fences(Driver& driver) {
        if constexpr (Index < sizeof...(Cores)) {
            auto& part = std::get<Index>(parts_);
            // Rows of groups that may be revoked now, and that no fence keeps from being served.
            if (doubt_ && part.hold.owner == 0)
                for (const auto& key : part.revoked) part.keys.template in<0>().push_back(key);
            if (part.keys.size() != 0) {
                auto lift = std::remove_cvref_t<decltype(part)>::Steps::lift_fence(*part.core, driver, part.keys, part.hold, doubt_);
                co_await lift;
            }
            auto others = lift_fences<Index + 1>(driver);
            co_await others;
        }
        co_return true;
    }

    /// \returns for how long the unit is pending.
    template <std::size_t Index = 0>
    Task<Duration> publish_parts(Driver& driver) {
        Duration bound{};
        if constexpr (Index < sizeof...(Cores)) {
            auto& part = std::get<Index>(parts_);
            if (part.has_written()) {
                auto publish = part.publish(driver);
                bound = co_await publish;
            }
            auto others = publish_parts<Index + 1>(driver);
            const Duration later = co_await others;
            bound = std::max(bound, later);
        }
        co_return bound;
    }

    std::tuple<UnitPart<Cores>...> parts_;
    const UnitOptions& options_;
    Error failure_; ///< The first one.
    Error doubt_;   ///< Why the commit failed, which may leave open whether it did.
};

/// Whether a unit that failed so may succeed if it is run again. Nothing of it was committed.
inline bool may_run_again(const Error& failure) { return failure == errc::transaction_conflict || failure == errc::version_conflict; }

/// Runs a unit of work, again if others stood in its way, as often as the options allow. \param body as `UnitEngine::run`'s.
template <class T, class Body, class... Cores>
Task<UnitResult<T>> run_unit(std::tuple<std::shared_ptr<Cores>...> cores, Driver& driver, UnitOptions options, Body body) {
    if (options.attempts == 0) co_return UnitResult<T>(Error{errc::invalid_options, "UnitOptions::attempts must be 1 or more"});
    for (unsigned attempt = 1;; ++attempt) {
        UnitEngine<Cores...> unit(cores, options);
        auto once = unit.template run<T>(driver, body);
        auto result = co_await once;
        if (attempt == options.attempts || !may_run_again(result.error())) co_return std::move(result);
    }
}

} // namespace detail
} // namespace v0
} // namespace larder
