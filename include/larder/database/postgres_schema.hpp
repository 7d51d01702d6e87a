// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/detail/columns.hpp>
#include <larder/database/detail/postgres_session.hpp>
#include <larder/database/detail/postgres_sql.hpp>
#include <larder/database/detail/relation.hpp>
#include <larder/database/postgres_pool.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {

/// Compares the tables of a PostgreSQL database with the schemas of entities.
class PostgresInspector {
public:
    explicit PostgresInspector(PostgresSession& session) : session_(session) {}

    /// The first thing that an entity's tables lack, as an error that names it. \param epochs whether the groups' epochs count.
    template <entity Entity>
    Error lacking(bool epochs) {
        using Schema = schema_of<Entity>;
        using Statements = PostgresSql<Entity>;
        const std::string table(Schema::table);
        Error error = lacking_columns(table, names<Entity>(column_members_t<Entity>{}));
        if (!error && Schema::is_generated) error = lacking_generator<Entity>();
        for_each_number<Schema::alias_end>([&]<std::size_t Space>() {
            if (!error) error = not_unique<Entity>(space_members_t<Entity, Space>{});
        });
        if constexpr (Schema::is_reusable && Schema::has_version)
            if (!error) error = lacking_columns(Statements::graves_table(), with(names<Entity>(space_members_t<Entity, 0>{}), "larder_version"));
        if constexpr (Schema::has_revoked)
            for_each_number<Schema::group_count>([&]<std::size_t Group>() {
                constexpr std::size_t space = Schema::alias_end + Group;
                if (epochs && !error)
                    error = lacking_columns(Statements::template epochs_table<space>(), with(names<Entity>(space_members_t<Entity, space>{}), "larder_epoch"));
            });
        return error;
    }

private:
    template <std::size_t Count, class Visitor>
    static void for_each_number(Visitor visit) {
        [&]<std::size_t... Number>(std::index_sequence<Number...>) { (visit.template operator()<Number>(), ...); }(std::make_index_sequence<Count>{});
    }

    template <entity Entity, auto... Members>
    static std::vector<std::string> names(MemberList<Members...>) {
        return {std::string(Column<Entity, Members>::name())...};
    }

    static std::vector<std::string> with(std::vector<std::string> names, std::string_view last) {
        names.emplace_back(last);
        return names;
    }

    Error lacking_columns(const std::string& table, const std::vector<std::string>& columns) {
        const auto found = session_.run("SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(quote_ident($1)) AND attnum > 0 AND NOT attisdropped", table, {table});
        if (session_.error()) return session_.error();
        if (found.empty()) return {errc::schema_mismatch, "the table " + table + " is missing"};
        for (const auto& column : columns)
            if (std::find(found.begin(), found.end(), column) == found.end()) return {errc::schema_mismatch, "the column " + table + "." + column + " is missing"};
        return {};
    }

    template <entity Entity>
    Error lacking_generator() {
        const std::string table(schema_of<Entity>::table);
        const auto found = session_.run("SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(quote_ident($1)) AND attname = $2 AND (attidentity <> '' OR atthasdef)", table,
                                        {table, std::string(Column<Entity, FirstMember<space_members_t<Entity, 0>>::value>::name())});
        if (session_.error() || !found.empty()) return session_.error();
        return {errc::schema_mismatch, describe_key<Entity, 0>() + " is not made by the database: declare it GENERATED ALWAYS AS IDENTITY, or the schema larder::reusable"};
    }

    /// Whether no unique index, partial ones apart, has just these columns.
    template <entity Entity, auto... Members>
    Error not_unique(MemberList<Members...> members) {
        const std::string table(schema_of<Entity>::table);
        auto wanted = names<Entity>(members);
        std::sort(wanted.begin(), wanted.end());
        std::string text, list;
        for (const auto& name : wanted) {
            (text += name) += '\n';
            (list += list.empty() ? "" : ", ") += name;
        }
        const auto found = session_.run("SELECT string_agg(attname || chr(10), '' ORDER BY attname COLLATE \"C\") FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY(indkey[0:indnkeyatts - 1]) "
                                        "WHERE indrelid = to_regclass(quote_ident($1)) AND indisunique AND indisvalid AND indpred IS NULL AND indexprs IS NULL GROUP BY indexrelid",
                                        table, {table});
        if (session_.error() || std::find(found.begin(), found.end(), text) != found.end()) return session_.error();
        return {errc::schema_mismatch, "the table " + table + " has no unique index on " + list};
    }

    PostgresSession& session_;
};

/// Makes the tables of an entity after those of the entities it embeds.
template <entity Entity>
Error create_tables_of(PostgresSession& session) {
    Error error;
    for_each_embed<Entity>([&]<std::size_t Embed>() {
        if (!error) error = create_tables_of<typename relation_t<Entity, Embed>::Child>(session);
    });
    if (error) return error;
    for (const auto& statement : PostgresSql<Entity>::create()) session.run(statement, std::string(schema_of<Entity>::table));
    error = session.error();
    return error ? error : PostgresInspector(session).lacking<Entity>(true);
}

template <entity Entity>
Error check_schema_of(PostgresSession& session, bool epochs) {
    Error error = PostgresInspector(session).lacking<Entity>(epochs);
    for_each_embed<Entity>([&]<std::size_t Embed>() {
        if (!error) error = check_schema_of<typename relation_t<Entity, Embed>::Child>(session, epochs);
    });
    return error;
}

} // namespace detail

/// Makes what is missing of the tables, indices and foreign keys of entities and of those they embed, in one transaction, and
/// leaves what there is as it is. `errc::schema_mismatch` names what an existing table lacks; then nothing was made.
///
/// Blocks, on a connection of its own; the pool's executor is not needed. Several processes may do it at once.
template <entity... Entities>
Outcome<void> create_tables(const PostgresPool& pool) {
    detail::PostgresSession session(pool);
    session.run("SELECT pg_advisory_xact_lock(hashtextextended('larder: create_tables', 0))");
    Error error = session.error();
    ((error = error ? std::move(error) : detail::create_tables_of<Entities>(session)), ...);
    if (!error) error = session.commit();
    if (error) return error;
    return {};
}

/// Whether the tables of entities, and of those they embed, are as their schemas need them: `errc::schema_mismatch` names the
/// first table, column or unique index that is missing, or a generated key that the database does not make. Blocks as `create_tables`.
/// \param epochs whether the tables of the groups' epochs count (`PostgresDatabase::Config::epochs`).
template <entity... Entities>
Outcome<void> check_schema(const PostgresPool& pool, bool epochs = true) {
    detail::PostgresSession session(pool);
    Error error = session.error();
    ((error = error ? std::move(error) : detail::check_schema_of<Entities>(session, epochs)), ...);
    if (error) return error;
    return {};
}

} // namespace v0
} // namespace larder
