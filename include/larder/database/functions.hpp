// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/database.hpp>
#include <larder/database/detail/refusal.hpp>
#include <larder/database/detail/user_function.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {

/// A function for one key of a schema, as `by` makes it.
template <class Function, auto... Members>
struct By {
    Function function;
};

/// Says by which key a function finds rows: `by<&Book::isbn>([](const std::string& isbn) { ... })`.
/// \tparam Members the members that the schema declares as an alternate key or a group.
template <auto... Members, class Function>
By<Function, Members...> by(Function function) {
    return {std::move(function)};
}

namespace detail {

template <class T>
inline constexpr bool is_by_v = false;
template <class Function, auto... Members>
inline constexpr bool is_by_v<By<Function, Members...>> = true;

/// Functions for some of the key spaces from `First` on, each given with `by`.
template <class Entity, class Answer, class More, std::size_t First, std::size_t Count>
class FunctionsByKey {
    template <std::size_t... Space>
    static std::tuple<UserFunction<Answer, More, const space_key_t<Entity, First + Space>&>...> functions_of(std::index_sequence<Space...>);

public:
    FunctionsByKey() = default;

    template <class... Items>
        requires(sizeof...(Items) > 0 && (is_by_v<Items> && ...))
    FunctionsByKey(Items... items) {
        (set(std::move(items)), ...);
    }

    template <class Function, auto... Members>
    void set(By<Function, Members...> item) {
        constexpr std::size_t space = space_of_v<Entity, Members...>;
        static_assert(space >= First && space < First + Count, "larder: by<...> must name members that the schema declares: an alternate key for load_by, a group for list");
        std::get<space - First>(functions_) = std::move(item.function);
    }

    template <std::size_t Space>
    const auto& at() const noexcept { return std::get<Space - First>(functions_); }

private:
    decltype(functions_of(std::make_index_sequence<Count>{})) functions_;
};

template <class Entity>
using LoadsByKey = FunctionsByKey<Entity, RowAnswer<Entity>, ReadMode, 1, schema_of<Entity>::unique_count>;
template <class Entity>
using ListsByKey = FunctionsByKey<Entity, ListAnswer<Entity>, NothingMore, schema_of<Entity>::alias_end, schema_of<Entity>::group_count>;

/// What is common to databases made of functions: everything but the conditional part of writes.
template <class Entity, class Config>
class FunctionDatabaseBase {
    static_assert(entity<Entity>);

protected:
    using Schema = schema_of<Entity>;
    using Refused = Refusal<Entity>;

public:
    /// Where the asynchronous form runs; empty if none was given.
    boost::asio::any_io_executor executor() const { return config_.executor; }

    Outcome<std::optional<Entity>> load(const primary_key_t<Entity>& key, ReadMode mode) { return config_.load(Schema::table, "load", key, mode); }

    template <std::size_t Space>
        requires(Space < Schema::alias_end)
    Outcome<std::optional<Entity>> load_by(const space_key_t<Entity, Space>& key, ReadMode mode) {
        if constexpr (Space == 0)
            return load(key, mode);
        else
            return config_.load_by.template at<Space>()(describe_key<Entity, Space>(), "load_by", key, mode);
    }

    Outcome<std::vector<std::optional<Entity>>> load_many(std::span<const primary_key_t<Entity>> keys, ReadMode mode) {
        if (config_.load_many) return config_.load_many(Schema::table, "load_many", keys, mode);
        std::vector<std::optional<Entity>> rows;
        rows.reserve(keys.size());
        for (const auto& key : keys) {
            auto row = load(key, mode);
            if (!row) return std::move(row).error();
            rows.push_back(std::move(*row));
        }
        return rows;
    }

    template <std::size_t Space>
        requires(Space >= Schema::alias_end && Space < Schema::space_count)
    Outcome<std::vector<RowVersion<Entity>>> list(const space_key_t<Entity, Space>& key) {
        return config_.list.template at<Space>()(describe_key<Entity, Space>(), "list", key, NothingMore{});
    }

    Outcome<Entity> insert(const Entity& row) {
        auto stored = config_.insert(Schema::table, "insert", row, NothingMore{});
        if (!stored) return std::move(stored).error();
        if (stored->row) return std::move(*stored->row);
        auto loaded = load(*stored->key, ReadMode::plain);
        if (loaded && *loaded) return std::move(**loaded);
        return Error(errc::outcome_unknown, std::string(Schema::table) + ": the row was inserted but could not be read back" + (loaded ? std::string() : ": " + loaded.error().text));
    }

protected:
    explicit FunctionDatabaseBase(Config config) : config_(std::move(config)) {
        require(static_cast<bool>(config_.load), "load");
        require(static_cast<bool>(config_.insert), "insert");
        require(static_cast<bool>(config_.update), "update");
        require(static_cast<bool>(config_.erase), "erase");
    }

    Config config_;

private:
    static void require(bool given, std::string_view name) {
        if (!given) throw Failure(Error(errc::invalid_options, "the function '" + std::string(name) + "' given for " + std::string(Schema::table) + " is missing"));
    }
};

} // namespace detail

/// The functions that a `FunctionDatabase` or a `VersionedFunctionDatabase` is made of.
///
/// A function may answer a plain value, an `Outcome` of one, or throw: a `Failure` is its error, anything else
/// `errc::exception_thrown` with the exception's own text. Functions are called from any thread, several at once.
template <class Entity, class Update, class Erase>
struct DatabaseFunctions {
    using Key = primary_key_t<Entity>;

    /// `(key)` or `(key, ReadMode)`: the row with its embedded rows, an optional one, or a pointer to one. Required.
    detail::UserFunction<detail::RowAnswer<Entity>, ReadMode, const Key&> load = {};
    /// `(row)`: the row as it is stored, its primary key, or nothing; without the row, it is read back by `load`. Required.
    detail::UserFunction<detail::StoredAnswer<Entity>, detail::NothingMore, const Entity&> insert = {};
    /// `(row)`, or with versions `(row, expected)`; and then, if it wants it, the `WriteCondition`. Required.
    ///
    /// Answers nothing, or whether there was such a row. With versions: writes the row at version `expected + 1` if its version is
    /// `expected` and it is not revoked, in one step, and answers whether it did, or the new version (nothing if it did not).
    Update update = {};
    /// `(key)`, or with versions `(key, expected)`; and then, if it wants it, the `WriteCondition`. Required.
    ///
    /// Answers nothing, or whether there was such a row. With versions: removes the row if its version is `expected`, in one step,
    /// and answers whether it did, or the tombstone's version.
    Erase erase = {};
    /// `(keys)` or `(keys, ReadMode)`, with a `std::span` of keys: optional rows in the order of the keys, or those rows that
    /// exist in any order. Without it, `load` is called for each key.
    detail::UserFunction<detail::RowsAnswer<Entity>, ReadMode, std::span<const Key>> load_many = {};
    /// For each alternate key that is looked up, `by<&Entity::member>(function)`, where the function is as `load` is.
    detail::LoadsByKey<Entity> load_by = {};
    /// For each group that is listed, `by<&Entity::member>(function)`: `(key)` answers `RowVersion`s or whole rows, in any order.
    detail::ListsByKey<Entity> list = {};
    /// Where the asynchronous form calls the functions: the executor of a thread pool of the caller's. May be empty.
    boost::asio::any_io_executor executor = {};
};

namespace detail {

template <class Entity>
using UnversionedFunctions = DatabaseFunctions<Entity, UserFunction<DoneAnswer, const WriteCondition&, const Entity&>,
                                               UserFunction<DoneAnswer, const WriteCondition&, const primary_key_t<Entity>&>>;
template <class Entity>
using VersionedFunctions = DatabaseFunctions<Entity, UserFunction<MovedAnswer, const WriteCondition&, const Entity&, Version>,
                                             UserFunction<MovedAnswer, const WriteCondition&, const primary_key_t<Entity>&, Version>>;

} // namespace detail

/// A database of one entity made of functions over existing data access, which know of no versions.
///
/// What it can not promise limits the policies that compile with it: no write is conditional, so that of concurrent writers
/// the last one wins; no version tells an older row from a newer one; a write's deadline and a settled read are honoured only
/// by functions that take them. Epochs, touches and group revocations are not offered.
///
/// As thread-safe as its functions. Blocks as they do; the asynchronous form calls them on `DatabaseFunctions::executor`.
/// `errc::invalid_options` where a function is needed that was not given.
template <class Entity>
class FunctionDatabase : public detail::FunctionDatabaseBase<Entity, detail::UnversionedFunctions<Entity>> {
    using Base = detail::FunctionDatabaseBase<Entity, detail::UnversionedFunctions<Entity>>;
    using Refused = typename Base::Refused;

public:
    using Config = detail::UnversionedFunctions<Entity>;

    static constexpr bool conditional_writes = false;

    /// \throws Failure `errc::invalid_options` if a required function is missing.
    explicit FunctionDatabase(Config config) : Base(std::move(config)) {}

    Outcome<Version> update(const Entity& row, Version, const WriteCondition& condition) {
        return answered(this->config_.update(Base::Schema::table, "update", row, condition));
    }

    Outcome<Version> erase(const primary_key_t<Entity>& key, Version, const WriteCondition& condition) {
        return answered(this->config_.erase(Base::Schema::table, "erase", key, condition));
    }

private:
    static Outcome<Version> answered(Outcome<bool> done) {
        if (!done) return std::move(done).error();
        if (!*done) return Refused::no_such_row();
        return Version{0};
    }
};

/// A database of one entity made of functions over existing data access that can write on the condition of a version.
///
/// The functions are those of `FunctionDatabase`, but that `update` and `erase` take the version that is expected, and that
/// `insert` and `update` store the versions: 1 at first, one more with each update. What it can not promise: a write's deadline
/// and a settled read are honoured only by functions that take them, and a reusable key begins where `insert` says.
template <class Entity>
class VersionedFunctionDatabase : public detail::FunctionDatabaseBase<Entity, detail::VersionedFunctions<Entity>> {
    using Base = detail::FunctionDatabaseBase<Entity, detail::VersionedFunctions<Entity>>;
    using Refused = typename Base::Refused;
    using Schema = typename Base::Schema;
    static_assert(schema_of<Entity>::has_version, "larder: VersionedFunctionDatabase needs a version in the schema; without one, use FunctionDatabase");

public:
    using Config = detail::VersionedFunctions<Entity>;

    static constexpr bool conditional_writes = true;

    /// \throws Failure `errc::invalid_options` if a required function is missing.
    explicit VersionedFunctionDatabase(Config config) : Base(std::move(config)) {}

    /// Where the function wrote nothing, the row is read to say why.
    Outcome<Version> update(const Entity& row, Version expected, const WriteCondition& condition) {
        return answered(this->config_.update(Schema::table, "update", row, expected, condition), primary_key_of(row), true);
    }

    Outcome<Version> erase(const primary_key_t<Entity>& key, Version expected, const WriteCondition& condition) {
        return answered(this->config_.erase(Schema::table, "erase", key, expected, condition), key, false);
    }

private:
    Outcome<Version> answered(Outcome<std::optional<Version>> moved, const primary_key_t<Entity>& key, bool refuses_revoked) {
        if (!moved) return std::move(moved).error();
        if (*moved) return **moved;
        const auto row = this->load(key, ReadMode::plain);
        if (!row) return row.error();
        if (!*row) return Refused::no_such_row();
        if (refuses_revoked && Schema::is_revoked(**row)) return Refused::revoked();
        return Refused::version_conflict();
    }
};

} // namespace v0
} // namespace larder
