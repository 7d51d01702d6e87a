// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/database.hpp>
#include <larder/database/detail/refusal.hpp>
#include <larder/database/detail/stored_order.hpp>
#include <larder/database/memory_tables.hpp>
#include <larder/database/memory_transaction.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {

/// A database of one entity in the process's own memory: the whole contract with nothing behind it, for tests, examples
/// and data that need not survive. Several entities that share `MemoryTables` see each other's rows.
///
/// Every refinement is met. Relations are enforced as the tables of `create_tables` enforce them: a row is refused
/// (`errc::missing_relation`) while the row that it embeds does not exist, and a row that others refer to is not removed.
/// Thread-safe; in a transaction, as that is. A look-up costs O(log rows), `revoke_all` and `list` O(rows of the group), `list_due` O(rows).
template <class Entity>
class MemoryDatabase {
    static_assert(entity<Entity>);
    using Schema = schema_of<Entity>;
    using Table = detail::MemoryTable<Entity>;
    using Refusal = detail::Refusal<Entity>;

public:
    using Config = MemoryTables;

    static constexpr bool conditional_writes = true;
    static constexpr bool never_blocks = true;

    /// Uses the tables of a store, or of one of its own.
    explicit MemoryDatabase(Config tables = {}) : tables_(std::move(tables)) {}

    Outcome<std::optional<Entity>> load(const primary_key_t<Entity>& key, ReadMode) {
        return run(QueryKind::load, [&](Table& table) { return assembled(table.find(key)); });
    }

    template <std::size_t Space>
        requires(Space < Schema::alias_end)
    Outcome<std::optional<Entity>> load_by(const space_key_t<Entity, Space>& key, ReadMode mode) {
        if constexpr (Space == 0) {
            return load(key, mode);
        } else {
            return run(QueryKind::load_by, [&](Table& table) {
                const auto* holders = table.template with_key<Space>(key);
                return assembled(holders ? table.find(*holders->begin()) : nullptr);
            });
        }
    }

    Outcome<std::vector<std::optional<Entity>>> load_many(std::span<const primary_key_t<Entity>> keys, ReadMode) {
        return run(QueryKind::load_many, [&](Table& table) -> Outcome<std::vector<std::optional<Entity>>> {
            std::vector<std::optional<Entity>> rows;
            rows.reserve(keys.size());
            for (const auto& key : keys) {
                auto row = assembled(table.find(key));
                if (!row) return std::move(row).error();
                rows.push_back(std::move(*row));
            }
            return rows;
        });
    }

    template <std::size_t Space>
        requires(Space >= Schema::alias_end && Space < Schema::space_count)
    Outcome<std::vector<RowVersion<Entity>>> list(const space_key_t<Entity, Space>& key) {
        return run(QueryKind::list, [&](Table& table) { return versions(table, table.template with_key<Space>(key)); });
    }

    /// The rows that embed a row of another table, in the member `EmbedMember`; ordered by primary key.
    template <auto EmbedMember>
        requires(detail::embed_index_v<Entity, EmbedMember> < detail::embed_count_v<Entity>)
    Outcome<std::vector<RowVersion<Entity>>> parents_of(const primary_key_t<embedded_t<EmbedMember>>& child) {
        return run(QueryKind::list,
                   [&](Table& table) { return versions(table, table.template referring_to<detail::embed_index_v<Entity, EmbedMember>>(child)); });
    }

    template <auto Member>
    Outcome<std::vector<RowVersion<Entity>>> list_due(bare_value_t<detail::member_t<Member>> moment, std::int64_t most) {
        return run(QueryKind::list, [&](Table& table) -> Outcome<std::vector<RowVersion<Entity>>> {
            std::multimap<bare_value_t<detail::member_t<Member>>, RowVersion<Entity>> due;
            for (const auto& [key, row] : table.rows()) {
                if (detail::is_null(row.*Member) || detail::bare(row.*Member) > moment) continue;
                if (Schema::is_revoked(row) && !detail::contains_v<Member, typename Schema::revoked_members>) continue;
                due.emplace(detail::bare(row.*Member), RowVersion<Entity>{key, Schema::version_of(row)});
            }
            std::vector<RowVersion<Entity>> rows;
            for (auto each = due.begin(); each != due.end() && static_cast<std::int64_t>(rows.size()) < most; ++each) rows.push_back(each->second);
            std::sort(rows.begin(), rows.end(), [](const auto& left, const auto& right) { return detail::StoredLess{}(left.key, right.key); });
            return rows;
        });
    }

    Outcome<std::optional<Version>> load_version(const primary_key_t<Entity>& key)
        requires(Schema::has_version)
    {
        return run(QueryKind::version_probe, [&](Table& table) -> Outcome<std::optional<Version>> {
            const auto* row = table.find(key);
            return row ? std::optional<Version>(Schema::version_of(*row)) : std::nullopt;
        });
    }

    template <std::size_t Space>
        requires(Schema::has_revoked && Space >= Schema::alias_end && Space < Schema::space_count)
    Outcome<std::uint64_t> load_epoch(const space_key_t<Entity, Space>& key) {
        return run(QueryKind::epoch_read, [&](Table& table) -> Outcome<std::uint64_t> { return table.template epoch<Space>(key); });
    }

    Outcome<Entity> insert(const Entity& given) {
        return write(
            QueryKind::insert, [&](Table& table) { return insert_into(table, given); },
            [](const MemoryDatabase& self, const Entity& stored) {
                return [self, stored](Table& table) {
                    const auto again = self.insert_into(table, stored);
                    return again && Schema::version_of(*again) == Schema::version_of(stored);
                };
            });
    }

    Outcome<Version> update(const Entity& given, Version expected, const WriteCondition& condition) {
        return write(
            QueryKind::update, [&](Table& table) { return update_in(table, given, expected, condition); },
            [&](const MemoryDatabase& self, Version) {
                return [self, given, expected](Table& table) { return self.update_in(table, given, expected, WriteCondition()).has_value(); };
            });
    }

    Outcome<Version> erase(const primary_key_t<Entity>& key, Version expected, const WriteCondition& condition) {
        return write(
            QueryKind::erase, [&](Table& table) { return erase_from(table, key, expected, condition); },
            [&](const MemoryDatabase& self, Version) {
                return [self, key, expected](Table& table) { return self.erase_from(table, key, expected, WriteCondition()).has_value(); };
            });
    }

    template <std::size_t Space, auto... Members>
        requires(Schema::has_revoked && Space >= Schema::alias_end && Space < Schema::space_count)
    Outcome<GroupRevocation<Entity>> revoke_all(const space_key_t<Entity, Space>& key, const Entity& pattern, detail::MemberList<Members...> members) {
        return write(
            QueryKind::revoke_group, [&](Table& table) { return revoke_in<Space>(table, key, pattern, members); },
            [&](const MemoryDatabase&, const GroupRevocation<Entity>& done) {
                return [key, pattern, members, done](Table& table) {
                    const auto again = revoke_in<Space>(table, key, pattern, members);
                    const auto same = [](const auto& left, const auto& right) { return left.key == right.key && left.version == right.version; };
                    return again && again->epoch == done.epoch && std::equal(again->rows.begin(), again->rows.end(), done.rows.begin(), done.rows.end(), same);
                };
            });
    }

    Outcome<bool> touch(const primary_key_t<Entity>& key, WallTime moment)
        requires(Schema::has_touch)
    {
        return write(
            QueryKind::touch, [&](Table& table) { return touch_in(table, key, moment); },
            [&](const MemoryDatabase&, bool) {
                return [key, moment](Table& table) {
                    static_cast<void>(touch_in(table, key, moment));
                    return true;
                };
            });
    }

    Outcome<DatabaseTime> clock() {
        return run(QueryKind::clock, [&](Table&) -> Outcome<DatabaseTime> { return now(); });
    }

    using Transaction = MemoryTransaction;

    Outcome<Transaction> begin(Isolation isolation) {
        auto work = std::make_shared<Transaction::Work>();
        work->state = tables_.state_;
        work->isolation = isolation;
        return run(QueryKind::begin, [&](Table&) -> Outcome<Transaction> {
            work->commits_before = work->state->commits;
            return Transaction(work);
        });
    }
    bool takes(const Transaction& transaction) const noexcept { return transaction.work_ && transaction.work_->state == tables_.state_; }
    MemoryDatabase within(Transaction& transaction) const {
        MemoryDatabase inside(tables_);
        inside.within_ = transaction.work_;
        return inside;
    }

private:
    template <class Work>
    std::invoke_result_t<Work, Table&> run(QueryKind kind, Work work) {
        const auto& hook = tables_.state_->options.hook;
        if (hook)
            if (auto failed = hook({Schema::table, kind, false})) return failed;
        auto answer = [&] {
            const std::lock_guard lock(tables_.state_->mutex);
            auto& table = tables_.state_->template table<Entity>();
            return within_ ? run_within(table, work) : work(table);
        }();
        if (hook && answer)
            if (auto failed = hook({Schema::table, kind, true})) return failed;
        return answer;
    }

    /// Runs an operation in the transaction. \pre the lock is held.
    template <class Work>
    std::invoke_result_t<Work&, Table&> run_within(Table& table, Work& work) {
        if (!within_->open) return Error(errc::stopped, Refusal::table() + ": the transaction has ended");
        if (auto failed = within_->do_again()) return failed;
        auto answer = [&] {
            try {
                return work(table);
            } catch (...) {
                within_->undo();
                throw;
            }
        }();
        within_->undo();
        return answer;
    }

    /// As `run`, of what changes rows. \param again `again(*this, answer)` makes a function that does it once more and says whether it came to the same.
    template <class Work, class Again>
    std::invoke_result_t<Work, Table&> write(QueryKind kind, Work work, Again again) {
        return run(kind, [&](Table& table) {
            if (!within_) {
                auto answer = work(table);
                if (answer) ++tables_.state_->commits;
                return answer;
            }
            auto answer = [&] {
                const typename Table::Noting noting(table, within_->way_back);
                return work(table);
            }();
            if (answer)
                within_->writes.push_back([once_more = again(MemoryDatabase(tables_), *answer), &table](Transaction::Work& transaction) {
                    const typename Table::Noting noting(table, transaction.way_back);
                    return once_more(table) ? Error() : Transaction::conflict();
                });
            return answer;
        });
    }

    // ---- changes of a table, under its lock --------------------------------------------------------------------------

    Outcome<Entity> insert_into(Table& table, const Entity& given) const {
        Entity row = given;
        if constexpr (Schema::is_generated) {
            auto& key = row.*detail::FirstMember<typename Schema::primary_members>::value;
            if (key == 0) key = static_cast<std::remove_reference_t<decltype(key)>>(table.next_generated());
        }
        const auto key = primary_key_of(row);
        if (table.find(key)) return Refusal::template duplicate_key<0>();
        Schema::set_version(row, table.first_version(key));
        if (auto refused = refusal_of(table, row)) return refused;
        if (auto missing = embed_rows(row)) return missing;
        table.add(row);
        return row;
    }

    Outcome<Version> update_in(Table& table, const Entity& given, Version expected, const WriteCondition& condition) const {
        const auto* stored = table.find(primary_key_of(given));
        if (!stored) return Refusal::no_such_row();
        if (Schema::is_revoked(*stored)) return Refusal::revoked();
        if (auto refused = conflict_of(*stored, expected, condition)) return refused;
        Entity row = given;
        if constexpr (Schema::has_touch) {
            auto& touched = row.*detail::FirstMember<typename Schema::touch_members>::value;
            touched = later(touched, stored->*detail::FirstMember<typename Schema::touch_members>::value);
        }
        Schema::set_version(row, next_version(*stored));
        if (auto refused = refusal_of(table, row)) return refused;
        table.replace(row);
        return Schema::version_of(row);
    }

    Outcome<Version> erase_from(Table& table, const primary_key_t<Entity>& key, Version expected, const WriteCondition& condition) const {
        const auto* stored = table.find(key);
        if (!stored) return Refusal::no_such_row();
        if (auto refused = conflict_of(*stored, expected, condition)) return refused;
        if (table.is_referred_to(key)) return Refusal::referred_to();
        const Version tombstone = next_version(*stored);
        table.remove(key, tombstone);
        return tombstone;
    }

    template <std::size_t Space, auto... Members>
    static Outcome<GroupRevocation<Entity>> revoke_in(Table& table, const space_key_t<Entity, Space>& key, const Entity& pattern, detail::MemberList<Members...>) {
        if (!Schema::is_revoked(pattern)) return Refusal::not_revoking();
        GroupRevocation<Entity> done;
        auto listed = versions(table, table.template with_key<Space>(key));
        for (auto& listed_row : *listed) {
            Entity row = *table.find(listed_row.key);
            if (Schema::is_revoked(row)) continue;
            ((row.*Members = pattern.*Members), ...);
            Schema::set_version(row, next_version(row));
            table.replace(row);
            listed_row.version = Schema::version_of(row);
            done.rows.push_back(std::move(listed_row));
        }
        done.epoch = table.template move_epoch<Space>(key);
        return done;
    }

    static Outcome<bool> touch_in(Table& table, const primary_key_t<Entity>& key, WallTime moment)
        requires(Schema::has_touch)
    {
        constexpr auto member = detail::FirstMember<typename Schema::touch_members>::value;
        using Moment = bare_value_t<detail::member_t<member>>;
        const auto* stored = table.find(key);
        if (!stored || Schema::is_revoked(*stored)) return false;
        const auto& before = stored->*member;
        const auto now = std::chrono::floor<typename Moment::duration>(moment);
        if (!detail::is_null(before) && detail::bare(before) >= now) return false;
        Entity row = *stored;
        row.*member = now;
        table.replace(row);
        return true;
    }

    DatabaseTime now() const {
        const auto& clock = tables_.state_->options.clock;
        return clock ? clock() : DatabaseTime{};
    }

    static Version next_version(const Entity& row) noexcept { return Schema::has_version ? Schema::version_of(row) + 1 : 0; }

    template <class Moment>
    static Moment later(const Moment& given, const Moment& stored) noexcept {
        if (detail::is_null(given)) return stored;
        return !detail::is_null(stored) && detail::bare(stored) > detail::bare(given) ? stored : given;
    }

    Error conflict_of(const Entity& stored, Version expected, const WriteCondition& condition) const {
        if (Schema::has_version && Schema::version_of(stored) != expected) return Refusal::version_conflict();
        if (condition.not_after && now() > *condition.not_after) return Refusal::deadline_passed();
        return {};
    }

    /// Why a row must not be stored, if it must not.
    Error refusal_of(const Table& table, const Entity& row) const {
        if (auto conflict = table.conflict_of(row)) return conflict;
        Error missing;
        detail::for_each_embed<Entity>([&]<std::size_t Embed>() {
            using Relation = detail::relation_t<Entity, Embed>;
            const auto child = Relation::key_of(row);
            const bool found = child && child_table<Relation>().find(*child);
            if (!found && (child ? Relation::enforced : !Relation::optional)) missing = Refusal::template missing_relation<Relation::Taken::member>();
        });
        return missing;
    }

    template <class Relation>
    auto& child_table() const {
        return tables_.state_->template table<typename Relation::Child>();
    }

    Outcome<std::optional<Entity>> assembled(const Entity* stored) const {
        if (!stored) return std::optional<Entity>();
        std::optional<Entity> row(*stored);
        if (auto missing = embed_rows(*row)) return missing;
        return row;
    }

    /// Sets the embedded rows of a row, and theirs, to what their tables hold.
    template <class Row>
    Error embed_rows(Row& row) const {
        Error missing;
        detail::for_each_embed<Row>([&]<std::size_t Embed>() {
            using Relation = detail::relation_t<Row, Embed>;
            constexpr auto member = Relation::Taken::member;
            const auto key = Relation::key_of(row);
            const auto* child = key ? child_table<Relation>().find(*key) : nullptr;
            if (child) {
                auto copy = *child;
                if (auto deeper = embed_rows(copy)) missing = std::move(deeper);
                row.*member = std::move(copy);
            } else if constexpr (Relation::optional) {
                (row.*member).reset();
            } else {
                missing = detail::Refusal<Row>::template missing_relation<member>();
            }
        });
        return missing;
    }

    template <class Keys>
    static Outcome<std::vector<RowVersion<Entity>>> versions(const Table& table, const Keys* keys) {
        std::vector<RowVersion<Entity>> rows;
        if (!keys) return rows;
        rows.reserve(keys->size());
        for (const auto& key : *keys) rows.push_back({key, Schema::version_of(*table.find(key))});
        return rows;
    }

    MemoryTables tables_;
    std::shared_ptr<Transaction::Work> within_; ///< The transaction in which it works; null: each operation is one of its own.
};

} // namespace v0
} // namespace larder
