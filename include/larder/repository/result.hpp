// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/entity/projection.hpp>
#include <larder/entity/schema_of.hpp>
#include <larder/error.hpp>
#include <larder/observe/event.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {

/// Why there is no row in an answer.
enum class Absence : std::uint8_t {
    none,       ///< There is one.
    never_was,  ///< The database has no such row (or, by an alternate key, none any more).
    expired,    ///< The row's own `expires` moment has passed.
    revoked,    ///< The row is revoked.
    not_cached, ///< `peek` or `try_find` found nothing where it looked; the database was not asked.
    failed,     ///< The answer is an error.
};

constexpr std::string_view name_of(Absence absence) noexcept {
    constexpr std::string_view names[] = {"none", "never_was", "expired", "revoked", "not_cached", "failed"};
    return names[static_cast<std::size_t>(absence)];
}

/// What a write returned, to be shown to a later read so that it answers with nothing older (`at_least`).
struct ConsistencyToken {
    Version version = 0;
};

namespace detail {

/// An error on the heap, so that answers without one stay small.
class RareError {
public:
    RareError() noexcept = default;
    explicit RareError(Error failure) : error_(failure ? std::make_shared<const Error>(std::move(failure)) : nullptr) {}
    bool failed() const noexcept { return error_ != nullptr; }
    const Error& get() const noexcept {
        static const Error none;
        return error_ ? *error_ : none;
    }

private:
    std::shared_ptr<const Error> error_;
};

/// What any answer of a verb is that may be an error: it holds the error, and is the way to an exception. `Answer` derives from it, and is true in a
/// condition if it is what was asked for.
template <class Answer>
class MayFail {
public:
    /// Whether the answer is an error.
    bool failed() const noexcept { return error_.failed(); }
    /// The error; unset if there is none.
    const Error& error() const noexcept { return error_.get(); }

    /// The answer itself if it is true in a condition; else throws `Failure`: with the error, or where nothing failed and there is
    /// no valid row, with `errc::revoked` or `errc::no_such_row`, and a text that names the table.
    const Answer& or_throw() const& {
        check();
        return static_cast<const Answer&>(*this);
    }
    /// By value, so that a reference to a part of a temporary answer does not dangle.
    Answer or_throw() && {
        check();
        return static_cast<Answer&&>(*this);
    }

protected:
    MayFail() = default;
    explicit MayFail(Error failure) : error_(std::move(failure)) {}

private:
    void check() const {
        const auto& answer = static_cast<const Answer&>(*this);
        if (answer) return;
        if (failed()) throw Failure(error());
        if constexpr (requires { answer.refusal(); })
            throw Failure(answer.refusal());
        else if constexpr (requires { answer.absence(); })
            throw Failure(Error{answer.absence() == Absence::revoked ? errc::revoked : errc::no_such_row, about() + "there is no valid row: " + std::string(name_of(answer.absence()))});
        else
            throw Failure(Error{errc::no_such_row, about() + "there is no answer"});
    }

    /// The beginning of a text: the table of the rows that the answer is about, if it is about rows.
    static std::string about() {
        if constexpr (requires { typename Answer::entity_type; })
            return std::string(schema_of<typename Answer::entity_type>::table) + ": ";
        else
            return {};
    }

    RareError error_;
};

/// What every answer to a read tells about itself.
class Provenance {
public:
    /// Where the answer came from.
    Level source() const noexcept { return source_; }
    /// How long ago the load of the answer began; 0 if the database was asked for it.
    Duration age() const noexcept { return age_; }
    /// The row's version; 0 if there is none.
    Version version() const noexcept { return version_; }
    /// Not `none` if the answer may be older than the policy promises, which only options that say so allow.
    StaleCause stale() const noexcept { return stale_; }
    /// Why there is no valid row.
    Absence absence() const noexcept { return absence_; }
    /// What a later read must be at least as new as to see this answer.
    ConsistencyToken token() const noexcept { return {version_}; }

protected:
    Provenance() noexcept = default;
    explicit Provenance(Absence absence) noexcept : absence_(absence) {}
    Provenance(Level source, Version version, Duration age, StaleCause stale, Absence absence) noexcept
        : version_(version), age_(age), source_(source), stale_(stale), absence_(absence) {}

private:
    Version version_ = 0;
    Duration age_{};
    Level source_ = Level::database;
    StaleCause stale_ = StaleCause::none;
    Absence absence_ = Absence::never_was;
};

} // namespace detail

/// The answer to a read of one row: the row, or why there is none, or an error; and where it came from and how old it is.
///
/// True in a condition if there is a valid row. Holds the row; copies share it. Safe to read from many threads.
template <entity Entity>
class Found : public detail::Provenance, public detail::MayFail<Found<Entity>> {
public:
    using entity_type = Entity;

    /// No answer yet: absent.
    Found() noexcept = default;
    /// A failure.
    explicit Found(Error failure) : Provenance(Absence::failed), detail::MayFail<Found<Entity>>(std::move(failure)) {}
    /// An answer. \param row null for a row that never was; the row of an expired or revoked one.
    Found(std::shared_ptr<const Entity> row, Absence absence, Level source, Version version, Duration age, StaleCause stale = StaleCause::none) noexcept
        : Provenance(source, version, age, stale, absence), row_(std::move(row)) {}

    explicit operator bool() const noexcept { return absence() == Absence::none; }

    /// The valid row. \pre there is one.
    const Entity& operator*() const noexcept { return *row_; }
    const Entity* operator->() const noexcept { return row_.get(); }
    /// The valid row; throws as `or_throw` if there is none.
    const Entity& value() const& { return *this->or_throw().row_; }
    Entity value() && { return *std::move(*this).or_throw().row_; }
    /// The row even if it is expired or revoked; null if there is none.
    const std::shared_ptr<const Entity>& row() const noexcept { return row_; }

private:
    std::shared_ptr<const Entity> row_;
};

/// The answer to a read of a row's warm fields, as `Found` is to a whole row.
template <entity Entity>
class FoundWarm : public detail::Provenance, public detail::MayFail<FoundWarm<Entity>> {
public:
    using entity_type = Entity;

    FoundWarm() noexcept = default;
    explicit FoundWarm(Error failure) : Provenance(Absence::failed), detail::MayFail<FoundWarm<Entity>>(std::move(failure)) {}
    FoundWarm(std::shared_ptr<const WarmRow<Entity>> fields, Absence absence, Level source, Version version, Duration age, StaleCause stale = StaleCause::none) noexcept
        : Provenance(source, version, age, stale, absence), fields_(std::move(fields)) {}

    explicit operator bool() const noexcept { return absence() == Absence::none; }
    /// One of the warm fields. \pre there is a valid row.
    template <auto Member>
    const auto& get() const noexcept {
        return fields_->template get<Member>();
    }
    /// The fields even if the row is expired or revoked; null if there is none.
    const std::shared_ptr<const WarmRow<Entity>>& fields() const noexcept { return fields_; }

private:
    std::shared_ptr<const WarmRow<Entity>> fields_;
};

/// The answers to a read of several rows, in the order of the keys asked.
///
/// True in a condition if no read failed: then each key has an answer, be it that there is no valid row.
template <entity Entity>
class FoundMany : public detail::MayFail<FoundMany<Entity>> {
public:
    using entity_type = Entity;

    FoundMany() = default;
    /// The read as a whole failed.
    explicit FoundMany(Error failure) : detail::MayFail<FoundMany<Entity>>(std::move(failure)) {}
    /// Fails with the first failure among them; the others have their answers all the same.
    explicit FoundMany(std::vector<Found<Entity>> answers) : detail::MayFail<FoundMany<Entity>>(first_failure(answers)), answers_(std::move(answers)) {}

    explicit operator bool() const noexcept { return !this->failed(); }

    std::size_t size() const noexcept { return answers_.size(); }
    bool empty() const noexcept { return answers_.empty(); }
    const Found<Entity>& operator[](std::size_t index) const noexcept { return answers_[index]; }
    auto begin() const noexcept { return answers_.begin(); }
    auto end() const noexcept { return answers_.end(); }

private:
    static Error first_failure(const std::vector<Found<Entity>>& answers) {
        for (const auto& answer : answers)
            if (answer.failed()) return answer.error();
        return {};
    }

    std::vector<Found<Entity>> answers_;
};

/// The answer to a write: committed, or why not.
///
/// True in a condition if it committed. Then it is either *effective* (no read begun from now on, anywhere, may answer with
/// anything older, as far as the policy promises it) or *pending* for at most a bound.
template <entity Entity>
class Written : public detail::MayFail<Written<Entity>> {
public:
    using entity_type = Entity;

    Written() = default;
    explicit Written(Error failure) : detail::MayFail<Written<Entity>>(std::move(failure)) {}
    Written(primary_key_t<Entity> key, Version version, Duration bound, std::shared_ptr<const Entity> row, bool changed = true)
        : key_(std::move(key)), version_(version), bound_(bound), row_(std::move(row)), committed_(true), changed_(changed) {}

    explicit operator bool() const noexcept { return committed_; }

    /// The row's primary key, generated ones included.
    const primary_key_t<Entity>& key() const noexcept { return key_; }
    Version version() const noexcept { return version_; }
    /// Whether the row was changed at all: false if the write found nothing to do.
    bool changed() const noexcept { return changed_; }
    /// Whether no later read may answer with anything older.
    bool effective() const noexcept { return committed_ && bound_ == Duration::zero(); }
    /// For how long at most a later read may answer with something older; 0 if it is effective.
    Duration pending() const noexcept { return bound_; }
    /// The row as it was written; null where the write does not know it whole.
    const std::shared_ptr<const Entity>& row() const noexcept { return row_; }
    ConsistencyToken token() const noexcept { return {version_}; }

private:
    primary_key_t<Entity> key_{};
    Version version_ = 0;
    Duration bound_{};
    std::shared_ptr<const Entity> row_;
    bool committed_ = false;
    bool changed_ = true;
};

/// The answer to a write of many rows. True in a condition if it committed.
template <entity Entity>
class WrittenMany : public detail::MayFail<WrittenMany<Entity>> {
public:
    using entity_type = Entity;

    WrittenMany() = default;
    explicit WrittenMany(Error failure) : detail::MayFail<WrittenMany<Entity>>(std::move(failure)) {}
    WrittenMany(std::size_t rows, Duration bound) : rows_(rows), bound_(bound), committed_(true) {}

    explicit operator bool() const noexcept { return committed_; }
    /// How many rows were changed.
    std::size_t rows() const noexcept { return rows_; }
    bool effective() const noexcept { return committed_ && bound_ == Duration::zero(); }
    Duration pending() const noexcept { return bound_; }

private:
    std::size_t rows_ = 0;
    Duration bound_{};
    bool committed_ = false;
};

/// The answer of a verb that only does or fails. True in a condition if it did.
class Done : public detail::MayFail<Done> {
public:
    Done() = default;
    explicit Done(Error failure) : MayFail(std::move(failure)) {}
    explicit operator bool() const noexcept { return !failed(); }
};

/// What a warm-up did. True in a condition if it came to its end.
struct WarmReport : detail::MayFail<WarmReport> {
    WarmReport() = default;
    explicit WarmReport(Error failure) : MayFail(std::move(failure)) {}

    std::size_t asked = 0;   ///< Keys so far.
    std::size_t cached = 0;  ///< Of these, in the cache now (loaded, or there before).
    std::size_t loaded = 0;  ///< Of these, loaded from the database.
    std::size_t absent = 0;  ///< Without a valid row.
    std::size_t total = 0;   ///< Keys in all.

    explicit operator bool() const noexcept { return !failed(); }
};

} // namespace v0
} // namespace larder
