// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/detail/columns.hpp>
#include <larder/database/detail/relation.hpp>
#include <larder/database/detail/sqlite_dialect.hpp>
#include <larder/database/detail/sqlite_query.hpp>
#include <larder/database/sql.hpp>
#include <larder/database/sqlite_transaction.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {

/// Compares the tables of a SQLite database with the schemas of entities.
class SqliteInspector {
public:
    explicit SqliteInspector(SqliteConnection& connection) : connection_(connection) {}

    /// The first thing that an entity's tables lack, as an error that names it. \param epochs whether the groups' epochs count.
    template <entity Entity>
    Error lacking(bool epochs) {
        using Schema = schema_of<Entity>;
        using Statements = Sql<SqliteDialect, Entity>;
        const std::string table(Schema::table);
        Error error = lacking_columns(table, names<Entity>(column_members_t<Entity>{}));
        if (!error && Schema::is_generated) error = reusing_keys<Entity>();
        for_each_space<Schema::alias_end>([&]<std::size_t Space>() {
            if (!error && !(Space == 0 && Schema::is_generated)) error = not_unique<Entity>(space_members_t<Entity, Space>{});
        });
        if constexpr (Schema::is_reusable && Schema::has_version)
            if (!error) error = lacking_columns(Statements::graves_table(), with(names<Entity>(space_members_t<Entity, 0>{}), "larder_version"));
        if constexpr (Schema::has_revoked)
            for_each_space<Schema::group_count>([&]<std::size_t Group>() {
                constexpr std::size_t space = Schema::alias_end + Group;
                if (epochs && !error)
                    error = lacking_columns(Statements::template epochs_table<space>(), with(names<Entity>(space_members_t<Entity, space>{}), "larder_epoch"));
            });
        return error;
    }

private:
    template <std::size_t Count, class Visitor>
    static void for_each_space(Visitor visit) {
        [&]<std::size_t... Space>(std::index_sequence<Space...>) { (visit.template operator()<Space>(), ...); }(std::make_index_sequence<Count>{});
    }

    template <entity Entity, auto... Members>
    static std::vector<std::string> names(MemberList<Members...>) {
        return {std::string(Column<Entity, Members>::name())...};
    }

    static std::vector<std::string> with(std::vector<std::string> names, std::string_view last) {
        names.emplace_back(last);
        return names;
    }

    static std::string columns_sql() { return "SELECT name FROM pragma_table_info(?1)"; }
    static std::string definition_sql() { return "SELECT upper(sql) FROM sqlite_schema WHERE type = 'table' AND name = ?1"; }
    /// The columns of each unique index, the primary key's included; a partial one does not count.
    static std::string unique_sql() {
        return "SELECT l.name, i.name FROM pragma_index_list(?1) AS l, pragma_index_info(l.name) AS i WHERE l.\"unique\" AND NOT l.partial ORDER BY 1";
    }
    static std::string rowid_sql() { return "SELECT name FROM pragma_table_info(?1) WHERE pk > 0"; }

    template <auto Text>
    std::vector<std::string> answers(const std::string& table, Error& error) {
        auto query = run_of<Text>(connection_);
        query.bind(table);
        std::vector<std::string> found;
        while (query.step()) query.read(0, found.emplace_back());
        error = std::move(query.error());
        return found;
    }

    static bool same_name(std::string_view left, std::string_view right) noexcept {
        return sqlite3_strnicmp(left.data(), right.data(), static_cast<int>(std::max(left.size(), right.size()))) == 0;
    }

    Error lacking_columns(const std::string& table, const std::vector<std::string>& columns) {
        Error error;
        const auto found = answers<&columns_sql>(table, error);
        if (error) return error;
        if (found.empty()) return {errc::schema_mismatch, "the table " + table + " is missing"};
        for (const auto& column : columns)
            if (std::none_of(found.begin(), found.end(), [&](const auto& name) { return same_name(name, column); }))
                return {errc::schema_mismatch, "the column " + table + "." + column + " is missing"};
        return {};
    }

    /// A generated key whose numbers SQLite gives out again is a row that comes back at version 1.
    template <entity Entity>
    Error reusing_keys() {
        Error error;
        const std::string table(schema_of<Entity>::table);
        const auto definition = answers<&definition_sql>(table, error);
        if (error || definition.empty() || definition.front().find("AUTOINCREMENT") != std::string::npos) return error;
        return {errc::schema_mismatch, describe_key<Entity, 0>() + " may be given out again after its row was erased: declare it AUTOINCREMENT, or the schema larder::reusable"};
    }

    template <entity Entity, auto... Members>
    Error not_unique(MemberList<Members...> members) {
        const std::string table(schema_of<Entity>::table);
        auto wanted = names<Entity>(members);
        Error error;
        if (same_columns(answers<&rowid_sql>(table, error), wanted) || error) return error;
        auto query = run_of<&unique_sql>(connection_);
        query.bind(table);
        std::vector<std::string> columns;
        std::string index;
        bool found = false;
        while (query.step()) {
            std::string name;
            query.read(0, name);
            if (name != std::exchange(index, name)) {
                found = found || same_columns(columns, wanted);
                columns.clear();
            }
            query.read(1, columns.emplace_back());
        }
        if (query.error()) return std::move(query.error());
        if (found || same_columns(columns, wanted)) return {};
        std::string list;
        for (const auto& name : wanted) list += (list.empty() ? "" : ", ") + name;
        return {errc::schema_mismatch, "the table " + table + " has no unique index on " + list};
    }

    static bool same_columns(std::vector<std::string> left, const std::vector<std::string>& right) {
        return left.size() == right.size() && std::is_permutation(left.begin(), left.end(), right.begin(), &same_name);
    }

    SqliteConnection& connection_;
};

/// Makes the tables of an entity after those of the entities it embeds.
template <entity Entity>
Error create_tables_of(SqliteConnection& connection) {
    Error error;
    for_each_embed<Entity>([&]<std::size_t Embed>() {
        if (!error) error = create_tables_of<typename relation_t<Entity, Embed>::Child>(connection);
    });
    if (error) return error;
    for (const auto& statement : Sql<SqliteDialect, Entity>::create())
        if (!error) error = connection.execute(statement);
    // What an older table lacks is named with that table, whichever statement failed for it.
    if (!error || error == errc::schema_mismatch)
        if (auto lacking = SqliteInspector(connection).lacking<Entity>(true)) error = std::move(lacking);
    return error;
}

template <entity Entity>
Error check_schema_of(SqliteConnection& connection, bool epochs) {
    Error error = SqliteInspector(connection).lacking<Entity>(epochs);
    for_each_embed<Entity>([&]<std::size_t Embed>() {
        if (!error) error = check_schema_of<typename relation_t<Entity, Embed>::Child>(connection, epochs);
    });
    return error;
}

} // namespace detail

/// Makes what is missing of the tables, indices and foreign keys of entities and of those they embed, in one transaction, and
/// leaves what there is as it is. `errc::schema_mismatch` names what an existing table lacks; then nothing was made.
template <entity... Entities>
Outcome<void> create_tables(const SqliteFile& file) {
    SqliteTransaction transaction(file);
    Error error = transaction.error();
    ((error = error ? std::move(error) : detail::create_tables_of<Entities>(transaction.connection())), ...);
    if (!error) error = transaction.commit();
    if (error) return error;
    return {};
}

/// Whether the tables of entities, and of those they embed, are as their schemas need them: `errc::schema_mismatch` names the
/// first table, column or unique index that is missing, or a generated key that could be given out twice.
/// \param epochs whether the tables of the groups' epochs count (`SqliteDatabase::Config::epochs`).
template <entity... Entities>
Outcome<void> check_schema(const SqliteFile& file, bool epochs = true) {
    const SqliteTransaction transaction(file, SqliteTransaction::Purpose::read);
    Error error = transaction.error();
    ((error = error ? std::move(error) : detail::check_schema_of<Entities>(transaction.connection(), epochs)), ...);
    if (error) return error;
    return {};
}

} // namespace v0
} // namespace larder
