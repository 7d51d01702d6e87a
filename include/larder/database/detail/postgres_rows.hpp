// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/database.hpp>
#include <larder/database/detail/columns.hpp>
#include <larder/database/detail/postgres_call.hpp>
#include <larder/database/detail/postgres_failure.hpp>
#include <larder/database/detail/postgres_result.hpp>
#include <larder/database/detail/postgres_sql.hpp>
#include <larder/database/detail/refusal.hpp>
#include <larder/database/detail/relation.hpp>
#include <larder/database/detail/sql_row.hpp>
#include <larder/database/detail/stored_order.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {

/// The requests of one entity, and what their answers mean.
template <entity Entity>
class PostgresRows {
    using Schema = schema_of<Entity>;
    using Statements = PostgresSql<Entity>;
    using Refused = Refusal<Entity>;
    using Primary = primary_key_t<Entity>;
    using Results = std::vector<PostgresResult>;
    template <std::size_t Space>
    using members = space_members_t<Entity, Space>;

    static_assert(std::is_default_constructible_v<Entity>, "larder: a database makes rows, so the entity needs a default constructor");

public:
    /// Whether a row may have this key at all: one with a text that the server does not keep leads to none, and nobody is asked for it.
    static bool may_be_there(const auto& key) {
        const auto part = []<class Part>(const Part& value) {
            if constexpr (postgres_form_v<bare_value_t<Part>> == PostgresForm::text) {
                if (is_null(value)) return true;
                const std::string_view text = value_traits<bare_value_t<Part>>::to(bare(value));
                return is_utf8_text(text);
            } else {
                static_cast<void>(value);
                return true;
            }
        };
        if constexpr (is_tuple_v<std::remove_cvref_t<decltype(key)>>)
            return std::apply([&](const auto&... parts) { return (part(parts) && ...); }, key);
        else
            return part(key);
    }

    // ---- requests ---------------------------------------------------------------------------------------------------

    template <std::size_t Space>
    static PostgresRequest load_by(std::size_t bound, const space_key_t<Entity, Space>& key, ReadMode mode) {
        PostgresRequest request(bound);
        if (mode == ReadMode::settled) {
            if constexpr (Space == 0)
                if constexpr (locks_keys) request.step<&Statements::shared_key_lock>().bind(lock_number(key));
            request.template step<&Statements::template share_lock<Space>>().template key<Entity>(key, members<Space>{}).locks();
        }
        request.template step<&Statements::template select_by<Space>>().template key<Entity>(key, members<Space>{});
        return request;
    }

    static PostgresRequest load_many(std::size_t bound, std::span<const Primary> keys, ReadMode mode) {
        PostgresRequest request(bound);
        if (mode == ReadMode::settled) request.step<&Statements::share_lock_keys>().template keys<Entity>(keys, members<0>{}).locks();
        request.step<&Statements::select_keys>().template keys<Entity>(keys, members<0>{});
        return request;
    }

    template <std::size_t Group>
    static PostgresRequest list(std::size_t bound, const space_key_t<Entity, Group>& key) {
        PostgresRequest request(bound);
        request.template step<&Statements::template list<Group>>().template key<Entity>(key, members<Group>{});
        return request;
    }

    template <std::size_t Embed, class ChildKey>
    static PostgresRequest parents_of(std::size_t bound, const ChildKey& child) {
        PostgresRequest request(bound);
        request.template step<&Statements::template list_parents<Embed>>().template key<Entity>(child, typename relation_t<Entity, Embed>::ForeignKey{});
        return request;
    }

    template <auto Member>
    static PostgresRequest list_due(std::size_t bound, bare_value_t<member_t<Member>> moment, std::int64_t most) {
        PostgresRequest request(bound);
        request.template step<&Statements::template list_due<Member>>().bind(moment).bind(most);
        return request;
    }

    static PostgresRequest load_version(std::size_t bound, const Primary& key) {
        PostgresRequest request(bound);
        request.step<&Statements::select_version>().template key<Entity>(key, members<0>{});
        return request;
    }

    template <std::size_t Group>
    static PostgresRequest load_epoch(std::size_t bound, const space_key_t<Entity, Group>& key) {
        PostgresRequest request(bound);
        request.template step<&Statements::template select_epoch<Group>>().template key<Entity>(key, members<Group>{});
        return request;
    }

    static PostgresRequest clock(std::size_t bound) {
        PostgresRequest request(bound);
        request.step<&Statements::select_clock>();
        return request;
    }

    static PostgresRequest insert(std::size_t bound, const Entity& row) {
        PostgresRequest request(bound);
        request.writes();
        if constexpr (Schema::is_generated) {
            const auto& key = row.*FirstMember<members<0>>::value;
            if (key == 0) {
                add_insert<false>(request, row);
            } else {
                request.step<&Statements::lock_table>();
                request.step<&Statements::move_generator>().bind(static_cast<std::int64_t>(key));
                add_insert<true>(request, row);
            }
        } else {
            request.step<&Statements::key_lock>().bind(lock_number(primary_key_of(row)));
            add_insert<true>(request, row);
        }
        return request;
    }

    static PostgresRequest update(std::size_t bound, const Entity& row, Version expected, const WriteCondition& condition) {
        PostgresRequest request(bound);
        request.writes().step<&Statements::lock_to_update>().template key<Entity>(primary_key_of(row), members<0>{});
        if (condition.not_after)
            request.template step<&Statements::template update<true>>();
        else
            request.template step<&Statements::template update<false>>();
        request.template members<Entity>(row, update_members_t<Entity>{});
        add_conditions(request, expected, condition);
        return request;
    }

    static PostgresRequest erase(std::size_t bound, const Primary& key, Version expected, const WriteCondition& condition) {
        PostgresRequest request(bound);
        request.writes();
        if constexpr (locks_keys && Schema::has_version) request.step<&Statements::key_lock>().bind(lock_number(key));
        request.step<&Statements::lock_to_erase>().template key<Entity>(key, members<0>{});
        add_erase(request, condition.not_after.has_value());
        request.template key<Entity>(key, members<0>{});
        add_conditions(request, expected, condition);
        return request;
    }

    template <std::size_t Group, auto... Members>
    static PostgresRequest revoke_all(std::size_t bound, const space_key_t<Entity, Group>& key, const Entity& pattern, MemberList<Members...> list, bool epochs) {
        PostgresRequest request(bound);
        request.writes().template step<&Statements::template revoke_all<Group, Members...>>().template members<Entity>(pattern, list).template key<Entity>(key, members<Group>{});
        if (epochs) request.template step<&Statements::template move_epoch<Group>>().template key<Entity>(key, members<Group>{});
        return request;
    }

    static PostgresRequest touch(std::size_t bound, const Primary& key, WallTime moment) {
        using Moment = bare_value_t<member_t<FirstMember<typename Schema::touch_members>::value>>;
        PostgresRequest request(bound);
        request.writes().step<&Statements::touch>().bind(std::chrono::floor<typename Moment::duration>(moment)).template key<Entity>(key, members<0>{});
        return request;
    }

    /// The keys of the rows that a row embeds: what is left to look for when it is refused for a reason that the answer does not tell.
    template <std::size_t... Embed>
    static auto related_keys(const Entity& row, std::index_sequence<Embed...>) {
        return std::make_tuple(relation_t<Entity, Embed>::key_of(row)...);
    }
    static auto related_keys(const Entity& row) { return related_keys(row, std::make_index_sequence<embed_count_v<Entity>>{}); }
    using RelatedKeys = decltype(related_keys(std::declval<const Entity&>()));

    /// Asks for the database's clock and whether those rows exist.
    static PostgresRequest look_for(std::size_t bound, const RelatedKeys& keys) {
        PostgresRequest request = clock(bound);
        for_each_embed<Entity>([&]<std::size_t Embed>() {
            using Relation = relation_t<Entity, Embed>;
            if constexpr (!Relation::optional)
                if (const auto& key = std::get<Embed>(keys)) request.template step<&Statements::template select_related<Embed>>().template key<typename Relation::Child>(*key, typename Relation::ChildKey{});
        });
        return request;
    }

    // ---- answers ----------------------------------------------------------------------------------------------------

    /// What it means that the answer to a write cannot be read: in a transaction, which then fails, what is wrong with it; else the write has committed, so
    /// that nobody must take it for undone.
    static Error unreadable(Error wrong, bool in_transaction) {
        if (in_transaction) return wrong;
        return {errc::outcome_unknown, wrong.text + ": what was written cannot be read back"};
    }

    static Outcome<std::optional<Entity>> one_row(const Results& results) {
        Outcome<std::optional<Entity>> answer(boost::system::in_place_value);
        const auto& result = results.back();
        if (PQntuples(result.get()) == 0) return answer;
        if (auto wrong = read_joined(PostgresRow(result.get(), 0), 0, answer->emplace())) answer = std::move(wrong);
        return answer;
    }

    static Outcome<std::vector<std::optional<Entity>>> many_rows(const Results& results, std::size_t count) {
        std::vector<std::optional<Entity>> rows(count);
        const auto& result = results.back();
        for (int i = 0; i < PQntuples(result.get()); ++i) {
            const PostgresRow row(result.get(), i);
            std::int64_t position = 0;
            row.read(0, position);
            if (auto wrong = read_joined(row, 1, rows[static_cast<std::size_t>(position)].emplace())) return wrong;
        }
        return rows;
    }

    /// Keys and versions, in the order of the keys.
    static Outcome<std::vector<RowVersion<Entity>>> versions(const PostgresResult& result) {
        std::vector<RowVersion<Entity>> rows(static_cast<std::size_t>(PQntuples(result.get())));
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const PostgresRow row(result.get(), static_cast<int>(i));
            if (auto wrong = read_key<Entity>(row, 0, members<0>{}, rows[i].key)) return wrong;
            if constexpr (Schema::has_version)
                if (const Cell cell = row.read(static_cast<int>(members<0>::size), rows[i].version); cell != Cell::read)
                    return wrong_cell<Entity, FirstMember<typename Schema::version_members>::value>(cell);
        }
        std::sort(rows.begin(), rows.end(), [](const auto& left, const auto& right) { return StoredLess{}(left.key, right.key); });
        return rows;
    }

    static Outcome<std::optional<Version>> version(const Results& results) {
        std::optional<Version> found;
        const auto& result = results.back();
        if (PQntuples(result.get()) != 0)
            if (const Cell cell = PostgresRow(result.get(), 0).read(0, found.emplace()); cell != Cell::read)
                return wrong_cell<Entity, FirstMember<typename Schema::version_members>::value>(cell);
        return found;
    }

    /// The first number of an answer; 0 if it has no row.
    static std::int64_t number(const PostgresResult& result) {
        std::int64_t found = 0;
        if (PQntuples(result.get()) != 0) PostgresRow(result.get(), 0).read(0, found);
        return found;
    }

    static DatabaseTime moment(const PostgresResult& result) { return DatabaseTime(std::chrono::microseconds(number(result))); }

    /// Why a conditional write changed no row, as far as the row under its lock tells.
    static Error unchanged(const Results& results, Version expected, bool refuses_revoked) {
        const auto& result = results[results.size() - 2];
        if (PQntuples(result.get()) == 0) return Refused::no_such_row();
        const PostgresRow row(result.get(), 0);
        Version version = 0;
        bool revoked = false;
        if (const Cell cell = row.read(0, version); cell != Cell::read)
            if constexpr (Schema::has_version) return wrong_cell<Entity, FirstMember<typename Schema::version_members>::value>(cell);
        row.read(1, revoked);
        if (refuses_revoked && revoked) return Refused::revoked();
        if (Schema::has_version && version != expected) return Refused::version_conflict();
        return {};
    }

    /// What `look_for` found: a deadline that has passed, or the first row that is missing.
    static Error missing(const Results& results, const RelatedKeys& keys, const WriteCondition& condition) {
        if (condition.not_after && moment(results.front()) > *condition.not_after) return Refused::deadline_passed();
        Error found;
        std::size_t next = 1;
        for_each_embed<Entity>([&]<std::size_t Embed>() {
            using Relation = relation_t<Entity, Embed>;
            if constexpr (!Relation::optional) {
                const bool there = std::get<Embed>(keys) && PQntuples(results[next++].get()) != 0;
                if (!there && !found) found = Refused::template missing_relation<Relation::Taken::member>();
            }
        });
        return found;
    }

    static constexpr Version next_version(Version expected) noexcept { return Schema::has_version ? expected + 1 : 0; }

    /// What a failure means for this entity. \param erases whether the request removes a row.
    static Error error_of(const PostgresFailure& failure, bool is_write, bool erases = false) {
        if (failure.is("23505"))
            if (auto named = duplicate_key(failure)) return named;
        if (failure.is("23503")) {
            if (erases) return Refused::referred_to();
            if (auto named = missing_relation(failure)) return named;
        }
        return detail::error_of(failure, Refused::table(), is_write);
    }

private:
    /// Whether a key may come back, or is made by others than the database: then those who write a row that is not there, and those
    /// who must know that it is not, meet at a lock of the key.
    static constexpr bool locks_keys = !Schema::is_generated;

    template <bool WithKey>
    static void add_insert(PostgresRequest& request, const Entity& row) {
        if constexpr (Schema::has_embeds)
            request.template step<&Statements::template insert_joined<WithKey>>();
        else
            request.template step<&Statements::template insert<WithKey>>();
        request.template members<Entity>(row, insert_members_t<Entity, WithKey>{});
    }

    static void add_erase(PostgresRequest& request, bool deadline) {
        if constexpr (Schema::is_reusable && Schema::has_version) {
            if (deadline)
                request.template step<&Statements::template erase_and_bury<true>>();
            else
                request.template step<&Statements::template erase_and_bury<false>>();
        } else {
            if (deadline)
                request.template step<&Statements::template erase<true>>();
            else
                request.template step<&Statements::template erase<false>>();
        }
    }

    static void add_conditions(PostgresRequest& request, Version expected, const WriteCondition& condition) {
        if constexpr (Schema::has_version) request.bind(expected);
        if (condition.not_after) request.bind(static_cast<std::int64_t>(condition.not_after->time_since_epoch().count()));
    }

    /// A number for a key of the table, the same in every process (the hash FNV-1a of Fowler, Noll and Vo, 64 bits).
    static std::int64_t lock_number(const Primary& key) {
        std::uint64_t hash = 0xcbf29ce484222325ULL;
        const auto mix = [&hash](const void* data, std::size_t size) {
            const auto* bytes = static_cast<const unsigned char*>(data);
            for (std::size_t i = 0; i < size; ++i) hash = (hash ^ bytes[i]) * 0x100000001b3ULL;
        };
        const auto part = [&](const auto& value) {
            std::string bytes;
            put_value(bytes, value, std::string::npos);
            mix(bytes.data(), bytes.size() + 1); // the zero behind it keeps parts apart
        };
        mix(Schema::table.data(), Schema::table.size());
        if constexpr (is_tuple_v<Primary>)
            std::apply([&](const auto&... parts) { (part(parts), ...); }, key);
        else
            part(key);
        return static_cast<std::int64_t>(hash);
    }

    template <auto... Members>
    static bool are_columns(const std::vector<std::string>& names, MemberList<Members...>) {
        return names.size() == sizeof...(Members) && ((std::find(names.begin(), names.end(), Column<Entity, Members>::name()) != names.end()) && ...);
    }

    /// The key space whose columns the server names.
    static Error duplicate_key(const PostgresFailure& failure) {
        Error named;
        [&]<std::size_t... Space>(std::index_sequence<Space...>) {
            (void)((are_columns(failure.key_columns, members<Space>{}) && (named = Refused::template duplicate_key<Space>(), true)) || ...);
        }(std::make_index_sequence<Schema::alias_end>{});
        return named;
    }

    /// The embedded row whose foreign key the server names.
    static Error missing_relation(const PostgresFailure& failure) {
        Error named;
        for_each_embed<Entity>([&]<std::size_t Embed>() {
            using Relation = relation_t<Entity, Embed>;
            if (!named && are_columns(failure.key_columns, typename Relation::ForeignKey{})) named = Refused::template missing_relation<Relation::Taken::member>();
        });
        return named;
    }
};

} // namespace detail
} // namespace v0
} // namespace larder
