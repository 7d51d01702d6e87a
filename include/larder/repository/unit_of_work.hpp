// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/engine/run.hpp>
#include <larder/engine/unit.hpp>
#include <larder/repository/assignments.hpp>
#include <larder/repository/change.hpp>
#include <larder/repository/checks.hpp>
#include <larder/repository/unit_result.hpp>

#include <boost/asio/deferred.hpp>

#include <concepts>
#include <cstddef>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

/// \file Several rows, of one entity or of several, changed in one database transaction and published as one.
///
/// ```cpp
/// auto done = larder::in_one_transaction(std::tie(sessions, users), [&](auto& unit) {
///     unit.update(sessions, old, [](Session& session) { session.replaced = true; });
///     unit.insert(sessions, renewed);
///     unit.update(users, user, [](User& user) { ++user.logins; });
/// });
/// if (!done) ...                     // nothing was written, and no cache serves anything that it did not before
/// ```
///
/// Not part of <larder/larder.hpp>.

namespace larder {
inline namespace v0 {
namespace detail {

/// What the function of a unit gives, and what that is worth as the unit's answer.
template <class Given>
struct UnitAnswer {
    using value = Given;
    static Outcome<Given> of(Given given) { return given; }
};
template <>
struct UnitAnswer<void> {
    using value = void;
};
template <class T>
struct UnitAnswer<Outcome<T>> {
    using value = T;
    static Outcome<T> of(Outcome<T> given) { return given; }
};
template <>
struct UnitAnswer<Error> {
    using value = void;
    static Outcome<void> of(Error given) {
        if (given) return given;
        return {};
    }
};

/// What a task gives; `None` for what is no task.
template <class Given>
struct TaskOf {
    static constexpr bool is_task = false;
};
template <class T>
struct TaskOf<Task<T>> {
    static constexpr bool is_task = true;
    using type = T;
};

/// Whether the databases of some repositories have transactions, and all of one kind.
template <class... Cores>
inline constexpr bool have_transactions_v = (has_transactions_v<typename Cores::Database, typename Cores::Entity> && ...);
template <class... Cores>
constexpr bool share_transactions() {
    if constexpr (have_transactions_v<Cores...>) {
        using First = typename std::tuple_element_t<0, std::tuple<Cores...>>::Database::Transaction;
        return (std::is_same_v<First, typename Cores::Database::Transaction> && ...);
    } else {
        return false;
    }
}

/// Tells at compile time why repositories cannot have a unit of work together. Apart from the question itself, whose answer a compiler
/// would not know any more once it has told of an error in it.
template <class... Cores>
constexpr void check_units() {
    static_assert(have_transactions_v<Cores...>, "larder: this database cannot change several rows in one transaction: a unit of work needs begin(isolation), takes(transaction) and within(transaction) "
                                                 "(larder/database/database.hpp)");
    if constexpr (have_transactions_v<Cores...>) static_assert(share_transactions<Cores...>(), "larder: the repositories of a unit of work must be kept in one database");
}

} // namespace detail

/// A coroutine that is the function of an asynchronous unit of work (`async_in_one_transaction`). It awaits what its unit's verbs
/// give, and nothing else.
template <class T = void>
using UnitTask = detail::Task<T>;

/// The verbs of a unit of work, each of a repository that belongs to the unit: given to its function, and valid while that runs.
///
/// Reads ask the database, in the transaction: they see what the unit has written and nobody else sees, and neither consult caches
/// nor fill them. Writes are done in the transaction at once; caches are told once it has committed. Verbs answer as the repository's own
/// do, but a write says `Staged`: it is done, and not yet committed.
///
/// **The first verb that fails decides**: the verbs after it answer with its error, and nothing is committed, whatever the function goes on
/// to do. That a row is not there is an answer of a read, and a failure of a write.
///
/// In a blocking unit a verb gives its answer, in an asynchronous one a task, to be awaited at once: `auto found = co_await unit.find(...)`.
/// Not thread-safe: one verb at a time.
template <bool Blocking, class Engine>
class UnitOfWork {
    template <class Repository>
    using EntityOf = typename Repository::entity_type;
    template <class Repository>
    using CoreOf = typename Repository::core_type;
    template <class T>
    using Task = detail::Task<T>;
    using Driver = detail::Driver;

public:
    UnitOfWork(Engine& engine, Driver& driver) noexcept : engine_(&engine), driver_(&driver) {}
    UnitOfWork(const UnitOfWork&) = delete;
    UnitOfWork& operator=(const UnitOfWork&) = delete;

    /// The row with a primary key. Answers `Found`.
    template <class Repository>
    auto find(Repository& rows, const space_view_t<EntityOf<Repository>, 0>& key) {
        return find_in<0>(rows, key);
    }

    /// The row with an alternate key. Answers `Found`.
    template <auto... Members, class Repository>
    auto find_by(Repository& rows, const space_view_t<EntityOf<Repository>, detail::FindBySpace<EntityOf<Repository>, Members...>::value>& key) {
        return find_in<detail::FindBySpace<EntityOf<Repository>, Members...>::value>(rows, key);
    }

    /// The valid rows of a group, in the order of their primary keys. Answers `FoundMany`. To rely on what is not among them when the unit
    /// commits takes `Isolation::serializable`.
    template <auto... Members, class Repository>
    auto find_all_by(Repository& rows, const space_view_t<EntityOf<Repository>, detail::FindAllBySpace<EntityOf<Repository>, Members...>::value>& group) {
        constexpr std::size_t space = detail::FindAllBySpace<EntityOf<Repository>, Members...>::value;
        return run<FoundMany<EntityOf<Repository>>>(rows, [group = own_key<EntityOf<Repository>, space>(group)](Engine& engine, Driver& driver, auto& part) mutable {
            return engine.template find_all<space>(driver, part, std::move(group));
        });
    }

    /// Inserts a row, as `CachedRepository::insert`.
    template <class Repository>
    auto insert(Repository& rows, EntityOf<Repository> row) {
        return run<Staged<EntityOf<Repository>>>(rows, [row = std::move(row)](Engine& engine, Driver& driver, auto& part) mutable { return engine.insert(driver, part, std::move(row)); });
    }

    /// Changes a row, as `CachedRepository::update`: `change(row)` changes the row in place as it is in the transaction, and may return false to leave it.
    template <class Repository, std::invocable<EntityOf<Repository>&> Change>
    auto update(Repository& rows, const space_view_t<EntityOf<Repository>, 0>& key, Change change) {
        static_assert(!detail::changes_a_copy<EntityOf<Repository>, Change>(), "larder: the change of a row takes Entity&, to be made in place: one that takes it by value changes a copy, and is lost");
        return modify(rows, key, std::move(change), rows.options().conflict_retries);
    }

    /// Writes a row if the database still has the version that it was read at; else `version_conflict`.
    template <class Repository>
    auto save(Repository& rows, EntityOf<Repository> row) {
        static_assert(schema_of<EntityOf<Repository>>::has_version, "larder: save is conditional on the version that the row was read at, but the schema declares none");
        const auto key = primary_key_of(row);
        return modify(rows, view_of<EntityOf<Repository>, 0>(key), detail::replacement_by(std::move(row)), 0);
    }

    /// Removes a row.
    template <class Repository>
    auto erase(Repository& rows, const space_view_t<EntityOf<Repository>, 0>& key) {
        return run<Staged<EntityOf<Repository>>>(rows,
                                                 [key = own_key<EntityOf<Repository>>(key)](Engine& engine, Driver& driver, auto& part) mutable { return engine.erase(driver, part, std::move(key)); });
    }

    /// Sets the declared `revoked` column to now, and what `also` says. Revoking a revoked row changes nothing and succeeds.
    template <class Repository, auto... Members>
    auto revoke(Repository& rows, const space_view_t<EntityOf<Repository>, 0>& key, const Assignments<Members...>& also) {
        check_revoked<Repository>();
        return modify(rows, key, [core = rows.core(), also](EntityOf<Repository>& row) { return detail::revocation_of(*core, also)(row); }, rows.options().conflict_retries);
    }
    template <class Repository>
    auto revoke(Repository& rows, const space_view_t<EntityOf<Repository>, 0>& key) {
        return revoke(rows, key, Assignments<>());
    }

    /// Revokes all valid rows of a group, and sets in each what `also` says; the group's epoch moves with the commit. Answers `StagedMany`.
    template <auto... Members, class Repository, auto... Also>
    auto revoke_all_by(Repository& rows, const space_view_t<EntityOf<Repository>, detail::FindAllBySpace<EntityOf<Repository>, Members...>::value>& group, const Assignments<Also...>& also) {
        check_revoked<Repository>();
        using Entity = EntityOf<Repository>;
        constexpr std::size_t space = detail::FindAllBySpace<Entity, Members...>::value;
        Entity pattern{};
        detail::revocation_of(*rows.core(), also)(pattern);
        return run<StagedMany<Entity>>(rows, [group = own_key<Entity, space>(group), pattern = std::move(pattern)](Engine& engine, Driver& driver, auto& part) mutable {
            using Set = detail::join_members_t<typename schema_of<Entity>::revoked_members, typename Assignments<Also...>::members>;
            return engine.template revoke_all<space>(driver, part, std::move(group), std::move(pattern), Set{});
        });
    }
    template <auto... Members, class Repository>
    auto revoke_all_by(Repository& rows, const space_view_t<EntityOf<Repository>, detail::FindAllBySpace<EntityOf<Repository>, Members...>::value>& group) {
        return revoke_all_by<Members...>(rows, group, Assignments<>());
    }

private:
    template <class Repository>
    static constexpr void check_revoked() {
        static_assert(schema_of<EntityOf<Repository>>::has_revoked, "larder: the schema declares no revoked column: add larder::revoked<&Entity::field>");
    }

    template <std::size_t Space, class Repository>
    auto find_in(Repository& rows, const space_view_t<EntityOf<Repository>, Space>& key) {
        return run<Found<EntityOf<Repository>>>(rows, [key = own_key<EntityOf<Repository>, Space>(key)](Engine& engine, Driver& driver, auto& part) mutable {
            return engine.template find<Space>(driver, part, std::move(key));
        });
    }

    template <class Repository, class Change>
    auto modify(Repository& rows, const space_view_t<EntityOf<Repository>, 0>& key, Change change, unsigned retries) {
        return run<Staged<EntityOf<Repository>>>(rows,
                                                 [key = own_key<EntityOf<Repository>>(key), change = std::move(change), retries](Engine& engine, Driver& driver, auto& part) mutable {
                                                     return engine.modify(driver, part, std::move(key), std::move(change), retries);
                                                 });
    }

    template <class Result>
    static Task<Result> answer(Result result) {
        co_return std::move(result);
    }

    template <class Result, class Repository, class Make>
    auto run(Repository& rows, Make make) {
        auto* part = engine_->part_of(rows.core());
        const auto start = [&](Driver& driver) -> Task<Result> {
            if (part) return make(*engine_, driver, *part);
            return answer(engine_->template fail<Result>(Error{errc::invalid_options, std::string(schema_of<EntityOf<Repository>>::table) + ": the repository was not given to the unit of work"}));
        };
        if constexpr (Blocking)
            return detail::run_blocking<Result>(start);
        else
            return start(*driver_);
    }

    Engine* engine_;
    Driver* driver_;
};

/// The type of what the function of a blocking unit of these repositories is given. To name it spares the word `template` in
/// `unit.find_by<&Session::jti>(sessions, jti)`, which a function that takes `auto&` needs.
template <class... Repositories>
using Unit = UnitOfWork<true, detail::UnitEngine<typename Repositories::core_type...>>;
/// The same of an asynchronous one.
template <class... Repositories>
using AsyncUnit = UnitOfWork<false, detail::UnitEngine<typename Repositories::core_type...>>;

/// Changes rows of several repositories, which are kept in one database, in one transaction: all of it is committed, or nothing.
///
/// `function(unit)` does the work with the verbs of its unit (`UnitOfWork`). It may return nothing, a value, an `Error` or an
/// `Outcome`; an error that it returns or an exception that it throws rolls everything back and is the answer (`Failure` with its own
/// error, any other as `exception_thrown`). The answer is a `UnitResult` of what it gives.
///
/// What holds for a single write under each repository's policy holds for the unit as a whole. Under a policy that fences, each key is
/// fenced before it is written, and the commit is refused (`deadline_passed`) once the first fence may have ended; so a unit lasts less
/// than `Options::fence_for`. After the commit all is published, and rows that embed a written row are dropped where repositories are linked; then the
/// unit returns. After a roll-back the fences are given back: no cache serves anything of the unit, but the copies of the rows that were fenced are gone,
/// and loaded anew when they are asked for. A unit whose commit got no answer is
/// `outcome_unknown`; it is not tried again, and what it may have changed is not served from caches until the fences end.
///
/// `transaction_conflict`: other transactions stood in the way, as in a deadlock; nothing was written, and the unit may be run again, which
/// `UnitOptions::attempts` does. Others wait for the rows that a unit has written until it ends, and in SQLite for all writes; so the function
/// should wait for nothing, and should use the unit's verbs alone: a repository's own verbs do not see what the unit wrote, and may wait for it for ever.
///
/// Blocks. A repository's metrics count its queries and its part in the transaction; the unit is no call of a verb.
/// Safe to call from any thread. \param repositories `std::tie(sessions, users)`.
template <class... Repositories, class Function>
auto in_one_transaction(std::tuple<Repositories&...> repositories, Function function, const UnitOptions& options = {}) {
    // Where they cannot, that is the only error.
    detail::check_units<typename Repositories::core_type...>();
    if constexpr (detail::share_transactions<typename Repositories::core_type...>()) {
        using Engine = detail::UnitEngine<typename Repositories::core_type...>;
        using Given = std::invoke_result_t<Function&, Unit<Repositories...>&>;
        static_assert(!detail::TaskOf<Given>::is_task, "larder: a coroutine is the function of async_in_one_transaction");
        using Translation = detail::UnitAnswer<Given>;
        using T = typename Translation::value;
        const auto body = [&function](Engine& engine, detail::Driver& driver) -> detail::Task<Outcome<T>> {
            Unit<Repositories...> unit(engine, driver);
            if constexpr (std::is_void_v<Given>) {
                function(unit);
                co_return Outcome<void>();
            } else {
                co_return Translation::of(function(unit));
            }
        };
        auto cores = std::apply([](auto&... each) { return std::tuple(each.core()...); }, repositories);
        return detail::run_blocking<UnitResult<T>>([&](detail::Driver& driver) { return detail::run_unit<T>(std::move(cores), driver, options, body); });
    } else {
        return UnitResult<void>(Error());
    }
}

/// As `in_one_transaction`, without blocking. `function(unit)` is a coroutine that returns a `UnitTask`, and awaits the unit's verbs:
///
/// ```cpp
/// auto work = [&](auto& unit) -> larder::UnitTask<> {
///     auto found = co_await unit.find(sessions, id);
///     auto change = [](Session& session) { session.replaced = true; };
///     if (found) (co_await unit.update(sessions, id, change)).or_throw();
/// };
/// auto done = co_await larder::async_in_one_transaction(std::tie(sessions, users), work);
/// ```
///
/// *Executor*: the coroutine runs wherever the operation that it waited for ended, the database's executor above all; the handler, with the signature
/// `void(Error, UnitResult<T>)`, as those of the verbs. No executor is blocked but the database's own, for as long as one operation takes.
/// *Cancellation* answers the handler at once; the unit goes on to its end. *Lifetime*: the function is kept until then, and what it refers to
/// must live as long, and so must the repositories.
template <class... Repositories, class Function, class Token = boost::asio::deferred_t>
auto async_in_one_transaction(std::tuple<Repositories&...> repositories, Function function, const UnitOptions& options, Token&& token = {}) {
    detail::check_units<typename Repositories::core_type...>();
    if constexpr (detail::share_transactions<typename Repositories::core_type...>()) {
        using Engine = detail::UnitEngine<typename Repositories::core_type...>;
        using Given = detail::TaskOf<std::invoke_result_t<Function&, AsyncUnit<Repositories...>&>>;
        static_assert(Given::is_task, "larder: the function of async_in_one_transaction is a coroutine that returns a larder::UnitTask");
        using Translation = detail::UnitAnswer<typename Given::type>;
        using T = typename Translation::value;
        auto body = [function = std::move(function)](Engine& engine, detail::Driver& driver) mutable -> detail::Task<Outcome<T>> {
            AsyncUnit<Repositories...> unit(engine, driver);
            auto work = function(unit);
            if constexpr (std::is_void_v<typename Given::type>) {
                co_await work;
                co_return Outcome<void>();
            } else {
                co_return Translation::of(co_await work);
            }
        };
        auto cores = std::apply([](auto&... each) { return std::tuple(each.core()...); }, repositories);
        auto& first = *std::get<0>(cores);
        return detail::run_async<UnitResult<T>>(
            first.home(),
            [cores, options, body = std::move(body)](detail::Driver& driver) mutable { return detail::run_unit<T>(std::move(cores), driver, options, std::move(body)); },
            std::forward<Token>(token), detail::timer_of(first.env));
    }
}
template <class... Repositories, class Function, class Token = boost::asio::deferred_t>
    requires(!std::is_same_v<std::remove_cvref_t<Token>, UnitOptions>)
auto async_in_one_transaction(std::tuple<Repositories&...> repositories, Function function, Token&& token = {}) {
    return async_in_one_transaction(repositories, std::move(function), UnitOptions{}, std::forward<Token>(token));
}

} // namespace v0
} // namespace larder
