// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/cache_tier.hpp>
#include <larder/cache/detail/kept.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {

/// What one record knows of the versions of one row.
struct Floor {
    Version version = 0; ///< The newest one published since the record began to listen, or dropped by a fence; 0: none.
    Version newest = 0;  ///< If not 0, no publish so far, not even one from before the record, was of a newer version than this.
};

/// The subject of a record that is about one row only.
struct ThisRow {};

/// The floor of a record that is about one row (under a primary key) or one group's epoch.
class OneFloor {
public:
    using Subject = ThisRow;

    Floor of(Subject) const noexcept { return floor_; }
    /// Takes note of a floor; one of version 0 is forgotten.
    void set(Subject, Floor floor) noexcept { floor_ = floor.version != 0 ? floor : Floor{}; }
    bool empty() const noexcept { return floor_.version == 0; }
    /// Whether no publish so far was of a newer version than the floor's.
    bool complete() const noexcept { return floor_.newest != 0 && floor_.version >= floor_.newest; }
    void clear() noexcept { floor_ = {}; }
    /// Forgets which version is the newest.
    void doubt() noexcept { floor_.newest = 0; }
    std::size_t heap() const noexcept { return 0; }

private:
    Floor floor_;
};

/// The floors of an alias: one per row that it was seen to lead to, since versions of different rows do not compare.
template <class PrimaryKey>
class FloorPerRow {
public:
    /// The primary key of the row in question; null for "no row".
    using Subject = const PrimaryKey*;

    Floor of(Subject row) const noexcept {
        if (row)
            for (const auto& [key, floor] : floors_)
                if (key == *row) return floor;
        return {};
    }

    /// Takes note of a floor; one of version 0, or of no row, is forgotten.
    void set(Subject row, Floor floor) {
        if (!row) return;
        const auto known = std::find_if(floors_.begin(), floors_.end(), [row](const auto& entry) { return entry.first == *row; });
        if (known == floors_.end()) {
            if (floor.version != 0) floors_.emplace_back(*row, floor);
        } else if (floor.version == 0) {
            floors_.erase(known);
        } else {
            known->second = floor;
        }
    }

    bool empty() const noexcept { return floors_.empty(); }
    /// Never: which row an alternate key leads to next is not known.
    bool complete() const noexcept { return false; }
    void clear() noexcept { floors_.clear(); }
    void doubt() noexcept {
        for (auto& [key, floor] : floors_) floor.newest = 0;
    }
    std::size_t heap() const noexcept { return floors_.capacity() * sizeof(std::pair<PrimaryKey, Floor>); }

private:
    std::vector<std::pair<PrimaryKey, Floor>> floors_;
};

/// What a record is about, and how it keeps its value, by the kind of its space: the row of a primary key.
template <entity Entity>
struct RowRules {
    using Value = CachedRow<Entity>;
    using Kept = KeptRow<Entity>;
    using Floors = OneFloor;

    static ThisRow subject(const Value&) noexcept { return {}; }
    static ThisRow subject(const Kept&) noexcept { return {}; }
    static bool is_about(const Kept&, ThisRow) noexcept { return true; }
};

/// The row that an alternate key leads to.
template <class PrimaryKey>
struct AliasRules {
    using Value = std::optional<PrimaryKey>;
    using Kept = KeptValue<Value>;
    using Floors = FloorPerRow<PrimaryKey>;

    static const PrimaryKey* subject(const Value& value) noexcept { return value ? &*value : nullptr; }
    static const PrimaryKey* subject(const Kept& kept) noexcept { return subject(kept.get()); }
    /// "No such row" is about any row: whatever is heard of one makes it doubtful.
    static bool is_about(const Value& value, const PrimaryKey* row) noexcept { return !value || (row && *value == *row); }
    static bool is_about(const Kept& kept, const PrimaryKey* row) noexcept { return is_about(kept.get(), row); }
};

/// A group's epoch, which is its own version.
struct EpochRules {
    using Value = std::uint64_t;
    using Kept = KeptValue<Value>;
    using Floors = OneFloor;

    static ThisRow subject(const Value&) noexcept { return {}; }
    static ThisRow subject(const Kept&) noexcept { return {}; }
    static bool is_about(const Kept&, ThisRow) noexcept { return true; }
};

template <entity Entity, std::size_t Space>
using record_rules_t = typename std::conditional_t<
    Space == 0, std::type_identity<RowRules<Entity>>,
    std::conditional_t<(Space < schema_of<Entity>::alias_end), std::type_identity<AliasRules<primary_key_t<Entity>>>, std::type_identity<EpochRules>>>::type;

} // namespace detail
} // namespace v0
} // namespace larder
