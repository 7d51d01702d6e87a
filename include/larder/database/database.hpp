// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/entity/key.hpp>
#include <larder/error.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace larder {
inline namespace v0 {

/// How strictly a database reads.
enum class ReadMode : std::uint8_t {
    plain,   ///< The newest committed row.
    settled, ///< The same, after waiting for a commit of that row that is in flight (a lock is taken and given back).
    recent,  ///< The row as it is, or as it was a while ago: a replica that lags may answer. Asked of databases with `D::replicas` only.
};

/// A moment of the database's own clock, in microseconds since 1970.
using DatabaseTime = std::chrono::sys_time<std::chrono::microseconds>;

/// What a write depends on, besides its row.
struct WriteCondition {
    /// The write is refused (`errc::deadline_passed`) if the database's own clock is past this.
    std::optional<DatabaseTime> not_after;
};

/// What must still be true when a transaction commits, of what it has read.
enum class Isolation : std::uint8_t {
    rows,         ///< The rows that it changes are as it found them.
    serializable, ///< All of it, lists and absences included: it is as if no other transaction had run meanwhile.
};

/// A row's primary key and version.
template <entity Entity>
struct RowVersion {
    primary_key_t<Entity> key{};
    Version version = 0;
};

/// What a group-wide revocation did.
template <entity Entity>
struct GroupRevocation {
    std::vector<RowVersion<Entity>> rows; ///< The rows that it revoked, at their new versions.
    std::uint64_t epoch = 0;              ///< The group's new epoch; 0 if the database keeps none.
};

namespace detail {

/// \name The operations that every database has, one by one, so that the one that is missing can be named
/// @{
template <class D>
concept says_conditional = requires {
    { D::conditional_writes } -> std::convertible_to<bool>;
};
template <class D, class Entity>
concept loads_row = requires(D& db, const primary_key_t<Entity>& key, ReadMode mode) {
    { db.load(key, mode) } -> std::same_as<Outcome<std::optional<Entity>>>;
};
template <class D, class Entity>
concept loads_many = requires(D& db, std::span<const primary_key_t<Entity>> keys, ReadMode mode) {
    { db.load_many(keys, mode) } -> std::same_as<Outcome<std::vector<std::optional<Entity>>>>;
};
template <class D, class Entity>
concept inserts_row = requires(D& db, const Entity& row) {
    { db.insert(row) } -> std::same_as<Outcome<Entity>>;
};
template <class D, class Entity>
concept updates_row = requires(D& db, const Entity& row, Version expected, const WriteCondition& condition) {
    { db.update(row, expected, condition) } -> std::same_as<Outcome<Version>>;
};
template <class D, class Entity>
concept erases_row = requires(D& db, const primary_key_t<Entity>& key, Version expected, const WriteCondition& condition) {
    { db.erase(key, expected, condition) } -> std::same_as<Outcome<Version>>;
};
/// @}

} // namespace detail

/// Meets the requirements of a database of one entity: the truth behind the tiers.
///
/// - `load(key, mode)`, `load_by<Space>(key, mode)`: the row with its embedded rows, in one query; nothing if there is none.
///   A mandatory embedded row that is missing is `errc::missing_relation`.
/// - `load_many(keys, mode)`: rows in the order of the keys, one query (or as few as the database's limits allow).
/// - `list<Space>(key)`: primary keys and versions of a group's rows, revoked ones included, ordered by primary key
///   (by its stored form: `value_traits`).
/// - `insert(row)`: the row as it was stored: version 1 (a `reusable` key that was used before: the version after that of its
///   grave), generated key set. A key given where one would be generated is taken as it is: no row may have had it before.
///   `errc::duplicate_key` names the key kind. Embedded rows are read back, not written; `errc::missing_relation` if a
///   mandatory one does not exist, here and in `update`.
/// - `update(row, expected, condition)`: writes all columns but the primary key if the row's version is `expected`, and moves it
///   by one; answers the new version. `errc::version_conflict`, `errc::no_such_row`, `errc::revoked` (a row revoked in the
///   database can not be written any more).
///   A touch column is never moved back by it. A refusal is found in the order no such row, revoked, version, deadline, keys
///   and relations.
/// - `erase(key, expected, condition)`: removes the row if its version is `expected`, revoked or not; answers the tombstone's
///   version, one above it. `errc::missing_relation` if the database forbids it because other rows refer to the row.
///
/// A failure that leaves open whether the write committed is `errc::outcome_unknown`. Operations are safe from any thread;
/// they may throw only `std::bad_alloc`. `D::conditional_writes` says whether `expected` is honoured; without it (or without a
/// version in the schema) it is ignored and the answer is 0.
///
/// To stand in a `Stack` it is a class template over the entity with a nested type `Config` and a constructor from it. Texts of errors
/// name the table, and the column where one is concerned (`Refusal`).
///
/// A database whose `recent` loads may be answered by a replica says so: `static constexpr bool replicas = true`. They are asked for
/// where an answer that is too old is noticed, and then asked again as `plain`.
///
/// A blocking database has `executor()`, the executor on which its asynchronous form runs (empty: none was given), or says that
/// it needs none: `static constexpr bool never_blocks = true` (`placed`). A database that talks to a server without blocking has,
/// instead of each operation `op(args...)`, an `async_op(args..., handler)` (`asynchronous_database`).
///
/// database/author.hpp has what the library's own databases are made of: the texts of their errors, keys that the database makes.
template <class D, class Entity>
concept database = entity<Entity> && detail::says_conditional<D> && detail::loads_row<D, Entity> && detail::loads_many<D, Entity> && detail::inserts_row<D, Entity> &&
                   detail::updates_row<D, Entity> && detail::erases_row<D, Entity>;

/// Meets what a blocking database says about its asynchronous form: that it needs no thread of its own since it never blocks
/// (`D::never_blocks`), or on which executor it runs (`executor()`; while that is empty, asynchronous verbs answer `errc::no_executor`).
template <class D>
concept placed = requires { requires D::never_blocks; } || requires(D& db) {
    { db.executor() } -> std::convertible_to<boost::asio::any_io_executor>;
};

/// Refinement: finds rows by an alternate key in one query (`load_by<Space>`).
template <class D, class Entity, std::size_t Space>
concept loads_by = requires(D& db, const space_key_t<Entity, Space>& key, ReadMode mode) {
    { db.template load_by<Space>(key, mode) } -> std::same_as<Outcome<std::optional<Entity>>>;
};

/// Refinement: lists a group's rows (`list<Space>`).
template <class D, class Entity, std::size_t Space>
concept lists_groups = requires(D& db, const space_key_t<Entity, Space>& key) {
    { db.template list<Space>(key) } -> std::same_as<Outcome<std::vector<RowVersion<Entity>>>>;
};

/// Refinement: lists the rows whose time is due: those with the earliest moments in a time column, none of them after `moment`, so many at the most, in the
/// order of their primary keys (`list_due<Member>(moment, most)`). Revoked rows are left out, unless the column is the one that says so.
/// A time column that is listed often deserves an index, which the library does not make by itself.
template <class D, class Entity, auto Member>
concept lists_due = requires(D& db, bare_value_t<detail::member_t<Member>> moment, std::int64_t most) {
    { db.template list_due<Member>(moment, most) } -> std::same_as<Outcome<std::vector<RowVersion<Entity>>>>;
};

/// Refinement: reads a row's version alone (`load_version`); nothing if there is no such row.
template <class D, class Entity>
concept probes_versions = requires(D& db, const primary_key_t<Entity>& key) {
    { db.load_version(key) } -> std::same_as<Outcome<std::optional<Version>>>;
};

/// Refinement: keeps a group's epoch (`load_epoch<Space>`; 0 before the first group operation). `revoke_all` moves it in the same transaction.
template <class D, class Entity, std::size_t Space>
concept keeps_epochs = requires(D& db, const space_key_t<Entity, Space>& key) {
    { db.template load_epoch<Space>(key) } -> std::same_as<Outcome<std::uint64_t>>;
};

/// Refinement: revokes all valid rows of a group in one transaction: sets the members listed to the values they have in
/// `pattern`, moves each version by one, moves the group's epoch (`revoke_all<Space>(key, pattern, MemberList)`).
template <class D, class Entity, std::size_t Space>
concept revokes_groups = requires(D& db, const space_key_t<Entity, Space>& key, const Entity& pattern) {
    { db.template revoke_all<Space>(key, pattern, typename schema_of<Entity>::revoked_members{}) } -> std::same_as<Outcome<GroupRevocation<Entity>>>;
};

/// Refinement: moves the touch column forward (`touch(key, moment)`), never back, and neither version nor a revoked row; answers whether it moved.
template <class D, class Entity>
concept touches_rows = requires(D& db, const primary_key_t<Entity>& key, WallTime moment) {
    { db.touch(key, moment) } -> std::same_as<Outcome<bool>>;
};

/// The entity that a member declared with `embed` holds.
template <auto EmbedMember>
using embedded_t = bare_value_t<detail::member_t<EmbedMember>>;

/// Refinement: lists the rows that embed a row of another table in a member (`parents_of<EmbedMember>(key)`): primary keys
/// and versions, revoked ones included, ordered by primary key.
template <class D, class Entity, auto EmbedMember>
concept lists_parents = requires(D& db, const primary_key_t<embedded_t<EmbedMember>>& key) {
    { db.template parents_of<EmbedMember>(key) } -> std::same_as<Outcome<std::vector<RowVersion<Entity>>>>;
};

/// Refinement: tells its own clock (`clock()`), against which `WriteCondition::not_after` is judged.
template <class D>
concept tells_time = requires(D& db) {
    { db.clock() } -> std::same_as<Outcome<DatabaseTime>>;
};

/// Refinement: changes several rows, of one entity or of several, in one transaction.
///
/// - `D::Transaction`: the same type for the databases of all entities of a store; movable. One that is destroyed before its end is rolled back.
/// - `begin(isolation)`: begins a transaction of the store. `takes(transaction)`: whether a transaction is one of this database's store.
/// - `within(transaction)`: the database as it is in the transaction: all its operations, which see what the transaction has written, and
///   whose writes nobody else sees before the commit. It is asked nothing once the transaction has ended. Its loads wait for nobody, whatever their mode.
/// - `transaction.commit(condition)`: commits all or nothing, unless the database's clock is past `not_after`, which is looked at last
///   (`errc::deadline_passed`). `transaction.roll_back()`: undoes everything. Either ends the transaction, however it answers.
///
/// After an operation that failed, other than with `errc::version_conflict`, `errc::no_such_row` or `errc::revoked`, the transaction can only be
/// rolled back. `errc::transaction_conflict` from any of them: other transactions stood in the way, and nothing was or will be written.
/// Only `commit` may answer `errc::outcome_unknown`. A transaction is used by one thread at a time.
template <class D, class Entity>
concept transactional = database<D, Entity> && requires(D& db, const D& constant, typename D::Transaction& transaction, const WriteCondition& condition) {
    { db.begin(Isolation::rows) } -> std::same_as<Outcome<typename D::Transaction>>;
    { constant.takes(transaction) } -> std::convertible_to<bool>;
    { db.within(transaction) } -> database<Entity>;
    { transaction.commit(condition) } -> std::same_as<Outcome<void>>;
    { transaction.roll_back() } -> std::same_as<Outcome<void>>;
};

/// A database that talks to a server without blocking: `async_op(args..., handler)` for each operation, where
/// `handler(Outcome<...>)` is called once, from any thread. The same holds for a transaction's ends.
template <class D, class Entity>
concept asynchronous_database = entity<Entity> && requires(D& db, const primary_key_t<Entity>& key, ReadMode mode, void (*handler)(Outcome<std::optional<Entity>>)) {
    { D::conditional_writes } -> std::convertible_to<bool>;
    db.async_load(key, mode, handler);
};

namespace detail {

/// Whether a replica may answer a database's `recent` loads.
template <class D>
inline constexpr bool may_lag_v = requires { requires D::replicas; };

/// Whether a database has transactions, at once or later.
template <class D, class Entity>
inline constexpr bool has_transactions_v = transactional<D, Entity> || requires(D& db, typename D::Transaction& transaction, void (*handler)(Outcome<typename D::Transaction>)) {
    db.async_begin(Isolation::rows, handler);
    db.within(transaction);
};

/// Whether a database tells its own clock, at once or later.
template <class D>
inline constexpr bool has_clock_v = tells_time<D> || requires(D& db, void (*handler)(Outcome<DatabaseTime>)) { db.async_clock(handler); };

} // namespace detail
} // namespace v0
} // namespace larder
