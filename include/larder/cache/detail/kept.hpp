// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/cache_tier.hpp>
#include <larder/entity/schema_of.hpp>

#include <cstdint>
#include <memory>
#include <utility>

namespace larder {
inline namespace v0 {
namespace detail {

/// A `CachedRow` as a record keeps it, in less room: the whole row or its warm fields (if there are both, the row). Which of them it is, the record
/// remembers: a flag, which has room beside others.
template <entity Entity>
class KeptRow {
public:
    KeptRow() noexcept = default;

    /// \return the flag: whether it is the whole row.
    bool put(CachedRow<Entity>&& row) noexcept {
        stamp_ = row.stamp;
        const bool whole = row.full != nullptr;
        if (whole)
            pointer_ = std::move(row.full);
        else
            pointer_ = std::move(row.warm);
        return whole;
    }

    CachedRow<Entity> get(bool whole) const noexcept {
        CachedRow<Entity> row;
        row.stamp = stamp_;
        if (whole)
            row.full = std::static_pointer_cast<const Entity>(pointer_);
        else
            row.warm = std::static_pointer_cast<const WarmRow<Entity>>(pointer_);
        return row;
    }

    CachedRow<Entity> take(bool whole) noexcept {
        CachedRow<Entity> row;
        row.stamp = stamp_;
        if (whole)
            row.full = std::static_pointer_cast<const Entity>(std::move(pointer_));
        else
            row.warm = std::static_pointer_cast<const WarmRow<Entity>>(std::move(pointer_));
        return row;
    }

    /// The whole row. \pre it is one. What a hit is judged by is asked for first, for the count is a locked instruction, behind which the processor does not look.
    std::shared_ptr<const Entity> row() const noexcept {
        const auto* place = static_cast<const Entity*>(pointer_.get());
        if constexpr (schema_of<Entity>::has_expires || schema_of<Entity>::has_revoked) __builtin_prefetch(schema_of<Entity>::judged_by(*place));
        return {pointer_, place};
    }
    std::uint64_t stamp() const noexcept { return stamp_; }

private:
    std::uint64_t stamp_ = 0;
    std::shared_ptr<const void> pointer_;
};

/// A value that a record keeps as it is. The flag means nothing.
template <class Value>
class KeptValue {
public:
    KeptValue() noexcept = default;

    bool put(Value&& value) {
        value_ = std::move(value);
        return false;
    }
    const Value& get(bool = false) const noexcept { return value_; }
    Value take(bool) noexcept { return std::exchange(value_, Value{}); }

private:
    Value value_{};
};

} // namespace detail
} // namespace v0
} // namespace larder
