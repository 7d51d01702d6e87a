// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/database.hpp>
#include <larder/database/detail/postgres_call.hpp>
#include <larder/database/detail/postgres_rows.hpp>
#include <larder/database/detail/relation.hpp>
#include <larder/database/postgres_pool.hpp>
#include <larder/database/postgres_transaction.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {

/// A database of one entity in PostgreSQL, with SQL generated from its schema: every refinement of the contract, as operations
/// that do not block (`asynchronous_database`).
///
/// An existing database is used as it is; `create_tables` (database/postgres_schema.hpp) makes a new one, `check_schema` says what one
/// lacks. A column may be of any type that holds the field's values: integers of any width, `text` and its like (enumerations and
/// `jsonb` included) for strings, `timestamptz` or `timestamp` (in UTC) for moments of whole microseconds, `uuid`, `bytea`, `boolean`.
///
/// Each operation is one transaction and one round trip; `load_many` is one query whatever the number of keys; embedded rows are joined
/// in the same query. Of the reasons to refuse a write, a missing embedded row and a deadline between lock and statement take a second
/// round trip to tell. Settled reads wait for the row's lock, and for an insert of a key that the database does not make.
///
/// Thread-safe. Handlers are called on the pool's executor, or at once for what needs no server. Arguments are not kept. Beside the
/// contract's errors: `errc::schema_mismatch` (a table or column is missing or of another type), `errc::database_unavailable` (no connection, or it was
/// lost), `errc::timed_out`, `errc::database_busy` (a lock, or transactions that stood in the way again and again), `errc::value_too_large`,
/// `errc::database_failure`, `errc::stopped`. A write whose answer was lost is `errc::outcome_unknown`, and is never sent twice.
template <class Entity>
class PostgresDatabase {
    static_assert(entity<Entity>);
    using Schema = schema_of<Entity>;
    using Rows = detail::PostgresRows<Entity>;
    using Request = detail::PostgresRequest;
    using Answer = detail::PostgresAnswer;
    using Key = primary_key_t<Entity>;
    using Versions = std::vector<RowVersion<Entity>>;

public:
    /// The connections, and how this entity uses them.
    struct Config {
        PostgresPool pool;
        /// Whether group operations move the group's epoch, for which the database needs a table `larder_epochs_...` a group.
        bool epochs = true;

        Config(PostgresPool used, bool keeps_epochs = true) : pool(std::move(used)), epochs(keeps_epochs) {}
    };

    static constexpr bool conditional_writes = true;

    explicit PostgresDatabase(Config config) : config_(std::move(config)) {}

    /// Where handlers are called.
    boost::asio::any_io_executor executor() const { return config_.pool.executor(); }
    /// The connections.
    const PostgresPool& pool() const noexcept { return config_.pool; }

    template <class Handler>
    void async_load(const Key& key, ReadMode mode, Handler handler) {
        async_load_by<0>(key, mode, std::move(handler));
    }

    template <std::size_t Space, class Handler>
        requires(Space < Schema::alias_end)
    void async_load_by(const space_key_t<Entity, Space>& key, ReadMode mode, Handler handler) {
        if (!Rows::may_be_there(key)) return handler(Outcome<std::optional<Entity>>(std::optional<Entity>()));
        run<std::optional<Entity>>(Rows::template load_by<Space>(bound(), key, mode), std::move(handler), [](const Answer& answer) { return Rows::one_row(answer.results); });
    }

    template <class Handler>
    void async_load_many(std::span<const Key> keys, ReadMode mode, Handler handler) {
        using Found = std::vector<std::optional<Entity>>;
        if (!std::all_of(keys.begin(), keys.end(), [](const Key& key) { return Rows::may_be_there(key); })) {
            std::vector<Key> sound;
            std::vector<std::size_t> places;
            for (std::size_t i = 0; i < keys.size(); ++i) {
                if (!Rows::may_be_there(keys[i])) continue;
                sound.push_back(keys[i]);
                places.push_back(i);
            }
            return load_all(sound, mode, [handler = std::move(handler), places = std::move(places), count = keys.size()](Outcome<Found> some) mutable {
                if (some.has_error()) return handler(std::move(some));
                Found all(count);
                for (std::size_t i = 0; i < places.size(); ++i) all[places[i]] = std::move((*some)[i]);
                handler(Outcome<Found>(std::move(all)));
            });
        }
        load_all(keys, mode, std::move(handler));
    }

    template <std::size_t Space, class Handler>
        requires(Space >= Schema::alias_end && Space < Schema::space_count)
    void async_list(const space_key_t<Entity, Space>& key, Handler handler) {
        if (!Rows::may_be_there(key)) return handler(Outcome<Versions>(Versions()));
        run<Versions>(Rows::template list<Space>(bound(), key), std::move(handler), [](const Answer& answer) { return Rows::versions(answer.results.back()); });
    }

    /// The rows that embed a row of another table, in the member `EmbedMember`; ordered by primary key.
    template <auto EmbedMember, class Handler>
        requires(detail::embed_index_v<Entity, EmbedMember> < detail::embed_count_v<Entity>)
    void async_parents_of(const primary_key_t<embedded_t<EmbedMember>>& child, Handler handler) {
        run<Versions>(Rows::template parents_of<detail::embed_index_v<Entity, EmbedMember>>(bound(), child), std::move(handler),
                      [](const Answer& answer) { return Rows::versions(answer.results.back()); });
    }

    template <auto Member, class Handler>
    void async_list_due(bare_value_t<detail::member_t<Member>> moment, std::int64_t most, Handler handler) {
        run<Versions>(Rows::template list_due<Member>(bound(), moment, most), std::move(handler), [](const Answer& answer) { return Rows::versions(answer.results.back()); });
    }

    template <class Handler>
    void async_load_version(const Key& key, Handler handler)
        requires(Schema::has_version)
    {
        if (!Rows::may_be_there(key)) return handler(Outcome<std::optional<Version>>(std::optional<Version>()));
        run<std::optional<Version>>(Rows::load_version(bound(), key), std::move(handler), [](const Answer& answer) { return Rows::version(answer.results); });
    }

    /// `errc::schema_mismatch` where `Config::epochs` is off.
    template <std::size_t Space, class Handler>
        requires(Schema::has_revoked && Space >= Schema::alias_end && Space < Schema::space_count)
    void async_load_epoch(const space_key_t<Entity, Space>& key, Handler handler) {
        using Epoch = Outcome<std::uint64_t>;
        if (!config_.epochs) return handler(Epoch(Error(errc::schema_mismatch, detail::describe_key<Entity, Space>() + ": the database was told to keep no epochs")));
        run<std::uint64_t>(Rows::template load_epoch<Space>(bound(), key), std::move(handler),
                           [](const Answer& answer) -> Epoch { return static_cast<std::uint64_t>(Rows::number(answer.results.back())); });
    }

    /// The clock of the server that answers.
    template <class Handler>
    void async_clock(Handler handler) {
        run<DatabaseTime>(Rows::clock(bound()), std::move(handler), [](const Answer& answer) -> Outcome<DatabaseTime> { return Rows::moment(answer.results.back()); });
    }

    template <class Handler>
    void async_insert(const Entity& row, Handler handler) {
        ask<Entity>(Rows::insert(bound(), row), std::move(handler), [related = Rows::related_keys(row), self = *this](Answer answer, Handler then) mutable {
            auto stored = Rows::one_row(answer.results);
            if (!stored) return then(Outcome<Entity>(Rows::unreadable(std::move(stored).error(), self.within_ != nullptr)));
            if (*stored) return then(Outcome<Entity>(std::move(**stored)));
            self.template tell_missing<Entity>(std::move(related), WriteCondition{}, std::move(then));
        });
    }

    template <class Handler>
    void async_update(const Entity& row, Version expected, const WriteCondition& condition, Handler handler) {
        ask<Version>(Rows::update(bound(), row, expected, condition), std::move(handler),
                     [related = Rows::related_keys(row), self = *this, expected, condition](Answer answer, Handler then) mutable {
                         if (detail::changed_rows(answer.results.back()) != 0) return then(Outcome<Version>(Rows::next_version(expected)));
                         if (auto why = Rows::unchanged(answer.results, expected, true)) return then(Outcome<Version>(std::move(why)));
                         self.template tell_missing<Version>(std::move(related), condition, std::move(then));
                     });
    }

    template <class Handler>
    void async_erase(const Key& key, Version expected, const WriteCondition& condition, Handler handler) {
        run<Version>(
            Rows::erase(bound(), key, expected, condition), std::move(handler),
            [expected](const Answer& answer) -> Outcome<Version> {
                if (detail::changed_rows(answer.results.back()) != 0) return Rows::next_version(expected);
                if (auto why = Rows::unchanged(answer.results, expected, false)) return why;
                return detail::Refusal<Entity>::deadline_passed();
            },
            true);
    }

    template <std::size_t Space, auto... Members, class Handler>
        requires(Schema::has_revoked && Space >= Schema::alias_end && Space < Schema::space_count)
    void async_revoke_all(const space_key_t<Entity, Space>& key, const Entity& pattern, detail::MemberList<Members...> members, Handler handler) {
        using Revocation = GroupRevocation<Entity>;
        if (!Schema::is_revoked(pattern)) return handler(Outcome<Revocation>(detail::Refusal<Entity>::not_revoking()));
        run<Revocation>(Rows::template revoke_all<Space>(bound(), key, pattern, members, config_.epochs), std::move(handler), [epochs = config_.epochs, in_transaction = within_ != nullptr](const Answer& answer) -> Outcome<Revocation> {
            auto rows = Rows::versions(answer.results.front());
            if (!rows) return Rows::unreadable(std::move(rows).error(), in_transaction);
            return Revocation{std::move(*rows), epochs ? static_cast<std::uint64_t>(Rows::number(answer.results.back())) : 0};
        });
    }

    template <class Handler>
    void async_touch(const Key& key, WallTime moment, Handler handler)
        requires(Schema::has_touch)
    {
        run<bool>(Rows::touch(bound(), key, moment), std::move(handler), [](const Answer& answer) -> Outcome<bool> { return detail::changed_rows(answer.results.back()) != 0; });
    }

    using Transaction = PostgresTransaction;

    /// Begins a transaction on a connection of its own. \param handler `handler(Outcome<Transaction>)`.
    template <class Handler>
    void async_begin(Isolation isolation, Handler handler) {
        Transaction::async_begin(config_.pool, isolation, std::move(handler));
    }
    bool takes(const Transaction& transaction) const noexcept { return transaction.work_->pool.state_ == config_.pool.state_; }
    PostgresDatabase within(Transaction& transaction) const {
        PostgresDatabase inside(config_);
        inside.within_ = transaction.work_;
        return inside;
    }

private:
    std::size_t bound() const noexcept { return config_.pool.options().max_value_bytes; }

    template <class Handler>
    void load_all(std::span<const Key> keys, ReadMode mode, Handler handler) {
        using Found = std::vector<std::optional<Entity>>;
        if (keys.empty()) return handler(Outcome<Found>(Found()));
        run<Found>(Rows::load_many(bound(), keys, mode), std::move(handler), [count = keys.size()](const Answer& answer) { return Rows::many_rows(answer.results, count); });
    }

    /// Sends a request; `then(answer, handler)` goes on with what it answered, unless it failed.
    template <class T, class Handler, class Then>
    void ask(Request request, Handler handler, Then then, bool erases = false) {
        if (request.error()) return handler(Outcome<T>(request.error()));
        if (within_) {
            if (!within_->connection) return handler(Outcome<T>(Transaction::has_ended()));
            // What is lost with its transaction was rolled back.
            return within_->submit(std::move(request), [handler = std::move(handler), then = std::move(then), erases](Answer answer) mutable {
                if (answer.failure.stood_in_the_way() || answer.failure.is_outdated())
                    handler(Outcome<T>(Transaction::conflict(detail::Refusal<Entity>::table())));
                else if (answer.failure)
                    handler(Outcome<T>(Rows::error_of(answer.failure, false, erases)));
                else
                    then(std::move(answer), std::move(handler));
            });
        }
        const bool is_write = request.is_write();
        config_.pool.submit(
            detail::make_postgres_call(std::move(request), [handler = std::move(handler), then = std::move(then), is_write, erases](Answer answer) mutable {
                if (answer.failure)
                    handler(Outcome<T>(Rows::error_of(answer.failure, is_write, erases)));
                else
                    then(std::move(answer), std::move(handler));
            }));
    }

    /// Sends a request whose answer is all that there is to it.
    template <class T, class Handler, class Decode>
    void run(Request request, Handler handler, Decode decode, bool erases = false) {
        ask<T>(
            std::move(request), std::move(handler), [decode = std::move(decode)](const Answer& answer, Handler then) mutable { then(Outcome<T>(decode(answer))); }, erases);
    }

    /// Tells why a write changed nothing although the row is as it was expected.
    template <class T, class Related, class Handler>
    void tell_missing(Related related, const WriteCondition& condition, Handler handler) {
        auto request = Rows::look_for(bound(), related);
        run<T>(std::move(request), std::move(handler), [related = std::move(related), condition](const Answer& answer) -> Outcome<T> {
            if (auto missing = Rows::missing(answer.results, related, condition)) return missing;
            if (condition.not_after) return detail::Refusal<Entity>::deadline_passed();
            return Error(errc::database_busy, detail::Refusal<Entity>::table() + ": the row was refused while what it refers to was changed");
        });
    }

    Config config_;
    std::shared_ptr<typename Transaction::Work> within_; ///< The transaction in which it works; null: each operation is one of its own.
};

} // namespace v0
} // namespace larder
