// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/detail/columns.hpp>
#include <larder/database/detail/postgres_dialect.hpp>
#include <larder/database/detail/sql_writer.hpp>
#include <larder/database/sql.hpp>
#include <larder/entity/key.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {

/// The statements of an entity that PostgreSQL needs beside those of `Sql`, for locks above all.
///
/// Statements of one transaction see, each, what was committed when it began. So a statement that takes a row's lock goes
/// before the one that depends on the row: had that one to wait for the lock itself, it would go on with what it saw before.
template <entity Entity>
struct PostgresSql : Sql<PostgresDialect, Entity> {
    using Base = Sql<PostgresDialect, Entity>;
    using Schema = schema_of<Entity>;
    using Writer = SqlWriter<PostgresDialect>;
    template <std::size_t Space>
    using members = space_members_t<Entity, Space>;

    /// Any number of keys, each part as an array.
    static std::string select_keys() { return Base::select_many(0); }

    /// Parameters: the key. Waits for a commit of the row that is in flight.
    template <std::size_t Space>
    static std::string share_lock() {
        Writer sql;
        sql.text("SELECT 1 FROM ").name(Schema::table);
        return sql.text(" WHERE ").template matches<Entity>(members<Space>{}, 1).text(" FOR SHARE").take();
    }

    /// Parameters: the parts of the keys, as arrays. Waits for the commits of those rows, in the order of their keys.
    static std::string share_lock_keys() {
        Writer sql;
        std::vector<std::string_view> types;
        sql.each(members<0>{}, "", [&]<auto Member>(std::size_t) { types.push_back(PostgresDialect::column_type<bare_value_t<member_t<Member>>>()); });
        std::string keys;
        PostgresDialect::keys_source(keys, types.size(), 0, types);
        sql.text("WITH ").text(keys).text(" SELECT 1 FROM ").name(Schema::table).text(" AS t0 WHERE (").template columns<Entity>(members<0>{}, "t0").text(") IN (SELECT ");
        sql.each(members<0>{}, ", ", [&]<auto Member>(std::size_t index) { sql.text("p").text(std::to_string(index)); });
        return sql.text(" FROM larder_keys) ORDER BY ").template columns<Entity>(members<0>{}, "t0").text(" FOR SHARE").take();
    }

    /// As `select_state`, with the row locked against other writers.
    static std::string lock_to_update() { return Base::select_state() + " FOR NO KEY UPDATE"; }
    static std::string lock_to_erase() { return Base::select_state() + " FOR UPDATE"; }

    /// Parameter: a number that stands for a key. Waits for those who write a row of this key that is not there yet, or no more.
    static std::string key_lock() { return "SELECT pg_advisory_xact_lock($1)"; }
    static std::string shared_key_lock() { return "SELECT pg_advisory_xact_lock_shared($1)"; }

    /// As `erase`, and keeps the tombstone's version if a row was removed.
    template <bool Deadline>
    static std::string erase_and_bury()
        requires(Schema::is_reusable && Schema::has_version)
    {
        Writer sql;
        sql.text("WITH larder_erased AS (").text(Base::template erase<Deadline>()).text(" RETURNING ").template columns<Entity>(members<0>{}).text(", ");
        sql.template columns<Entity>(typename Schema::version_members{}).text(" + 1 AS larder_version) INSERT INTO ").name(Base::graves_table()).text(" (");
        sql.template columns<Entity>(members<0>{}).text(", larder_version) SELECT ").template columns<Entity>(members<0>{}).text(", larder_version FROM larder_erased ON CONFLICT (");
        return sql.template columns<Entity>(members<0>{}).text(") DO UPDATE SET larder_version = excluded.larder_version").take();
    }

    /// Keeps others from making keys of the table until the transaction ends.
    static std::string lock_table() {
        Writer sql;
        sql.text("LOCK TABLE ").name(Schema::table).text(" IN SHARE ROW EXCLUSIVE MODE");
        return "DO " + quoted("BEGIN " + sql.take() + "; END");
    }

    /// Parameter: a generated key that was given. Makes the keys to come greater. \pre the table is locked.
    static std::string move_generator()
        requires(Schema::is_generated)
    {
        Writer table;
        table.name(Schema::table);
        const std::string column(Column<Entity, FirstMember<members<0>>::value>::name());
        return "SELECT setval(g, $1) FROM (SELECT pg_get_serial_sequence(" + quoted(table.take()) + ", " + quoted(column) +
               ")::regclass AS g) AS generator WHERE g IS NOT NULL AND $1 > coalesce(pg_sequence_last_value(g), 0)";
    }

    /// A text as SQL writes it.
    static std::string quoted(std::string_view text) {
        std::string literal = "'";
        for (const char letter : text) {
            if (letter == '\'') literal += '\'';
            literal += letter;
        }
        return literal += "'";
    }
};

} // namespace detail
} // namespace v0
} // namespace larder
