// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/database.hpp>
#include <larder/error.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {

namespace detail {

/// Starts an operation and waits for its answer.
template <class T, class Start>
Outcome<T> wait_for(Start start) {
    // Shared, since the thread that answers may still be leaving `set_value` when this one goes on.
    const auto promise = std::make_shared<std::promise<Outcome<T>>>();
    auto answer = promise->get_future();
    start([promise](Outcome<T> outcome) { promise->set_value(std::move(outcome)); });
    return answer.get();
}

/// A transaction of an asynchronous database in a form that blocks.
template <class Transaction>
class WaitingTransaction {
public:
    using Asynchronous = Transaction;

    explicit WaitingTransaction(Transaction transaction) : transaction_(std::move(transaction)) {}

    /// The transaction that is waited for.
    Transaction& asynchronous() noexcept { return transaction_; }
    const Transaction& asynchronous() const noexcept { return transaction_; }

    Outcome<void> commit(const WriteCondition& condition) {
        return wait_for<void>([&](auto done) { transaction_.async_commit(condition, std::move(done)); });
    }
    Outcome<void> roll_back() {
        return wait_for<void>([&](auto done) { transaction_.async_roll_back(std::move(done)); });
    }

private:
    Transaction transaction_;
};

struct NoTransaction {};
template <class Database>
struct WaitingTransactionOf {
    using type = NoTransaction;
};
template <class Database>
    requires requires { typename Database::Transaction; }
struct WaitingTransactionOf<Database> {
    using type = WaitingTransaction<typename Database::Transaction>;
};

} // namespace detail

/// An asynchronous database in a form that blocks: each operation is started and its answer waited for. For the conformance suite
/// and for tests; the database's executor is to be run by other threads.
template <class Entity, class Database>
class WaitingDatabase {
    using Key = primary_key_t<Entity>;
    using Versions = std::vector<RowVersion<Entity>>;

public:
    static constexpr bool conditional_writes = Database::conditional_writes;

    explicit WaitingDatabase(Database database) : database_(std::move(database)) {}

    /// The database that is waited for.
    Database& asynchronous() noexcept { return database_; }

    Outcome<std::optional<Entity>> load(const Key& key, ReadMode mode) {
        return wait<std::optional<Entity>>([&](auto done) { database_.async_load(key, mode, std::move(done)); });
    }
    template <std::size_t Space>
        requires(Space < schema_of<Entity>::alias_end)
    Outcome<std::optional<Entity>> load_by(const space_key_t<Entity, Space>& key, ReadMode mode) {
        return wait<std::optional<Entity>>([&](auto done) { database_.template async_load_by<Space>(key, mode, std::move(done)); });
    }
    Outcome<std::vector<std::optional<Entity>>> load_many(std::span<const Key> keys, ReadMode mode) {
        return wait<std::vector<std::optional<Entity>>>([&](auto done) { database_.async_load_many(keys, mode, std::move(done)); });
    }
    template <std::size_t Space>
        requires(Space >= schema_of<Entity>::alias_end && Space < schema_of<Entity>::space_count)
    Outcome<Versions> list(const space_key_t<Entity, Space>& key) {
        return wait<Versions>([&](auto done) { database_.template async_list<Space>(key, std::move(done)); });
    }
    template <auto EmbedMember>
    Outcome<Versions> parents_of(const primary_key_t<embedded_t<EmbedMember>>& child) {
        return wait<Versions>([&](auto done) { database_.template async_parents_of<EmbedMember>(child, std::move(done)); });
    }
    template <auto Member>
    Outcome<Versions> list_due(bare_value_t<larder::detail::member_t<Member>> moment, std::int64_t most) {
        return wait<Versions>([&](auto done) { database_.template async_list_due<Member>(moment, most, std::move(done)); });
    }
    Outcome<std::optional<Version>> load_version(const Key& key)
        requires(schema_of<Entity>::has_version)
    {
        return wait<std::optional<Version>>([&](auto done) { database_.async_load_version(key, std::move(done)); });
    }
    template <std::size_t Space>
        requires(schema_of<Entity>::has_revoked && Space >= schema_of<Entity>::alias_end && Space < schema_of<Entity>::space_count)
    Outcome<std::uint64_t> load_epoch(const space_key_t<Entity, Space>& key) {
        return wait<std::uint64_t>([&](auto done) { database_.template async_load_epoch<Space>(key, std::move(done)); });
    }
    Outcome<DatabaseTime> clock() {
        return wait<DatabaseTime>([&](auto done) { database_.async_clock(std::move(done)); });
    }
    Outcome<Entity> insert(const Entity& row) {
        return wait<Entity>([&](auto done) { database_.async_insert(row, std::move(done)); });
    }
    Outcome<Version> update(const Entity& row, Version expected, const WriteCondition& condition) {
        return wait<Version>([&](auto done) { database_.async_update(row, expected, condition, std::move(done)); });
    }
    Outcome<Version> erase(const Key& key, Version expected, const WriteCondition& condition) {
        return wait<Version>([&](auto done) { database_.async_erase(key, expected, condition, std::move(done)); });
    }
    template <std::size_t Space, class Members>
        requires(schema_of<Entity>::has_revoked && Space >= schema_of<Entity>::alias_end && Space < schema_of<Entity>::space_count)
    Outcome<GroupRevocation<Entity>> revoke_all(const space_key_t<Entity, Space>& key, const Entity& pattern, Members members) {
        return wait<GroupRevocation<Entity>>([&](auto done) { database_.template async_revoke_all<Space>(key, pattern, members, std::move(done)); });
    }
    Outcome<bool> touch(const Key& key, WallTime moment)
        requires(schema_of<Entity>::has_touch)
    {
        return wait<bool>([&](auto done) { database_.async_touch(key, moment, std::move(done)); });
    }

    using Transaction = typename detail::WaitingTransactionOf<Database>::type;

    template <std::same_as<Isolation> Strictness>
    Outcome<Transaction> begin(Strictness isolation) {
        auto begun = wait<typename Transaction::Asynchronous>([&](auto done) { database_.async_begin(isolation, std::move(done)); });
        if (!begun) return begun.error();
        return Transaction(std::move(*begun));
    }
    bool takes(const Transaction& transaction) const { return database_.takes(transaction.asynchronous()); }
    template <std::same_as<Transaction> Begun>
    auto within(Begun& transaction) {
        auto inside = database_.within(transaction.asynchronous());
        return WaitingDatabase<Entity, decltype(inside)>(std::move(inside));
    }

private:
    template <class T, class Start>
    static Outcome<T> wait(Start start) {
        return detail::wait_for<T>(std::move(start));
    }

    Database database_;
};

} // namespace testing
} // namespace v0
} // namespace larder
