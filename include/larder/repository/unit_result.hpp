// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/database.hpp>
#include <larder/repository/effect.hpp>
#include <larder/repository/result.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace larder {
inline namespace v0 {

/// How a unit of work is run.
struct UnitOptions {
    /// Whether to insist that the unit's writes are seen by every later read when it returns; as `revoke`'s.
    Effect effect = Effect::may_be_pending;
    /// What of that which the unit has read must still be true when it commits.
    Isolation isolation = Isolation::rows;
    /// How often the unit is run at the most, 1 or more: again after `errc::transaction_conflict` or `errc::version_conflict`, which leave
    /// nothing behind in the database; so above 1 its function must have no effects elsewhere.
    unsigned attempts = 1;
};

/// The answer to a write in a unit of work: done in its transaction, and as yet seen by nobody else. True in a condition if it was done.
template <entity Entity>
class Staged : public detail::MayFail<Staged<Entity>> {
public:
    using entity_type = Entity;

    explicit Staged(Error failure) : detail::MayFail<Staged<Entity>>(std::move(failure)) {}
    Staged(primary_key_t<Entity> key, Version version, std::shared_ptr<const Entity> row, bool changed = true)
        : key_(std::move(key)), version_(version), row_(std::move(row)), changed_(changed) {}

    explicit operator bool() const noexcept { return !this->failed(); }

    /// The row's primary key, generated ones included.
    const primary_key_t<Entity>& key() const noexcept { return key_; }
    Version version() const noexcept { return version_; }
    /// Whether the row was changed at all: false if the write found nothing to do.
    bool changed() const noexcept { return changed_; }
    /// The row as it was written (of an erased one, as it was); null where the write does not know it whole.
    const std::shared_ptr<const Entity>& row() const noexcept { return row_; }

private:
    primary_key_t<Entity> key_{};
    Version version_ = 0;
    std::shared_ptr<const Entity> row_;
    bool changed_ = true;
};

/// As `Staged`, of many rows.
template <entity Entity>
class StagedMany : public detail::MayFail<StagedMany<Entity>> {
public:
    using entity_type = Entity;

    explicit StagedMany(Error failure) : detail::MayFail<StagedMany<Entity>>(std::move(failure)) {}
    explicit StagedMany(std::size_t rows) noexcept : rows_(rows) {}

    explicit operator bool() const noexcept { return !this->failed(); }
    /// How many rows were changed.
    std::size_t rows() const noexcept { return rows_; }

private:
    std::size_t rows_ = 0;
};

/// The answer of a unit of work: all of it committed, or nothing of it, and why.
///
/// True in a condition if it committed. Then it is *effective* or *pending* for at most a bound, as a single write is (`Written`). If
/// it is false, nothing was written; unless the error is `errc::outcome_unknown`: then all of it may have been, or nothing.
/// \tparam T what the unit's function gave; `void` for nothing.
template <class T = void>
class UnitResult : public detail::MayFail<UnitResult<T>> {
    using Value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

public:
    explicit UnitResult(Error failure) : detail::MayFail<UnitResult<T>>(std::move(failure)) {}
    UnitResult(Duration bound, Outcome<T> value) : bound_(bound) {
        if constexpr (std::is_void_v<T>)
            value_.emplace();
        else
            value_.emplace(std::move(*value));
    }

    explicit operator bool() const noexcept { return !this->failed(); }

    /// Whether no later read may answer with anything older.
    bool effective() const noexcept { return !this->failed() && bound_ == Duration::zero(); }
    /// For how long at most a later read may answer with something older; 0 if it is effective.
    Duration pending() const noexcept { return bound_; }

    /// What the unit's function gave; throws as `or_throw` if it did not commit.
    const Value& value() const&
        requires(!std::is_void_v<T>)
    {
        return *this->or_throw().value_;
    }
    Value value() &&
        requires(!std::is_void_v<T>)
    {
        return *std::move(*this).or_throw().value_;
    }

private:
    Duration bound_{};
    std::optional<Value> value_;
};

} // namespace v0
} // namespace larder
