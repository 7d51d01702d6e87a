// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/detail/columns.hpp>
#include <larder/database/detail/relation.hpp>
#include <larder/database/detail/sql_writer.hpp>
#include <larder/entity/key.hpp>

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {

/// Meets the requirements of an SQL dialect: what differs between databases in the statements of `Sql`.
///
/// - `parameter(sql, number)` appends the placeholder of a parameter, numbered from 1; a number may occur more than once.
/// - `greatest`: the function that answers the greater of two values. `is_same`: the operator that holds for two values that
///   are the same byte by byte, and for two nulls.
/// - `clock`: an expression for the database's own clock in microseconds since 1970, read when the statement runs;
///   `clock_grain`: by how many microseconds it may lag.
/// - `column_type<Value>()`: the type of a column for a field. `generated_key<Value>()`: the definition, primary key included, of
///   an integer column whose values the database makes and never makes twice.
/// - `given_key`: what an INSERT says before `VALUES` when it gives such a column a value of its own; may be empty.
/// - `keys_source(sql, parts, count, types)` appends a table `larder_keys(i, p0, p1, ...)` of `count` keys given as parameters, with the
///   position of each; `types` are the column types of the parts.
template <class D>
concept sql_dialect = requires(std::string& sql, std::size_t number, const std::vector<std::string_view>& types) {
    D::parameter(sql, number);
    { D::greatest } -> std::convertible_to<std::string_view>;
    { D::is_same } -> std::convertible_to<std::string_view>;
    { D::clock } -> std::convertible_to<std::string_view>;
    { D::clock_grain } -> std::convertible_to<std::size_t>;
    { D::template column_type<std::string>() } -> std::convertible_to<std::string_view>;
    { D::template generated_key<int>() } -> std::convertible_to<std::string_view>;
    { D::given_key } -> std::convertible_to<std::string_view>;
    D::keys_source(sql, number, number, types);
};

/// The SQL statements of an entity, generated from its schema. Each function says which parameters its statement takes, in
/// order, and which columns it answers. Values are always parameters, so texts hold names only.
///
/// A *joined row* is the columns of the entity in the schema's order, then for each embed the joined row of the embedded
/// entity. An embedded row that does not exist answers nulls.
template <sql_dialect Dialect, entity Entity>
struct Sql {
    using Schema = schema_of<Entity>;
    using Writer = detail::SqlWriter<Dialect>;
    template <std::size_t Space>
    using members = detail::space_members_t<Entity, Space>;

    /// The table that keeps the last version of each reusable key whose row is gone: the key's columns and `larder_version`.
    static std::string graves_table() { return "larder_graves_" + std::string(Schema::table); }

    /// The table of a group's epochs: the key's columns and `larder_epoch`.
    template <std::size_t Group>
    static std::string epochs_table() {
        return joined_name("larder_epochs_" + std::string(Schema::table), members<Group>{});
    }

    /// Parameters: the key. Answers: a joined row.
    template <std::size_t Space>
    static std::string select_by() {
        Writer sql;
        sql.text("SELECT ");
        select_list(sql);
        sql.text(" FROM ");
        joined_tables(sql);
        return sql.text(" WHERE ").template matches<Entity>(members<Space>{}, 1, "t0").take();
    }

    /// Parameters: `count` primary keys. Answers: the position of a key among them, and its joined row. A null key finds nothing.
    static std::string select_many(std::size_t count) {
        Writer sql;
        std::vector<std::string_view> types;
        sql.each(members<0>{}, "", [&]<auto Member>(std::size_t) { types.push_back(Dialect::template column_type<bare_value_t<detail::member_t<Member>>>()); });
        std::string keys;
        Dialect::keys_source(keys, types.size(), count, types);
        sql.text("WITH ").text(keys).text(" SELECT larder_keys.i, ");
        select_list(sql);
        sql.text(" FROM larder_keys CROSS JOIN ").name(Schema::table).text(" AS t0");
        std::size_t alias = 0;
        joins<Entity>(sql, alias);
        return sql.text(" WHERE ")
            .each(members<0>{}, " AND ", [&]<auto Member>(std::size_t index) { sql.template column<Entity, Member>("t0").text(" = larder_keys.p").text(std::to_string(index)); })
            .take();
    }

    /// Parameters: the group's key. Answers: primary key and version of each row, in any order.
    template <std::size_t Group>
    static std::string list() {
        return list_where(members<Group>{});
    }

    /// Parameters: the primary key of an embedded row. Answers: primary key and version of each row that embeds it, in any order.
    template <std::size_t Embed>
    static std::string list_parents() {
        return list_where(typename detail::relation_t<Entity, Embed>::ForeignKey{});
    }

    /// Parameters: a moment and a number. Answers: primary key and version of so many rows at the most, those with the earliest moments in a column.
    template <auto Member>
    static std::string list_due() {
        Writer sql;
        sql.text("SELECT ").template columns<Entity>(members<0>{}).text(", ");
        version_column(sql);
        sql.text(" FROM ").name(Schema::table).text(" WHERE ").template column<Entity, Member>().text(" <= ").parameter(1);
        if constexpr (Schema::has_revoked && !detail::contains_v<Member, typename Schema::revoked_members>)
            sql.text(" AND ").template columns<Entity>(typename Schema::revoked_members{}).text(" IS NULL");
        return sql.text(" ORDER BY ").template column<Entity, Member>().text(" LIMIT ").parameter(2).take();
    }

    /// Parameters: the primary key. Answers: the version.
    static std::string select_version()
        requires(Schema::has_version)
    {
        Writer sql;
        sql.text("SELECT ").template columns<Entity>(typename Schema::version_members{}).text(" FROM ").name(Schema::table);
        return sql.text(" WHERE ").template matches<Entity>(members<0>{}, 1).take();
    }

    /// Parameters: the primary key. Answers: the version (0 without one) and whether the row is revoked (1 or 0).
    static std::string select_state() {
        Writer sql;
        sql.text("SELECT ");
        version_column(sql);
        sql.text(", ");
        if constexpr (Schema::has_revoked)
            sql.text("CASE WHEN ").template columns<Entity>(typename Schema::revoked_members{}).text(" IS NULL THEN 0 ELSE 1 END");
        else
            sql.text("0");
        return sql.text(" FROM ").name(Schema::table).text(" WHERE ").template matches<Entity>(members<0>{}, 1).take();
    }

    /// Parameters: a foreign key. Answers: a row if the embedded row exists.
    template <std::size_t Embed>
    static std::string select_related() {
        using Relation = detail::relation_t<Entity, Embed>;
        using Child = typename Relation::Child;
        Writer sql;
        sql.text("SELECT 1 FROM ").name(schema_of<Child>::table);
        return sql.text(" WHERE ").template matches<Child>(typename Relation::ChildKey{}, 1).take();
    }

    /// Parameters: `detail::insert_members_t<Entity, WithKey>`. Answers: the row's own columns; with embeds, its primary key alone.
    template <bool WithKey>
    static std::string insert() {
        Writer sql;
        if (insert_into<WithKey>(sql)) {
            sql.text(" VALUES (");
            insert_values<WithKey>(sql);
            sql.text(")");
        } else {
            sql.text(" DEFAULT VALUES");
        }
        sql.text(" RETURNING ");
        if constexpr (Schema::has_embeds)
            sql.template columns<Entity>(members<0>{});
        else
            sql.template columns<Entity>(detail::column_members_t<Entity>{});
        return sql.take();
    }

    /// The same for databases where an INSERT may stand in a WITH. Answers: the joined row; no row, and nothing inserted, if an
    /// embedded row that must exist does not.
    template <bool WithKey>
    static std::string insert_joined()
        requires(Schema::has_embeds)
    {
        Writer sql;
        sql.text("WITH larder_inserted AS (");
        insert_into<WithKey>(sql);
        sql.text(" SELECT ");
        insert_values<WithKey>(sql);
        sql.text(" WHERE true");
        detail::for_each_embed<Entity>([&]<std::size_t Embed>() {
            if constexpr (!detail::relation_t<Entity, Embed>::optional) related_exists<Embed, detail::insert_members_t<Entity, WithKey>>(sql);
        });
        sql.text(" RETURNING ").template columns<Entity>(detail::column_members_t<Entity>{}).text(") SELECT ");
        select_list(sql);
        sql.text(" FROM larder_inserted AS t0");
        std::size_t alias = 0;
        joins<Entity>(sql, alias);
        return sql.take();
    }

    /// Parameters: `detail::update_members_t<Entity>`, then the expected version (if there is one), then the deadline (if
    /// `Deadline`). Changes one row or, if a condition does not hold, none.
    /// \tparam SameKeys makes it a condition too that the indexed columns stay as they are, and leaves them alone; for databases that
    /// write an index anew whenever its column is set.
    template <bool Deadline, bool SameKeys = false>
    static std::string update() {
        using Given = detail::update_members_t<Entity>;
        using Indexed = std::conditional_t<SameKeys, detail::without_members_t<detail::indexed_members_t<Entity>, members<0>>, detail::MemberList<>>;
        using Set = detail::without_members_t<detail::without_members_t<Given, members<0>>, Indexed>;
        Writer sql;
        sql.text("UPDATE ").name(Schema::table).text(" SET ");
        sql.each(Set{}, ", ", [&]<auto Member>(std::size_t) {
            const std::size_t number = detail::position_in<Member>(Given{}) + 1;
            sql.template column<Entity, Member>().text(" = ");
            if constexpr (detail::contains_v<Member, typename Schema::touch_members>) {
                sql.text("coalesce(").text(Dialect::greatest).text("(").template column<Entity, Member>().text(", ").parameter(number).text("), ");
                sql.parameter(number).text(", ").template column<Entity, Member>().text(")");
            } else {
                sql.parameter(number);
            }
        });
        if constexpr (Schema::has_version) {
            if constexpr (Set::size != 0) sql.text(", ");
            move_version(sql);
        } else if constexpr (Set::size == 0) {
            constexpr auto key = detail::FirstMember<members<0>>::value;
            sql.template column<Entity, key>().text(" = ").template column<Entity, key>();
        }
        sql.text(" WHERE ").each(members<0>{}, " AND ", [&]<auto Member>(std::size_t) {
            sql.template column<Entity, Member>().text(" = ").parameter(detail::position_in<Member>(Given{}) + 1);
        });
        if constexpr (Schema::has_revoked) sql.text(" AND ").template columns<Entity>(typename Schema::revoked_members{}).text(" IS NULL");
        conditions<Deadline>(sql, Given::size);
        sql.each(Indexed{}, "", [&]<auto Member>(std::size_t) {
            sql.text(" AND ").template column<Entity, Member>().text(" ").text(Dialect::is_same).text(" ").parameter(detail::position_in<Member>(Given{}) + 1);
        });
        detail::for_each_embed<Entity>([&]<std::size_t Embed>() {
            if constexpr (!detail::relation_t<Entity, Embed>::optional) related_exists<Embed, Given>(sql);
        });
        return sql.take();
    }

    /// Parameters: the primary key, then the expected version (if there is one), then the deadline (if `Deadline`). Removes
    /// one row or, if a condition does not hold, none.
    template <bool Deadline>
    static std::string erase() {
        Writer sql;
        sql.text("DELETE FROM ").name(Schema::table).text(" WHERE ").template matches<Entity>(members<0>{}, 1);
        conditions<Deadline>(sql, members<0>::size);
        return sql.take();
    }

    /// Parameters: the primary key and the version of its tombstone.
    static std::string bury()
        requires(Schema::is_reusable && Schema::has_version)
    {
        Writer sql;
        sql.text("INSERT INTO ").name(graves_table()).text(" (").template columns<Entity>(members<0>{}).text(", larder_version) VALUES (");
        sql.parameters(1, members<0>::size + 1).text(") ON CONFLICT (").template columns<Entity>(members<0>{});
        return sql.text(") DO UPDATE SET larder_version = excluded.larder_version").take();
    }

    /// Parameters: the moment and the primary key. Moves the touch column of one row forward, or changes none.
    static std::string touch()
        requires(Schema::has_touch)
    {
        constexpr auto touched = detail::FirstMember<typename Schema::touch_members>::value;
        Writer sql;
        sql.text("UPDATE ").name(Schema::table).text(" SET ").template column<Entity, touched>().text(" = ").parameter(1);
        sql.text(" WHERE ").template matches<Entity>(members<0>{}, 2);
        sql.text(" AND (").template column<Entity, touched>().text(" < ").parameter(1);
        if constexpr (is_nullable_v<detail::member_t<touched>>) sql.text(" OR ").template column<Entity, touched>().text(" IS NULL");
        sql.text(")");
        if constexpr (Schema::has_revoked) sql.text(" AND ").template columns<Entity>(typename Schema::revoked_members{}).text(" IS NULL");
        return sql.take();
    }

    /// Parameters: the values of `Members`, then the group's key. Revokes the group's valid rows; answers primary key and
    /// version of each.
    template <std::size_t Group, auto... Members>
    static std::string revoke_all()
        requires(Schema::has_revoked)
    {
        Writer sql;
        sql.text("UPDATE ").name(Schema::table).text(" SET ");
        sql.each(detail::MemberList<Members...>{}, ", ",
                 [&]<auto Member>(std::size_t index) { sql.template column<Entity, Member>().text(" = ").parameter(index + 1); });
        if constexpr (Schema::has_version) {
            sql.text(", ");
            move_version(sql);
        }
        sql.text(" WHERE ").template matches<Entity>(members<Group>{}, sizeof...(Members) + 1);
        sql.text(" AND ").template columns<Entity>(typename Schema::revoked_members{}).text(" IS NULL RETURNING ");
        sql.template columns<Entity>(members<0>{}).text(", ");
        version_column(sql);
        return sql.take();
    }

    /// Parameters: the group's key. Answers: its epoch; no row before the first group operation.
    template <std::size_t Group>
    static std::string select_epoch() {
        Writer sql;
        sql.text("SELECT larder_epoch FROM ").name(epochs_table<Group>()).text(" WHERE ");
        return sql.template matches<Entity>(members<Group>{}, 1).take();
    }

    /// Parameters: the group's key. Answers: its new epoch.
    template <std::size_t Group>
    static std::string move_epoch() {
        Writer sql;
        sql.text("INSERT INTO ").name(epochs_table<Group>()).text(" (").template columns<Entity>(members<Group>{}).text(", larder_epoch) VALUES (");
        sql.parameters(1, members<Group>::size).text(", 1) ON CONFLICT (").template columns<Entity>(members<Group>{}).text(") DO UPDATE SET larder_epoch = ");
        return sql.name(epochs_table<Group>()).text(".larder_epoch + 1 RETURNING larder_epoch").take();
    }

    /// No parameters. Answers: the database's clock.
    static std::string select_clock() { return "SELECT " + std::string(Dialect::clock); }

    /// The statements that make what is missing of the entity's tables and indices, its graves and epochs included. The
    /// tables of embedded entities are to be made before.
    static std::vector<std::string> create() {
        std::vector<std::string> statements;
        statements.push_back(create_table());
        [&]<std::size_t... Space>(std::index_sequence<Space...>) { (statements.push_back(create_index<Space + 1>()), ...); }(
            std::make_index_sequence<Schema::space_count - 1>{});
        detail::for_each_embed<Entity>([&]<std::size_t Embed>() {
            using ForeignKey = typename detail::relation_t<Entity, Embed>::ForeignKey;
            if constexpr (!boost::mp11::mp_contains<typename Schema::spaces, ForeignKey>::value) statements.push_back(create_index_on(ForeignKey{}, "embed", false));
        });
        if constexpr (Schema::is_reusable && Schema::has_version) statements.push_back(create_side_table(graves_table(), members<0>{}, "larder_version"));
        if constexpr (Schema::has_revoked)
            [&]<std::size_t... Group>(std::index_sequence<Group...>) {
                (statements.push_back(create_side_table(epochs_table<Schema::alias_end + Group>(), members<Schema::alias_end + Group>{}, "larder_epoch")), ...);
            }(std::make_index_sequence<Schema::group_count>{});
        return statements;
    }

private:
    template <auto... Members>
    static std::string joined_name(std::string name, detail::MemberList<Members...>) {
        ((name += '_', name += detail::Column<Entity, Members>::name()), ...);
        return name;
    }

    static void version_column(Writer& sql) {
        if constexpr (Schema::has_version)
            sql.template columns<Entity>(typename Schema::version_members{});
        else
            sql.text("0");
    }

    /// The table and the columns that an INSERT gives values; false if there are none.
    template <bool WithKey>
    static bool insert_into(Writer& sql) {
        using Given = detail::insert_members_t<Entity, WithKey>;
        sql.text("INSERT INTO ").name(Schema::table);
        if constexpr (Given::size == 0 && !Schema::has_version) return false;
        sql.text(" (").template columns<Entity>(detail::join_members_t<Given, typename Schema::version_members>{}).text(")");
        if constexpr (WithKey && Schema::is_generated) sql.text(Dialect::given_key);
        return true;
    }

    /// Those values: parameters, and the row's first version.
    template <bool WithKey>
    static void insert_values(Writer& sql) {
        using Given = detail::insert_members_t<Entity, WithKey>;
        sql.parameters(1, Given::size);
        if constexpr (Schema::has_version) {
            if constexpr (Given::size != 0) sql.text(", ");
            if constexpr (Schema::is_reusable) {
                sql.text("coalesce((SELECT larder_version FROM ").name(graves_table()).text(" WHERE ");
                sql.each(members<0>{}, " AND ", [&]<auto Member>(std::size_t) {
                    sql.template column<Entity, Member>().text(" = ").parameter(detail::position_in<Member>(Given{}) + 1);
                });
                sql.text("), 0) + 1");
            } else {
                sql.text("1");
            }
        }
    }

    static void move_version(Writer& sql) {
        sql.template columns<Entity>(typename Schema::version_members{}).text(" = ").template columns<Entity>(typename Schema::version_members{}).text(" + 1");
    }

    static void select_list(Writer& sql) {
        std::size_t alias = 0;
        select_columns<Entity>(sql, alias);
    }

    static std::string alias_name(std::size_t alias) { return "t" + std::to_string(alias); }

    template <entity Row>
    static void select_columns(Writer& sql, std::size_t& alias) {
        sql.template columns<Row>(detail::column_members_t<Row>{}, alias_name(alias));
        detail::for_each_embed<Row>([&]<std::size_t Embed>() {
            ++alias;
            sql.text(", ");
            select_columns<typename detail::relation_t<Row, Embed>::Child>(sql, alias);
        });
    }

    static void joined_tables(Writer& sql) {
        sql.name(Schema::table).text(" AS t0");
        std::size_t alias = 0;
        joins<Entity>(sql, alias);
    }

    template <entity Row>
    static void joins(Writer& sql, std::size_t& alias) {
        const std::string parent = alias_name(alias);
        detail::for_each_embed<Row>([&]<std::size_t Embed>() {
            using Relation = detail::relation_t<Row, Embed>;
            using Child = typename Relation::Child;
            const std::string child = alias_name(++alias);
            sql.text(" LEFT JOIN ").name(schema_of<Child>::table).text(" AS ").text(child).text(" ON ");
            [&]<auto... Keys, auto... Foreign>(detail::MemberList<Keys...>, detail::MemberList<Foreign...>) {
                std::size_t index = 0;
                ((sql.text(index++ == 0 ? "" : " AND ").template column<Child, Keys>(child).text(" = ").template column<Row, Foreign>(parent)), ...);
            }(typename Relation::ChildKey{}, typename Relation::ForeignKey{});
            joins<Child>(sql, alias);
        });
    }

    template <auto... Members>
    static std::string list_where(detail::MemberList<Members...> list) {
        Writer sql;
        sql.text("SELECT ").template columns<Entity>(members<0>{}).text(", ");
        version_column(sql);
        return sql.text(" FROM ").name(Schema::table).text(" WHERE ").template matches<Entity>(list, 1).take();
    }

    /// The expected version and the deadline, as parameters after the first `given` ones.
    template <bool Deadline>
    static void conditions(Writer& sql, std::size_t given) {
        if constexpr (Schema::has_version) sql.text(" AND ").template matches<Entity>(typename Schema::version_members{}, given + 1);
        if constexpr (Deadline)
            sql.text(" AND ").text(Dialect::clock).text(" + ").text(std::to_string(Dialect::clock_grain)).text(" <= ").parameter(given + (Schema::has_version ? 2 : 1));
    }

    /// That the row which a foreign key among the parameters `Given` names is there.
    template <std::size_t Embed, class Given>
    static void related_exists(Writer& sql) {
        using Relation = detail::relation_t<Entity, Embed>;
        using Child = typename Relation::Child;
        sql.text(" AND EXISTS (SELECT 1 FROM ").name(schema_of<Child>::table).text(" AS c WHERE ");
        [&]<auto... Keys, auto... Foreign>(detail::MemberList<Keys...>, detail::MemberList<Foreign...>) {
            std::size_t index = 0;
            ((sql.text(index++ == 0 ? "" : " AND ").template column<Child, Keys>("c").text(" = ").parameter(detail::position_in<Foreign>(Given{}) + 1)), ...);
        }(typename Relation::ChildKey{}, typename Relation::ForeignKey{});
        sql.text(")");
    }

    static std::string create_table() {
        constexpr bool generated = Schema::is_generated;
        Writer sql;
        sql.text("CREATE TABLE IF NOT EXISTS ").name(Schema::table).text(" (");
        sql.each(detail::column_members_t<Entity>{}, ", ", [&]<auto Member>(std::size_t) {
            using Value = detail::member_t<Member>;
            sql.template column<Entity, Member>().text(" ");
            if constexpr (generated && detail::contains_v<Member, members<0>>)
                sql.text(Dialect::template generated_key<Value>());
            else
                sql.text(Dialect::template column_type<bare_value_t<Value>>()).text(is_nullable_v<Value> ? "" : " NOT NULL");
        });
        if (!generated) sql.text(", PRIMARY KEY (").template columns<Entity>(members<0>{}).text(")");
        detail::for_each_embed<Entity>([&]<std::size_t Embed>() {
            using Relation = detail::relation_t<Entity, Embed>;
            using Child = typename Relation::Child;
            if constexpr (Relation::enforced) {
                sql.text(", FOREIGN KEY (").template columns<Entity>(typename Relation::ForeignKey{}).text(") REFERENCES ").name(schema_of<Child>::table);
                sql.text(" (").template columns<Child>(typename Relation::ChildKey{}).text(")");
            }
        });
        return sql.text(")").take();
    }

    template <std::size_t Space>
    static std::string create_index() {
        return create_index_on(members<Space>{}, Space < Schema::alias_end ? "unique" : "group", Space < Schema::alias_end);
    }

    template <auto... Members>
    static std::string create_index_on(detail::MemberList<Members...> list, std::string_view kind, bool unique) {
        Writer sql;
        sql.text(unique ? "CREATE UNIQUE INDEX IF NOT EXISTS " : "CREATE INDEX IF NOT EXISTS ");
        sql.name(joined_name(std::string(Schema::table) + "_" + std::string(kind), list)).text(" ON ").name(Schema::table);
        return sql.text(" (").template columns<Entity>(list).text(")").take();
    }

    template <auto... Members>
    static std::string create_side_table(const std::string& table, detail::MemberList<Members...> key, std::string_view number) {
        Writer sql;
        sql.text("CREATE TABLE IF NOT EXISTS ").name(table).text(" (").each(key, ", ", [&]<auto Member>(std::size_t) {
            sql.template column<Entity, Member>().text(" ").text(Dialect::template column_type<bare_value_t<detail::member_t<Member>>>()).text(" NOT NULL");
        });
        sql.text(", ").text(number).text(" ").text(Dialect::template column_type<Version>()).text(" NOT NULL, PRIMARY KEY (").template columns<Entity>(key);
        return sql.text("))").take();
    }
};

} // namespace v0
} // namespace larder
