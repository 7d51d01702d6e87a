// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/detail/refusal.hpp>
#include <larder/database/detail/relation.hpp>
#include <larder/database/detail/stored_order.hpp>
#include <larder/entity/key.hpp>
#include <larder/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {

/// The rows of one entity with their indices, constraints, graves and epochs. Not thread-safe: its owner holds a lock.
template <entity Entity>
class MemoryTable {
    using Schema = schema_of<Entity>;
    using Primary = primary_key_t<Entity>;
    using Keys = std::set<Primary, StoredLess>;

    template <class Key>
    using Index = std::map<Key, Keys, StoredLess>;

    template <std::size_t... Space>
    static std::tuple<Index<space_key_t<Entity, Space + 1>>...> indices_of(std::index_sequence<Space...>);
    template <std::size_t... Embed>
    static std::tuple<Index<primary_key_t<typename relation_t<Entity, Embed>::Child>>...> references_of(std::index_sequence<Embed...>);
    template <std::size_t... Group>
    static std::tuple<std::map<space_key_t<Entity, Group + Schema::alias_end>, std::uint64_t, StoredLess>...> epochs_of(std::index_sequence<Group...>);

public:
    using Rows = std::map<Primary, Entity, StoredLess>;
    /// The ways back from changes, in their order.
    using Journal = std::vector<std::function<void()>>;

    /// Notes the way back from each change, for as long as it lives. A way back does no harm where the change came to nothing.
    class Noting {
    public:
        Noting(MemoryTable& table, Journal& journal) noexcept : table_(table) { table_.journal_ = &journal; }
        Noting(const Noting&) = delete;
        Noting& operator=(const Noting&) = delete;
        ~Noting() { table_.journal_ = nullptr; }

    private:
        MemoryTable& table_;
    };

    /// Rows by primary key; what their embedded members hold means nothing.
    const Rows& rows() const noexcept { return rows_; }

    const Entity* find(const Primary& key) const {
        const auto found = rows_.find(key);
        return found == rows_.end() ? nullptr : &found->second;
    }

    /// The primary keys of the rows that have a key of an alternate key space or of a group; null if there is none.
    template <std::size_t Space>
    const Keys* with_key(const space_key_t<Entity, Space>& key) const {
        const auto& index = std::get<Space - 1>(indices_);
        const auto found = index.find(key);
        return found == index.end() ? nullptr : &found->second;
    }

    /// The primary keys of the rows whose embed refers to a row of the child's table; null if there is none.
    template <std::size_t Embed>
    const Keys* referring_to(const primary_key_t<typename relation_t<Entity, Embed>::Child>& child) const {
        const auto& index = std::get<Embed>(references_);
        const auto found = index.find(child);
        return found == index.end() ? nullptr : &found->second;
    }

    /// Lets another table forbid the removal of a row that it refers to.
    void add_referrer(std::function<bool(const Primary&)> refers) { referrers_.push_back(std::move(refers)); }

    bool is_referred_to(const Primary& key) const {
        return std::any_of(referrers_.begin(), referrers_.end(), [&](const auto& refers) { return refers(key); });
    }

    /// The key that is generated next.
    std::int64_t next_generated() const noexcept { return last_generated_ + 1; }

    /// The version at which a row with this key begins.
    Version first_version(const Primary& key) const {
        const auto grave = graves_.find(key);
        return grave == graves_.end() ? 1 : grave->second + 1;
    }

    /// Which key space of a row already belongs to another row, as an error; no error if none does.
    Error conflict_of(const Entity& row) const {
        Error conflict;
        [&]<std::size_t... Space>(std::index_sequence<Space...>) { (void)((conflict = conflict_in<Space + 1>(row), bool(conflict)) || ...); }(
            std::make_index_sequence<Schema::unique_count>{});
        return conflict;
    }

    /// Adds a row. \pre its keys are free.
    void add(const Entity& row) {
        const auto key = primary_key_of(row);
        if (journal_) journal_->push_back([this, key] { take_out(key); });
        rows_.emplace(key, row);
        try {
            link(row, key);
        } catch (...) {
            unlink(row, key, nullptr);
            rows_.erase(key);
            throw;
        }
        if constexpr (Schema::is_generated) last_generated_ = std::max(last_generated_, static_cast<std::int64_t>(key));
    }

    /// Replaces the row of the same primary key. \pre it exists and the new row's keys are free.
    void replace(const Entity& row) {
        const auto key = primary_key_of(row);
        auto& stored = rows_.find(key)->second;
        if (journal_) journal_->push_back([this, old = stored] { replace(old); });
        auto copy = row;
        try {
            link(row, key);
        } catch (...) {
            unlink(row, key, &stored);
            throw;
        }
        unlink(stored, key, &row);
        std::swap(stored, copy);
    }

    /// Removes a row. \pre it exists. \param grave the version of its tombstone, kept if the key is reusable.
    void remove(const Primary& key, Version grave) {
        constexpr bool buries = Schema::is_reusable && Schema::has_version;
        if (journal_)
            journal_->push_back([this, old = *find(key), old_grave = first_version(key) - 1] {
                if constexpr (buries) graves_.insert_or_assign(primary_key_of(old), old_grave);
                add(old);
            });
        if constexpr (buries) graves_.insert_or_assign(key, grave);
        take_out(key);
    }

    template <std::size_t Group>
    std::uint64_t epoch(const space_key_t<Entity, Group>& key) const {
        const auto& epochs = std::get<Group - Schema::alias_end>(epochs_);
        const auto found = epochs.find(key);
        return found == epochs.end() ? 0 : found->second;
    }

    template <std::size_t Group>
    std::uint64_t move_epoch(const space_key_t<Entity, Group>& key) {
        auto& epoch = std::get<Group - Schema::alias_end>(epochs_)[key];
        if (journal_) journal_->push_back([&epoch, before = epoch] { epoch = before; });
        return ++epoch;
    }

private:
    /// Takes a row out as if it had never been.
    void take_out(const Primary& key) {
        const auto found = rows_.find(key);
        if (found == rows_.end()) return;
        unlink(found->second, found->first, nullptr);
        rows_.erase(found);
    }

    template <std::size_t Space>
    Error conflict_in(const Entity& row) const {
        const auto key = key_of<Space>(row);
        if (!key) return {};
        const auto* holders = with_key<Space>(*key);
        if (!holders || (holders->size() == 1 && holders->contains(primary_key_of(row)))) return {};
        return Refusal<Entity>::template duplicate_key<Space>();
    }

    /// Calls `visit(index, key_in)` for each index, where `key_in(row)` is the key that a row has in it, if it has one.
    template <class Visitor>
    void for_each_index(Visitor&& visit) {
        [&]<std::size_t... Space>(std::index_sequence<Space...>) {
            (visit(std::get<Space>(indices_), [](const Entity& row) { return key_of<Space + 1>(row); }), ...);
        }(std::make_index_sequence<Schema::space_count - 1>{});
        for_each_embed<Entity>([&]<std::size_t Embed>() {
            visit(std::get<Embed>(references_), [](const Entity& row) { return relation_t<Entity, Embed>::key_of(row); });
        });
    }

    void link(const Entity& row, const Primary& primary) {
        for_each_index([&](auto& index, auto key_in) {
            if (const auto key = key_in(row)) index[*key].insert(primary);
        });
    }

    /// Takes a row out of the indices, but for the keys that it shares with `kept`.
    void unlink(const Entity& row, const Primary& primary, const Entity* kept) {
        for_each_index([&](auto& index, auto key_in) {
            const auto key = key_in(row);
            if (!key) return;
            if (kept) {
                const auto other = key_in(*kept);
                if (other && !StoredLess{}(*key, *other) && !StoredLess{}(*other, *key)) return;
            }
            const auto found = index.find(*key);
            if (found == index.end()) return;
            found->second.erase(primary);
            if (found->second.empty()) index.erase(found);
        });
    }

    Rows rows_;
    decltype(indices_of(std::make_index_sequence<Schema::space_count - 1>{})) indices_;
    decltype(references_of(std::make_index_sequence<embed_count_v<Entity>>{})) references_;
    decltype(epochs_of(std::make_index_sequence<Schema::group_count>{})) epochs_;
    std::map<Primary, Version, StoredLess> graves_;
    std::vector<std::function<bool(const Primary&)>> referrers_;
    std::int64_t last_generated_ = 0;
    Journal* journal_ = nullptr;
};

} // namespace detail
} // namespace v0
} // namespace larder
