// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/database.hpp>
#include <larder/database/detail/columns.hpp>
#include <larder/database/detail/refusal.hpp>
#include <larder/database/detail/relation.hpp>
#include <larder/database/detail/sql_row.hpp>
#include <larder/database/detail/sqlite_dialect.hpp>
#include <larder/database/detail/sqlite_query.hpp>
#include <larder/database/detail/stored_order.hpp>
#include <larder/database/sql.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {

/// The operations on the rows of one entity over a connection that the caller holds, without locks or transactions of
/// their own. Those that write expect a transaction, so that what they refuse leaves no trace once it is rolled back.
template <entity Entity>
class SqliteRows {
    using Schema = schema_of<Entity>;
    using Statements = Sql<SqliteDialect, Entity>;
    using Refused = Refusal<Entity>;
    using Primary = primary_key_t<Entity>;
    template <std::size_t Space>
    using members = space_members_t<Entity, Space>;
    template <std::size_t Embed>
    using foreign_key = typename relation_t<Entity, Embed>::ForeignKey;

    static_assert(std::is_default_constructible_v<Entity>, "larder: a database makes rows, so the entity needs a default constructor");

public:
    /// Keys of one look-up at the most; more are several look-ups.
    static constexpr std::size_t most_keys = 1024;

    template <std::size_t Space>
    static Outcome<std::optional<Entity>> load_by(SqliteConnection& connection, const space_key_t<Entity, Space>& key) {
        auto query = run_of<&Statements::template select_by<Space>>(connection);
        query.template bind_key<Entity>(key, members<Space>{});
        return one_row(query);
    }

    static Outcome<std::vector<std::optional<Entity>>> load_many(SqliteConnection& connection, std::span<const Primary> keys) {
        std::vector<std::optional<Entity>> rows(keys.size());
        for (std::size_t from = 0; from < keys.size(); from += most_keys)
            if (auto failed = load_some(connection, keys.subspan(from, std::min(most_keys, keys.size() - from)), rows.data() + from)) return failed;
        return rows;
    }

    template <std::size_t Group>
    static Outcome<std::vector<RowVersion<Entity>>> list(SqliteConnection& connection, const space_key_t<Entity, Group>& key) {
        auto query = run_of<&Statements::template list<Group>>(connection);
        query.template bind_key<Entity>(key, members<Group>{});
        return versions(query);
    }

    template <std::size_t Embed, class ChildKey>
    static Outcome<std::vector<RowVersion<Entity>>> parents_of(SqliteConnection& connection, const ChildKey& child) {
        auto query = run_of<&Statements::template list_parents<Embed>>(connection);
        query.template bind_key<Entity>(child, foreign_key<Embed>{});
        return versions(query);
    }

    template <auto Member>
    static Outcome<std::vector<RowVersion<Entity>>> list_due(SqliteConnection& connection, bare_value_t<member_t<Member>> moment, std::int64_t most) {
        auto query = run_of<&Statements::template list_due<Member>>(connection);
        query.bind(moment);
        query.bind(most);
        return versions(query);
    }

    static Outcome<std::optional<Version>> load_version(SqliteConnection& connection, const Primary& key) {
        auto query = run_of<&Statements::select_version>(connection);
        query.template bind_key<Entity>(key, members<0>{});
        std::optional<Version> version;
        if (query.step())
            if (const Cell cell = query.read(0, version.emplace()); cell != Cell::read)
                return wrong_cell<Entity, FirstMember<typename Schema::version_members>::value>(cell);
        return finished(query, version);
    }

    template <std::size_t Group>
    static Outcome<std::uint64_t> load_epoch(SqliteConnection& connection, const space_key_t<Entity, Group>& key) {
        auto query = run_of<&Statements::template select_epoch<Group>>(connection);
        query.template bind_key<Entity>(key, members<Group>{});
        std::uint64_t epoch = 0;
        if (query.step()) query.read(0, epoch);
        return finished(query, epoch);
    }

    static Outcome<Entity> insert(SqliteConnection& connection, const Entity& given) {
        if constexpr (Schema::is_generated)
            if (given.*FirstMember<members<0>>::value == 0) return insert_as<false>(connection, given);
        return insert_as<true>(connection, given);
    }

    static Outcome<Version> update(SqliteConnection& connection, const Entity& row, Version expected, const WriteCondition& condition) {
        return condition.not_after ? update_if<true>(connection, row, expected, condition) : update_if<false>(connection, row, expected, condition);
    }

    static Outcome<Version> erase(SqliteConnection& connection, const Primary& key, Version expected, const WriteCondition& condition) {
        return condition.not_after ? erase_if<true>(connection, key, expected, condition) : erase_if<false>(connection, key, expected, condition);
    }

    template <std::size_t Group, auto... Members>
    static Outcome<std::vector<RowVersion<Entity>>> revoke_all(SqliteConnection& connection, const space_key_t<Entity, Group>& key, const Entity& pattern,
                                                               MemberList<Members...> list) {
        if (!Schema::is_revoked(pattern)) return Refused::not_revoking();
        auto query = run_of<&Statements::template revoke_all<Group, Members...>>(connection);
        query.bind_members(pattern, list);
        query.template bind_key<Entity>(key, members<Group>{});
        auto rows = versions(query);
        if (query.error()) return refusal_of(connection, query, pattern);
        return rows;
    }

    template <std::size_t Group>
    static Outcome<std::uint64_t> move_epoch(SqliteConnection& connection, const space_key_t<Entity, Group>& key) {
        auto query = run_of<&Statements::template move_epoch<Group>>(connection);
        query.template bind_key<Entity>(key, members<Group>{});
        std::uint64_t epoch = 0;
        if (query.step()) query.read(0, epoch);
        finish(query);
        return finished(query, epoch);
    }

    static Outcome<bool> touch(SqliteConnection& connection, const Primary& key, WallTime moment) {
        using Moment = bare_value_t<member_t<FirstMember<typename Schema::touch_members>::value>>;
        auto query = run_of<&Statements::touch>(connection);
        query.bind(std::chrono::floor<typename Moment::duration>(moment));
        query.template bind_key<Entity>(key, members<0>{});
        finish(query);
        return finished(query, query.changes() != 0);
    }

    static Outcome<DatabaseTime> clock(SqliteConnection& connection) {
        auto query = run_of<&Statements::select_clock>(connection);
        DatabaseTime moment{};
        if (query.step()) query.read(0, moment);
        return finished(query, moment);
    }

private:
    /// Runs a statement to its end, so that its last checks are made.
    static void finish(SqliteQuery& query) {
        while (query.step()) {}
    }

    template <class T>
    static Outcome<T> finished(SqliteQuery& query, T value) {
        if (query.error()) return std::move(query.error());
        return value;
    }

    static Outcome<std::optional<Entity>> one_row(SqliteQuery& query) {
        Outcome<std::optional<Entity>> answer(boost::system::in_place_value, std::in_place);
        if (query.step()) {
            if (auto wrong = read_joined(query, 0, **answer)) answer = std::move(wrong);
        } else if (query.error()) {
            answer = std::move(query.error());
        } else {
            answer->reset();
        }
        return answer;
    }

    static Outcome<std::vector<RowVersion<Entity>>> versions(SqliteQuery& query) {
        std::vector<RowVersion<Entity>> rows;
        while (query.step()) {
            RowVersion<Entity> row;
            if (auto wrong = read_key<Entity>(query, 0, members<0>{}, row.key)) return wrong;
            const Cell cell = query.read(static_cast<int>(members<0>::size), row.version);
            if constexpr (Schema::has_version)
                if (cell != Cell::read) return wrong_cell<Entity, FirstMember<typename Schema::version_members>::value>(cell);
            rows.push_back(std::move(row));
        }
        if (query.error()) return query.error();
        // The column's own order may be another, such as one that ignores case.
        std::sort(rows.begin(), rows.end(), [](const auto& left, const auto& right) { return StoredLess{}(left.key, right.key); });
        return rows;
    }

    // ---- many keys --------------------------------------------------------------------------------------------------

    /// Statements take 1, 2, 4 ... keys, so that a few prepared ones serve any number; the rest of the keys stay null.
    static constexpr std::size_t size_classes = 11;
    static_assert(std::size_t{1} << (size_classes - 1) == most_keys);

    template <std::size_t Class>
    static std::string select_class() { return Statements::select_many(std::size_t{1} << Class); }

    static Error load_some(SqliteConnection& connection, std::span<const Primary> keys, std::optional<Entity>* rows) {
        using Load = Error (*)(SqliteConnection&, std::span<const Primary>, std::optional<Entity>*);
        static constexpr auto loads = []<std::size_t... Class>(std::index_sequence<Class...>) {
            return std::array<Load, size_classes>{&load_class<Class>...};
        }(std::make_index_sequence<size_classes>{});
        std::size_t size_class = 0;
        while (std::size_t{1} << size_class < keys.size()) ++size_class;
        return loads[size_class](connection, keys, rows);
    }

    template <std::size_t Class>
    static Error load_class(SqliteConnection& connection, std::span<const Primary> keys, std::optional<Entity>* rows) {
        auto query = run_of<&select_class<Class>>(connection);
        for (const auto& key : keys) query.template bind_key<Entity>(key, members<0>{});
        query.bind_nulls(((std::size_t{1} << Class) - keys.size()) * members<0>::size);
        while (query.step()) {
            std::int64_t position = 0;
            query.read(0, position);
            if (auto wrong = read_joined(query, 1, rows[position].emplace())) return wrong;
        }
        return std::move(query.error());
    }

    // ---- writes -----------------------------------------------------------------------------------------------------

    template <bool WithKey>
    static Outcome<Entity> insert_as(SqliteConnection& connection, const Entity& given) {
        Primary key{};
        {
            auto query = run_of<&Statements::template insert<WithKey>>(connection);
            query.bind_members(given, insert_members_t<Entity, WithKey>{});
            if constexpr (!Schema::has_embeds) {
                Outcome<Entity> answer(boost::system::in_place_value);
                if (query.step())
                    if (auto wrong = read_members(query, 0, *answer, column_members_t<Entity>{})) return wrong;
                finish(query);
                if (query.error()) return refusal_of(connection, query, given);
                return answer;
            }
            if (query.step())
                if (auto wrong = read_key<Entity>(query, 0, members<0>{}, key)) return wrong;
            finish(query);
            if (query.error()) return refusal_of(connection, query, given);
        }
        auto stored = load_by<0>(connection, key);
        if (!stored) return std::move(stored).error();
        if (!*stored) return Refused::no_such_row();
        return std::move(**stored);
    }

    template <bool Deadline>
    static Outcome<Version> update_if(SqliteConnection& connection, const Entity& row, Version expected, const WriteCondition& condition) {
        constexpr bool has_other_indices = Schema::space_count > 1 || Schema::has_embeds;
        Outcome<bool> done = has_other_indices ? update_once<Deadline, true>(connection, row, expected, condition) : Outcome<bool>(false);
        if (done && !*done) done = update_once<Deadline, false>(connection, row, expected, condition);
        if (!done) return std::move(done).error();
        if (*done) return next_version(expected);
        if (auto why = unchanged(connection, primary_key_of(row), expected, condition, true)) return why;
        if (auto missing = missing_relation(connection, row, false)) return missing;
        return Refused::deadline_passed();
    }

    /// Whether the row was changed.
    template <bool Deadline, bool SameKeys>
    static Outcome<bool> update_once(SqliteConnection& connection, const Entity& row, Version expected, const WriteCondition& condition) {
        auto query = run_of<&Statements::template update<Deadline, SameKeys>>(connection);
        query.bind_members(row, update_members_t<Entity>{});
        if constexpr (Schema::has_version) query.bind(expected);
        if constexpr (Deadline) query.bind(*condition.not_after);
        finish(query);
        if (query.error()) return refusal_of(connection, query, row);
        return query.changes() != 0;
    }

    template <bool Deadline>
    static Outcome<Version> erase_if(SqliteConnection& connection, const Primary& key, Version expected, const WriteCondition& condition) {
        {
            auto query = run_of<&Statements::template erase<Deadline>>(connection);
            query.template bind_key<Entity>(key, members<0>{});
            if constexpr (Schema::has_version) query.bind(expected);
            if constexpr (Deadline) query.bind(*condition.not_after);
            finish(query);
            if (query.code() == SQLITE_CONSTRAINT_FOREIGNKEY) return Refused::referred_to();
            if (query.error()) return std::move(query.error());
            if (query.changes() != 0) return buried(connection, key, next_version(expected));
        }
        if (auto why = unchanged(connection, key, expected, condition, false)) return why;
        return Refused::deadline_passed();
    }

    static constexpr Version next_version(Version expected) noexcept { return Schema::has_version ? expected + 1 : 0; }

    /// Keeps the version of a tombstone where the key may come back.
    static Outcome<Version> buried(SqliteConnection& connection, const Primary& key, Version tombstone) {
        if constexpr (Schema::is_reusable && Schema::has_version) {
            auto query = run_of<&Statements::bury>(connection);
            query.template bind_key<Entity>(key, members<0>{});
            query.bind(tombstone);
            finish(query);
            if (query.error()) return std::move(query.error());
        }
        return tombstone;
    }

    /// Why a conditional statement changed no row, as far as the row and the clock tell.
    static Error unchanged(SqliteConnection& connection, const Primary& key, Version expected, const WriteCondition& condition, bool refuses_revoked) {
        auto query = run_of<&Statements::select_state>(connection);
        query.template bind_key<Entity>(key, members<0>{});
        if (!query.step()) return query.error() ? std::move(query.error()) : Refused::no_such_row();
        Version version = 0;
        bool revoked = false;
        query.read(0, version);
        query.read(1, revoked);
        if (refuses_revoked && revoked) return Refused::revoked();
        if (Schema::has_version && version != expected) return Refused::version_conflict();
        if (condition.not_after) {
            const auto now = clock(connection);
            if (!now) return now.error();
            if (*now + std::chrono::microseconds(SqliteDialect::clock_grain) > *condition.not_after) return Refused::deadline_passed();
        }
        return {};
    }

    /// Which row that a written row refers to does not exist; no error if all do.
    static Error missing_relation(SqliteConnection& connection, const Entity& row, bool optional_ones) {
        Error missing;
        all_of_embeds<Entity>([&]<std::size_t Embed>() {
            using Relation = relation_t<Entity, Embed>;
            if (Relation::optional && !(optional_ones && Relation::enforced)) return true;
            const auto child = Relation::key_of(row);
            if (!child) {
                if (!Relation::optional) missing = Refused::template missing_relation<Relation::Taken::member>();
                return !missing;
            }
            auto query = run_of<&Statements::template select_related<Embed>>(connection);
            query.template bind_key<typename Relation::Child>(*child, typename Relation::ChildKey{});
            if (!query.step()) missing = query.error() ? std::move(query.error()) : Refused::template missing_relation<Relation::Taken::member>();
            return !missing;
        });
        return missing;
    }

    /// What a write that SQLite refused means for this entity.
    static Error refusal_of(SqliteConnection& connection, SqliteQuery& query, const Entity& row) {
        switch (query.code()) {
        case SQLITE_CONSTRAINT_UNIQUE:
        case SQLITE_CONSTRAINT_PRIMARYKEY:
        case SQLITE_CONSTRAINT_ROWID: return duplicate_key(query.error().text);
        case SQLITE_CONSTRAINT_NOTNULL: query.error().code = make_error_code(errc::schema_mismatch); break;
        case SQLITE_CONSTRAINT_FOREIGNKEY: {
            auto missing = missing_relation(connection, row, true);
            return missing ? missing : Error(errc::missing_relation, Refused::table() + ": a foreign key names a row that does not exist");
        }
        default: break;
        }
        return std::move(query.error());
    }

    /// Finds the key space whose columns SQLite names, in any order.
    static Error duplicate_key(std::string_view said) {
        constexpr std::string_view opening = "UNIQUE constraint failed: ";
        const auto at = said.find(opening);
        std::vector<std::string> columns;
        if (at != std::string_view::npos)
            for (std::size_t from = at + opening.size(); from < said.size();) {
                const auto end = std::min(said.find(", ", from), said.size());
                columns.emplace_back(said.substr(from, end - from));
                from = end + 2;
            }
        std::sort(columns.begin(), columns.end());
        Error named;
        [&]<std::size_t... Space>(std::index_sequence<Space...>) {
            (void)((columns == column_names(members<Space>{}) && (named = Refused::template duplicate_key<Space>(), true)) || ...);
        }(std::make_index_sequence<Schema::alias_end>{});
        if (named) return named;
        return {errc::duplicate_key, Refused::table() + ": a unique key that the schema does not name already belongs to another row (" + std::string(said.substr(std::min(at, said.size()))) + ")"};
    }

    template <auto... Members>
    static std::vector<std::string> column_names(MemberList<Members...>) {
        std::vector<std::string> names{(Refused::table() + "." + std::string(Column<Entity, Members>::name()))...};
        std::sort(names.begin(), names.end());
        return names;
    }
};

} // namespace detail
} // namespace v0
} // namespace larder
