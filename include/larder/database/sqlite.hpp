// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/database.hpp>
#include <larder/database/detail/relation.hpp>
#include <larder/database/detail/sqlite_rows.hpp>
#include <larder/database/sqlite_file.hpp>
#include <larder/database/sqlite_transaction.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {

/// A database of one entity in a SQLite file, with SQL generated from its schema: every refinement of the contract.
///
/// An existing database is used as it is; `create_tables` (database/sqlite_schema.hpp) makes a new one, `check_schema` says
/// what one lacks. Embedded rows are joined in the same query. A write is one transaction on the file's only writing
/// connection, so that writes wait for each other and readers wait for none. Settled reads take the write lock.
///
/// Thread-safe. Blocks for the disk and for other writers, up to the file's busy timeout. Beside the contract's errors:
/// `errc::schema_mismatch` (a table or column is missing or holds values of another type), `errc::database_busy`,
/// `errc::database_corrupt`, `errc::database_unavailable` (the disk failed), `errc::foreign_writer`, `errc::value_too_large`.
template <class Entity>
class SqliteDatabase {
    static_assert(entity<Entity>);
    using Schema = schema_of<Entity>;
    using Rows = detail::SqliteRows<Entity>;
    using Connection = detail::SqliteConnection;

public:
    /// The file, and how this entity uses it.
    struct Config {
        SqliteFile file;
        /// Whether group operations move the group's epoch, for which the database needs a table `larder_epochs_...` a group.
        bool epochs = true;

        Config(SqliteFile used, bool keeps_epochs = true) : file(std::move(used)), epochs(keeps_epochs) {}
    };

    static constexpr bool conditional_writes = true;

    explicit SqliteDatabase(Config config) : config_(std::move(config)) {}

    /// Where the asynchronous form runs; empty if the file was given no executor.
    boost::asio::any_io_executor executor() const { return config_.file.executor(); }
    /// The file that holds the rows.
    const SqliteFile& file() const noexcept { return config_.file; }

    Outcome<std::optional<Entity>> load(const primary_key_t<Entity>& key, ReadMode mode) { return load_by<0>(key, mode); }

    template <std::size_t Space>
        requires(Space < Schema::alias_end)
    Outcome<std::optional<Entity>> load_by(const space_key_t<Entity, Space>& key, ReadMode mode) {
        return read(mode, [&](Connection& connection) { return Rows::template load_by<Space>(connection, key); });
    }

    /// As many queries as `detail::SqliteRows::most_keys` demands, one for up to 1,024 keys.
    Outcome<std::vector<std::optional<Entity>>> load_many(std::span<const primary_key_t<Entity>> keys, ReadMode mode) {
        return read(mode, [&](Connection& connection) { return Rows::load_many(connection, keys); });
    }

    template <std::size_t Space>
        requires(Space >= Schema::alias_end && Space < Schema::space_count)
    Outcome<std::vector<RowVersion<Entity>>> list(const space_key_t<Entity, Space>& key) {
        return read(ReadMode::plain, [&](Connection& connection) { return Rows::template list<Space>(connection, key); });
    }

    /// The rows that embed a row of another table, in the member `EmbedMember`; ordered by primary key.
    template <auto EmbedMember>
        requires(detail::embed_index_v<Entity, EmbedMember> < detail::embed_count_v<Entity>)
    Outcome<std::vector<RowVersion<Entity>>> parents_of(const primary_key_t<embedded_t<EmbedMember>>& child) {
        return read(ReadMode::plain, [&](Connection& connection) {
            return Rows::template parents_of<detail::embed_index_v<Entity, EmbedMember>>(connection, child);
        });
    }

    template <auto Member>
    Outcome<std::vector<RowVersion<Entity>>> list_due(bare_value_t<detail::member_t<Member>> moment, std::int64_t most) {
        return read(ReadMode::plain, [&](Connection& connection) { return Rows::template list_due<Member>(connection, moment, most); });
    }

    Outcome<std::optional<Version>> load_version(const primary_key_t<Entity>& key)
        requires(Schema::has_version)
    {
        return read(ReadMode::plain, [&](Connection& connection) { return Rows::load_version(connection, key); });
    }

    /// `errc::schema_mismatch` where `Config::epochs` is off.
    template <std::size_t Space>
        requires(Schema::has_revoked && Space >= Schema::alias_end && Space < Schema::space_count)
    Outcome<std::uint64_t> load_epoch(const space_key_t<Entity, Space>& key) {
        if (!config_.epochs) return Error(errc::schema_mismatch, detail::describe_key<Entity, Space>() + ": the database was told to keep no epochs");
        return read(ReadMode::plain, [&](Connection& connection) { return Rows::template load_epoch<Space>(connection, key); });
    }

    Outcome<Entity> insert(const Entity& row) {
        return write([&](Connection& connection) { return Rows::insert(connection, row); });
    }

    Outcome<Version> update(const Entity& row, Version expected, const WriteCondition& condition) {
        return write([&](Connection& connection) { return Rows::update(connection, row, expected, condition); });
    }

    Outcome<Version> erase(const primary_key_t<Entity>& key, Version expected, const WriteCondition& condition) {
        return write([&](Connection& connection) { return Rows::erase(connection, key, expected, condition); });
    }

    template <std::size_t Space, auto... Members>
        requires(Schema::has_revoked && Space >= Schema::alias_end && Space < Schema::space_count)
    Outcome<GroupRevocation<Entity>> revoke_all(const space_key_t<Entity, Space>& key, const Entity& pattern, detail::MemberList<Members...> members) {
        return write([&](Connection& connection) -> Outcome<GroupRevocation<Entity>> {
            auto rows = Rows::template revoke_all<Space>(connection, key, pattern, members);
            if (!rows) return std::move(rows).error();
            GroupRevocation<Entity> done{std::move(*rows), 0};
            if (config_.epochs) {
                const auto epoch = Rows::template move_epoch<Space>(connection, key);
                if (!epoch) return epoch.error();
                done.epoch = *epoch;
            }
            return done;
        });
    }

    Outcome<bool> touch(const primary_key_t<Entity>& key, WallTime moment)
        requires(Schema::has_touch)
    {
        return write([&](Connection& connection) { return Rows::touch(connection, key, moment); });
    }

    /// The machine's wall clock as SQLite reads it, to the millisecond.
    Outcome<DatabaseTime> clock() {
        return read(ReadMode::plain, [](Connection& connection) { return Rows::clock(connection); });
    }

    using Transaction = SqliteUnit;

    /// Waits for other writers as any write does. SQLite's transactions are all serializable.
    Outcome<Transaction> begin(Isolation) {
        auto work = std::make_shared<typename Transaction::Work>(config_.file);
        auto& transaction = work->transaction.emplace(config_.file);
        if (transaction.error()) return transaction.error();
        config_.file.state_->writing.stay();
        return Transaction(std::move(work));
    }
    bool takes(const Transaction& transaction) const noexcept { return transaction.work_ && transaction.work_->file.state_ == config_.file.state_; }
    SqliteDatabase within(Transaction& transaction) const {
        SqliteDatabase inside(config_);
        inside.within_ = transaction.work_;
        return inside;
    }

    /// Whether an operation would wait for a transaction of several steps; then `again` is called when that has ended.
    template <class Operation, class Again>
    bool keeps_back(const Operation& operation, Again& again) {
        const bool waits = Operation::writes || config_.file.state_->in_memory ||
                           std::apply([](const auto&... argument) { return (is_settled(argument) || ...); }, operation.args);
        return !within_ && waits && config_.file.state_->writing.keep_back(again);
    }

private:
    template <class Argument>
    static bool is_settled(const Argument& argument) noexcept {
        if constexpr (std::is_same_v<Argument, ReadMode>)
            return argument == ReadMode::settled;
        else
            return false;
    }

    static Error has_ended() { return {errc::stopped, detail::Refusal<Entity>::table() + ": the transaction has ended"}; }

    template <class Work>
    std::invoke_result_t<Work, Connection&> read(ReadMode mode, Work work) {
        if (within_) {
            if (!within_->transaction) return has_ended();
            return work(within_->transaction->connection());
        }
        if (mode == ReadMode::settled) {
            const SqliteTransaction transaction(config_.file, SqliteTransaction::Purpose::read);
            if (transaction.error()) return transaction.error();
            return work(transaction.connection());
        }
        const SqliteFile::ReadLease lease(*config_.file.state_);
        if (lease.error()) return lease.error();
        return work(lease.connection());
    }

    template <class Work>
    std::invoke_result_t<Work, Connection&> write(Work work) {
        if (within_) {
            if (!within_->transaction) return has_ended();
            return work(within_->transaction->connection());
        }
        SqliteTransaction transaction(config_.file);
        if (transaction.error()) return transaction.error();
        auto answer = work(transaction.connection());
        if (answer)
            if (auto failed = transaction.commit()) return failed;
        return answer;
    }

    Config config_;
    std::shared_ptr<typename SqliteUnit::Work> within_; ///< The transaction in which it works; null: each operation is one of its own.
};

} // namespace v0
} // namespace larder
