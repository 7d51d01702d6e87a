// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/database/database.hpp>
#include <larder/database/detail/columns.hpp>
#include <larder/database/detail/postgres_call.hpp>
#include <larder/database/detail/postgres_failure.hpp>
#include <larder/database/detail/postgres_listener.hpp>
#include <larder/database/detail/postgres_result.hpp>
#include <larder/database/detail/postgres_session.hpp>
#include <larder/database/detail/postgres_sql.hpp>
#include <larder/database/detail/sql_row.hpp>
#include <larder/database/detail/sql_writer.hpp>
#include <larder/database/postgres_pool.hpp>

#include <boost/hash2/fnv1a.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {

/// What outboxes are made with.
struct PostgresOutboxOptions {
    /// Whether each transaction that leaves an entry notifies the relays that listen (`PostgresRelayOptions::listen`). PostgreSQL lets
    /// transactions that notify commit one at a time, in each of a server's databases.
    bool notifies = false;
};

/// A change of a row that its outbox tells of.
template <entity Entity>
struct OutboxEntry {
    std::int64_t id = 0;
    primary_key_t<Entity> key{};
    Version version = 0; ///< The row's new version, or that of its tombstone; 0 without versions.
};

namespace detail {

/// The statements of an entity's outbox.
template <entity Entity>
struct PostgresOutboxSql {
    using Schema = schema_of<Entity>;
    using Writer = SqlWriter<PostgresDialect>;
    using Keys = space_members_t<Entity, 0>;
    using Kept = without_members_t<column_members_t<Entity>, typename Schema::touch_members>;
    /// The columns whose change is one of the row's content.
    using Content = without_members_t<Kept, typename Schema::version_members>;

    static std::string table() { return name_of("larder_outbox_"); }
    static std::string update_trigger() { return name_of("larder_outbox_", "_update"); }
    static std::string notifying_function() { return name_of("larder_notify_"); }
    static std::string version_function() { return name_of("larder_version_"); }

    static std::string create_table() {
        Writer sql;
        sql.text("CREATE TABLE IF NOT EXISTS ").name(table()).text(" (larder_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, ").each(Keys{}, ", ", [&]<auto Member>(std::size_t) {
            sql.template column<Entity, Member>().text(" ").text(PostgresDialect::column_type<bare_value_t<member_t<Member>>>()).text(" NOT NULL");
        });
        return sql.text(", larder_version bigint NOT NULL, larder_at timestamptz NOT NULL DEFAULT clock_timestamp(), larder_taken timestamptz)").take();
    }

    /// What writes an entry for each change of a row, whoever makes it; a key that changes makes two.
    static std::string create_function() {
        Writer body;
        body.text("BEGIN IF TG_OP = 'DELETE' THEN ");
        entry(body, "OLD", " + 1");
        body.text(" ELSE IF TG_OP = 'UPDATE' THEN IF ");
        differ(body, Keys{});
        body.text(" THEN ");
        entry(body, "OLD", " + 1");
        body.text(" END IF; END IF; ");
        entry(body, "NEW", "");
        body.text(" END IF; RETURN NULL; END");
        return function(table(), body.take());
    }

    /// What moves the version of a row that somebody changes without moving it.
    static std::string create_version_function()
        requires(Schema::has_version)
    {
        Writer body;
        body.text("BEGIN NEW.").template columns<Entity>(typename Schema::version_members{}).text(" := OLD.").template columns<Entity>(typename Schema::version_members{});
        return function(version_function(), body.text(" + 1; RETURN NEW; END").take());
    }

    static std::vector<std::string> create_triggers() {
        std::vector<std::string> statements;
        const auto add = [&](const std::string& trigger, const std::string& procedure, std::string_view when, auto condition) {
            Writer sql;
            sql.text("CREATE OR REPLACE TRIGGER ").name(trigger).text(" ").text(when).text(" ON ").name(Schema::table).text(" FOR EACH ROW");
            condition(sql);
            statements.push_back(sql.text(" EXECUTE FUNCTION ").name(procedure).text("()").take());
        };
        add(table(), table(), "AFTER INSERT OR DELETE", [](Writer&) {});
        add(update_trigger(), table(), "AFTER UPDATE", [](Writer& sql) {
            sql.text(" WHEN (");
            differ(sql, Kept{});
            sql.text(")");
        });
        if constexpr (Schema::has_version)
            add(version_function(), version_function(), "BEFORE UPDATE", [](Writer& sql) {
                sql.text(" WHEN (NOT (");
                differ(sql, typename Schema::version_members{});
                sql.text(") AND ");
                differ(sql, Content{});
                sql.text(")");
            });
        return statements;
    }

    /// What notifies of new entries, on a channel that bears the table's name, once a statement; the server makes it once a transaction.
    static std::string create_notifying_function() {
        Writer body;
        return function(notifying_function(), body.text("BEGIN PERFORM pg_notify(TG_TABLE_NAME, ''); RETURN NULL; END").take());
    }
    static std::string create_notifying_trigger() {
        Writer sql;
        sql.text("CREATE OR REPLACE TRIGGER ").name(notifying_function()).text(" AFTER INSERT ON ").name(table()).text(" FOR EACH STATEMENT EXECUTE FUNCTION ");
        return sql.name(notifying_function()).text("()").take();
    }
    static std::string drop_notifying_trigger() {
        Writer sql;
        return sql.text("DROP TRIGGER IF EXISTS ").name(notifying_function()).text(" ON ").name(table()).take();
    }
    static std::string listen() {
        Writer sql;
        return sql.text("LISTEN ").name(table()).take();
    }

    /// Parameters: how many, the least age and the age of a taking that has come to nothing, in microseconds. Answers: number, key and version of
    /// the oldest entries, which others do not take for that while.
    static std::string take() {
        Writer sql;
        const std::string ago = " <= clock_timestamp() - interval '1 microsecond' * ";
        sql.text("UPDATE ").name(table()).text(" SET larder_taken = clock_timestamp() WHERE larder_id IN (SELECT larder_id FROM ").name(table()).text(" WHERE larder_at" + ago).parameter(2);
        sql.text(" AND (larder_taken IS NULL OR larder_taken" + ago).parameter(3).text(") ORDER BY larder_id LIMIT ").parameter(1);
        return sql.text(" FOR UPDATE SKIP LOCKED) RETURNING larder_id, ").template columns<Entity>(Keys{}).text(", larder_version").take();
    }

    /// Parameter: the numbers of entries, as an array.
    static std::string remove() {
        Writer sql;
        return sql.text("DELETE FROM ").name(table()).text(" WHERE larder_id = ANY(").parameter(1).text(")").take();
    }

private:
    /// The table's name between two words. PostgreSQL cuts names off after 63 bytes; one that is longer ends with a hash of the whole, so that no two become one.
    static std::string name_of(std::string_view before, std::string_view after = {}) {
        constexpr std::size_t most_bytes = 63, digits = 16;
        std::string name(before);
        name.append(std::string_view(Schema::table)).append(after);
        if (name.size() <= most_bytes) return name;
        boost::hash2::fnv1a_64 hash;
        hash.update(name.data(), name.size());
        std::uint64_t number = hash.result();
        std::size_t end = most_bytes - digits - 1;
        constexpr auto goes_on = [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }; // of a character in UTF-8
        while (goes_on(name[end])) --end;
        name.resize(end);
        name += '_';
        for (std::size_t i = 0; i < digits; ++i, number <<= 4) name += "0123456789abcdef"[number >> 60];
        return name;
    }

    static std::string function(const std::string& name, const std::string& body) {
        Writer sql;
        return sql.text("CREATE OR REPLACE FUNCTION ").name(name).text("() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS ").text(PostgresSql<Entity>::quoted(body)).take();
    }

    static void entry(Writer& sql, std::string_view row, std::string_view later) {
        sql.text("INSERT INTO ").name(table()).text(" (").template columns<Entity>(Keys{}).text(", larder_version) VALUES (").template columns<Entity>(Keys{}, row).text(", ");
        if constexpr (Schema::has_version)
            sql.template columns<Entity>(typename Schema::version_members{}, row).text(later);
        else
            sql.text("0");
        sql.text(");");
    }

    template <auto... Members>
    static void differ(Writer& sql, MemberList<Members...> list) {
        if constexpr (sizeof...(Members) == 0)
            sql.text("false");
        else
            sql.text("(").each(list, " OR ", [&]<auto Member>(std::size_t) {
                sql.template column<Entity, Member>("OLD").text(" IS DISTINCT FROM ").template column<Entity, Member>("NEW");
            }).text(")");
    }
};

template <entity Entity>
void create_outbox_of(PostgresSession& session, const PostgresOutboxOptions& options) {
    using Statements = PostgresOutboxSql<Entity>;
    const std::string name = Statements::table();
    session.run(Statements::create_table(), name);
    session.run(Statements::create_function(), name);
    if constexpr (schema_of<Entity>::has_version) session.run(Statements::create_version_function(), name);
    for (const auto& statement : Statements::create_triggers()) session.run(statement, name);
    if (options.notifies) {
        session.run(Statements::create_notifying_function(), name);
        session.run(Statements::create_notifying_trigger(), name);
    } else {
        session.run(Statements::drop_notifying_trigger(), name);
    }
}

} // namespace detail

/// Makes the outboxes of entities whose tables exist, in one transaction: for each a table `larder_outbox_...` and triggers which write an
/// entry for each change of a row's content in the change's own transaction, whoever makes it; and which move the version of a row
/// that is changed by somebody who does not know of versions. Where they exist, only what the options say may change. Blocks as `create_tables`.
///
/// Moving a touch column makes no entry. An outbox without a `PostgresRelay` only grows.
template <entity... Entities>
Outcome<void> create_outboxes(const PostgresPool& pool, const PostgresOutboxOptions& options = {}) {
    detail::PostgresSession session(pool);
    session.run("SELECT pg_advisory_xact_lock(hashtextextended('larder: create_tables', 0))");
    (detail::create_outbox_of<Entities>(session, options), ...);
    session.commit();
    if (session.error()) return session.error();
    return {};
}

/// The outbox of an entity's table, as operations that do not block. Thread-safe; handlers are called on the pool's executor.
template <class Entity>
class PostgresOutbox {
    using Statements = detail::PostgresOutboxSql<Entity>;
    using Entries = std::vector<OutboxEntry<Entity>>;

public:
    explicit PostgresOutbox(PostgresPool pool) : pool_(std::move(pool)) {}

    boost::asio::any_io_executor executor() const { return pool_.executor(); }

    /// Takes the oldest entries: others do not get them for a while, after which they come again unless they were removed. An entry of a row whose key is
    /// none of the entity's, such as a number out of the field's range, is removed at once: no cache can have that row.
    /// \param limit how many at the most. \param grace how old they are at the least. \param lease for how long they are taken.
    /// \param handler `handler(Outcome<std::vector<OutboxEntry<Entity>>>)`.
    template <class Handler>
    void async_take(std::size_t limit, std::chrono::microseconds grace, std::chrono::microseconds lease, Handler handler) {
        detail::PostgresRequest request(pool_.options().max_value_bytes);
        request.writes().template step<&Statements::take>().bind(static_cast<std::int64_t>(limit)).bind(static_cast<std::int64_t>(grace.count())).bind(static_cast<std::int64_t>(lease.count()));
        submit<Entries>(std::move(request), std::move(handler), [outbox = *this](const detail::PostgresAnswer& answer) mutable -> Outcome<Entries> {
            const auto* result = answer.results.back().get();
            const int count = PQntuples(result);
            Entries entries;
            entries.reserve(static_cast<std::size_t>(count));
            std::vector<std::int64_t> strange;
            for (int i = 0; i < count; ++i) {
                const detail::PostgresRow row(result, i);
                OutboxEntry<Entity> entry;
                row.read(0, entry.id);
                detail::Cell worst = detail::Cell::read;
                if (auto wrong = detail::read_key<Entity>(row, 1, typename Statements::Keys{}, entry.key, &worst); worst == detail::Cell::wrong_value) {
                    strange.push_back(entry.id);
                    continue;
                } else if (wrong) {
                    return wrong;
                }
                row.read(1 + static_cast<int>(Statements::Keys::size), entry.version);
                entries.push_back(std::move(entry));
            }
            if (!strange.empty()) outbox.async_remove(strange, [](const Outcome<bool>&) {});
            return entries;
        });
    }

    /// Removes entries that are done with. \param handler `handler(Outcome<bool>)`: whether all were still there.
    template <class Handler>
    void async_remove(std::span<const std::int64_t> ids, Handler handler) {
        detail::PostgresRequest request(pool_.options().max_value_bytes);
        request.writes().template step<&Statements::remove>().numbers(ids);
        submit<bool>(std::move(request), std::move(handler),
                     [count = ids.size()](const detail::PostgresAnswer& answer) -> Outcome<bool> { return detail::changed_rows(answer.results.back()) == count; });
    }

    /// Begins to listen for new entries, over a connection of its own, until it is stopped; one that is lost is made anew after
    /// `PostgresOptions::most_rest`. \param heard called when there may be new entries, on the executor.
    std::shared_ptr<detail::PostgresListener> listen(std::function<void()> heard) const {
        auto request = [most = pool_.options().max_value_bytes] {
            detail::PostgresRequest listening(most);
            listening.template step<&Statements::listen>();
            return listening;
        };
        auto listener = std::make_shared<detail::PostgresListener>(executor(), pool_.state_->target, std::move(request), pool_.options().most_rest, std::move(heard));
        listener->start();
        return listener;
    }

private:
    template <class T, class Handler, class Decode>
    void submit(detail::PostgresRequest request, Handler handler, Decode decode) {
        pool_.submit(detail::make_postgres_call(std::move(request), [handler = std::move(handler), decode](const detail::PostgresAnswer& answer) mutable {
            if (answer.failure)
                handler(Outcome<T>(detail::error_of(answer.failure, Statements::table(), true)));
            else
                handler(Outcome<T>(decode(answer)));
        }));
    }

    PostgresPool pool_;
};

} // namespace v0
} // namespace larder
