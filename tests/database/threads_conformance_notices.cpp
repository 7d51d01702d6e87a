// SPDX-License-Identifier: BSL-1.0
#include "worlds.hpp"

#include <larder/database/memory.hpp>
#include <larder/testing/database_conformance.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace larder_tests;

namespace {

/// A way in which a database may break the contract.
enum class Fault {
    none,
    load_makes_up_rows,
    load_throws,
    load_by_finds_nothing,
    load_forgets_embedded_rows,
    many_in_the_wrong_order,
    insert_replaces,
    insert_forgets_the_grave,
    insert_answers_without_the_key,
    update_ignores_the_version,
    update_answers_the_old_version,
    update_does_nothing,
    update_writes_revoked_rows,
    update_moves_the_touch_back,
    erase_ignores_the_version,
    erase_does_nothing,
    deadline_ignored,
    touch_always_moves,
    list_backwards,
    list_without_revoked_rows,
    version_of_another_time,
    epoch_stands_still,
    group_not_revoked,
    parents_not_found,
    texts_tell_values,
    texts_name_nothing,
    relations_unchecked,
    transactions_commit_at_once,
    transactions_commit_nothing,
    transactions_commit_late,
    transactions_never_serializable,
    last,
};

/// A transaction that ends as the fault wants it.
class BrokenTransaction : public MemoryTransaction {
public:
    BrokenTransaction(MemoryTransaction transaction, Fault fault) : MemoryTransaction(std::move(transaction)), fault_(fault) {}

    Outcome<void> commit(const WriteCondition& condition) {
        if (fault_ == Fault::transactions_commit_nothing) return roll_back();
        return MemoryTransaction::commit(fault_ == Fault::transactions_commit_late ? WriteCondition() : condition);
    }

private:
    Fault fault_;
};

template <class Entity>
class Broken : public MemoryDatabase<Entity> {
    using Base = MemoryDatabase<Entity>;
    using Schema = schema_of<Entity>;

public:
    Broken(const MemoryTables& tables, Fault fault) : Base(tables), fault_(fault) {}

    Outcome<std::optional<Entity>> load(const primary_key_t<Entity>& key, ReadMode mode) {
        auto row = Base::load(key, mode);
        if (row && !*row && fault_ == Fault::load_makes_up_rows) row->emplace();
        if (row && !*row && fault_ == Fault::load_throws) throw std::runtime_error("there is no such row");
        if constexpr (std::same_as<Entity, larder::testing::Pass>)
            if (row && *row && fault_ == Fault::load_forgets_embedded_rows) (*row)->holder = {};
        return row;
    }

    template <std::size_t Space>
        requires(Space < Schema::alias_end)
    Outcome<std::optional<Entity>> load_by(const space_key_t<Entity, Space>& key, ReadMode mode) {
        if (fault_ == Fault::load_by_finds_nothing) return std::optional<Entity>();
        return Base::template load_by<Space>(key, mode);
    }

    Outcome<std::vector<std::optional<Entity>>> load_many(std::span<const primary_key_t<Entity>> keys, ReadMode mode) {
        auto rows = Base::load_many(keys, mode);
        if (rows && fault_ == Fault::many_in_the_wrong_order) std::reverse(rows->begin(), rows->end());
        return rows;
    }

    template <std::size_t Space>
        requires(Space >= Schema::alias_end && Space < Schema::space_count)
    Outcome<std::vector<RowVersion<Entity>>> list(const space_key_t<Entity, Space>& key) {
        auto rows = Base::template list<Space>(key);
        if (rows && fault_ == Fault::list_backwards) std::reverse(rows->begin(), rows->end());
        if (!rows || fault_ != Fault::list_without_revoked_rows) return rows;
        std::vector<RowVersion<Entity>> valid;
        for (const auto& row : *rows)
            if (!Schema::is_revoked(**Base::load(row.key, ReadMode::plain))) valid.push_back(row);
        return valid;
    }

    template <auto EmbedMember>
        requires(larder::detail::embed_index_v<Entity, EmbedMember> < larder::detail::embed_count_v<Entity>)
    Outcome<std::vector<RowVersion<Entity>>> parents_of(const primary_key_t<embedded_t<EmbedMember>>& child) {
        if (fault_ == Fault::parents_not_found) return std::vector<RowVersion<Entity>>();
        return Base::template parents_of<EmbedMember>(child);
    }

    Outcome<std::optional<Version>> load_version(const primary_key_t<Entity>& key)
        requires(Schema::has_version)
    {
        auto version = Base::load_version(key);
        if (version && *version && fault_ == Fault::version_of_another_time) ++**version;
        return version;
    }

    template <std::size_t Space>
        requires(Schema::has_revoked && Space >= Schema::alias_end && Space < Schema::space_count)
    Outcome<std::uint64_t> load_epoch(const space_key_t<Entity, Space>& key) {
        if (fault_ == Fault::epoch_stands_still) return std::uint64_t{0};
        return Base::template load_epoch<Space>(key);
    }

    Outcome<Entity> insert(const Entity& row) {
        auto stored = Base::insert(row);
        if (!stored && stored.error() == errc::duplicate_key && fault_ == Fault::insert_replaces) return row;
        if (stored && fault_ == Fault::insert_forgets_the_grave) Schema::set_version(*stored, 1);
        if constexpr (Schema::is_generated)
            if (stored && fault_ == Fault::insert_answers_without_the_key) stored->id = row.id;
        return told(std::move(stored), row);
    }

    Outcome<Version> update(const Entity& row, Version expected, const WriteCondition& condition) {
        if (fault_ == Fault::update_does_nothing) return expected + 1;
        const auto stored = Base::load(primary_key_of(row), ReadMode::plain);
        if (stored && *stored && fault_ == Fault::update_ignores_the_version) expected = Schema::version_of(**stored);
        auto moved = Base::update(row, expected, fault_ == Fault::deadline_ignored ? WriteCondition() : condition);
        if (moved && fault_ == Fault::update_answers_the_old_version) return expected;
        if (!moved && moved.error() == errc::revoked && fault_ == Fault::update_writes_revoked_rows) return expected + 1;
        if (!moved && moved.error() == errc::missing_relation && fault_ == Fault::relations_unchecked) return expected + 1;
        if constexpr (Schema::has_touch)
            if (moved && fault_ == Fault::update_moves_the_touch_back && stored && *stored && !row.last_seen) return rewritten(row, *moved);
        return told(std::move(moved), row);
    }

    Outcome<Version> erase(const primary_key_t<Entity>& key, Version expected, const WriteCondition& condition) {
        if (fault_ == Fault::erase_does_nothing) return expected + (Schema::has_version ? 1 : 0);
        const auto stored = Base::load(key, ReadMode::plain);
        if (stored && *stored && fault_ == Fault::erase_ignores_the_version) expected = Schema::version_of(**stored);
        return Base::erase(key, expected, fault_ == Fault::deadline_ignored ? WriteCondition() : condition);
    }

    template <std::size_t Space, auto... Members>
        requires(Schema::has_revoked && Space >= Schema::alias_end && Space < Schema::space_count)
    Outcome<GroupRevocation<Entity>> revoke_all(const space_key_t<Entity, Space>& key, const Entity& pattern, MemberList<Members...> members) {
        if (fault_ == Fault::group_not_revoked) return GroupRevocation<Entity>{{}, 1};
        return Base::template revoke_all<Space>(key, pattern, members);
    }

    Outcome<bool> touch(const primary_key_t<Entity>& key, WallTime moment)
        requires(Schema::has_touch)
    {
        auto moved = Base::touch(key, moment);
        if (moved && fault_ == Fault::touch_always_moves) *moved = true;
        return moved;
    }

    using Transaction = BrokenTransaction;

    Outcome<Transaction> begin(Isolation isolation) {
        auto begun = Base::begin(fault_ == Fault::transactions_never_serializable ? Isolation::rows : isolation);
        if (!begun) return begun.error();
        return Transaction(std::move(*begun), fault_);
    }
    Base within(Transaction& transaction) const { return fault_ == Fault::transactions_commit_at_once ? Base(*this) : Base::within(transaction); }

private:
    /// Puts a row with a null touch column in the place of the stored one.
    Outcome<Version> rewritten(const Entity& row, Version version) {
        auto removed = Base::erase(primary_key_of(row), version, {});
        auto stored = Base::insert(row);
        return stored && removed ? Outcome<Version>(version) : Outcome<Version>(stored.error());
    }

    template <class T>
    Outcome<T> told(Outcome<T> outcome, const Entity&) const {
        if (outcome) return outcome;
        auto error = outcome.error();
        if (fault_ == Fault::texts_tell_values) error.text += " " + std::string(larder::testing::detail::secret_mark);
        if (fault_ == Fault::texts_name_nothing) error.text = "no";
        return error;
    }

    Fault fault_;
};

struct BrokenWorld {
    MemoryWorld behind;
    Fault fault = Fault::none;

    template <class Entity>
    Broken<Entity> database() {
        return Broken<Entity>(behind.tables, fault);
    }
};

std::size_t broken_rules(Fault fault) {
    std::size_t broken = 0;
    for (const auto& rule : larder::testing::database_conformance([fault] { return BrokenWorld{{}, fault}; })) {
        try {
            rule.run();
        } catch (const std::exception&) {
            ++broken;
        }
    }
    return broken;
}

/// Whether the suite notices a fault. Some show only if threads meet, which the machine's scheduler may not let happen in one run.
bool notices(Fault fault) {
    constexpr int runs = 50;
    for (int run = 0; run < runs; ++run)
        if (broken_rules(fault) > 0) return true;
    return false;
}

} // namespace

TEST_CASE("the conformance suite notices each way to break the contract") {
    CHECK(broken_rules(Fault::none) == 0);
    for (int number = 1; number < static_cast<int>(Fault::last); ++number) {
        CAPTURE(number);
        CHECK(notices(static_cast<Fault>(number)));
    }
}
