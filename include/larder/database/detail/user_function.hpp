// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/database.hpp>
#include <larder/database/detail/stored_order.hpp>
#include <larder/entity/key.hpp>
#include <larder/error.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <map>
#include <new>
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

template <class T>
inline constexpr bool is_outcome_v = false;
template <class T>
inline constexpr bool is_outcome_v<boost::system::result<T, Error>> = true;

/// Nothing more: stands where a user's function may take no last argument that it can leave out.
struct NothingMore {};

/// A function given by a user, brought into the form `Outcome<Answer::Result>(Args..., More)`. It may leave out the last
/// argument; it may answer a plain value, any that `Answer::from(value, args...)` takes, or an `Outcome` of one, or nothing where
/// `Answer::done(args...)` exists; and it may throw. Empty until one is given.
template <class Answer, class More, class... Args>
class UserFunction {
public:
    using Result = typename Answer::Result;

    UserFunction() = default;

    template <class Function>
        requires(!std::same_as<std::remove_cvref_t<Function>, UserFunction> && (std::invocable<Function&, Args..., More> || std::invocable<Function&, Args...>))
    UserFunction(Function function)
        : call_([function = std::move(function)](Args... args, [[maybe_unused]] More more) mutable -> Outcome<Result> {
              if constexpr (std::invocable<Function&, Args..., More>)
                  return answered([&]() -> decltype(auto) { return function(args..., more); }, args...);
              else
                  return answered([&]() -> decltype(auto) { return function(args...); }, args...);
          }) {}

    explicit operator bool() const noexcept { return static_cast<bool>(call_); }

    /// Calls it. What it throws becomes an error, `std::bad_alloc` excepted. \param what its name in texts: table and function.
    Outcome<Result> operator()(std::string_view table, std::string_view name, Args... args, More more) const {
        const auto what = [&] { return "the function '" + std::string(name) + "' given for " + std::string(table); };
        if (!call_) return Error(errc::invalid_options, what() + " is missing");
        try {
            return call_(args..., more);
        } catch (const std::bad_alloc&) {
            throw;
        } catch (const Failure& failure) {
            return failure.error();
        } catch (const std::exception& thrown) {
            return Error(errc::exception_thrown, what() + " threw: " + thrown.what());
        } catch (...) {
            return Error(errc::exception_thrown, what() + " threw something that is not a std::exception");
        }
    }

private:
    template <class Call>
    static Outcome<Result> answered(Call call, const Args&... args) {
        using Raw = std::remove_cvref_t<decltype(call())>;
        if constexpr (std::is_void_v<Raw>) {
            call();
            return Answer::done(args...);
        } else if constexpr (is_outcome_v<Raw>) {
            auto outcome = call();
            if (!outcome) return std::move(outcome).error();
            if constexpr (std::is_void_v<typename Raw::value_type>)
                return Answer::done(args...);
            else
                return Answer::from(std::move(*outcome), args...);
        } else {
            return Answer::from(call(), args...);
        }
    }

    std::function<Outcome<Result>(Args..., More)> call_;
};

/// "A row or none": the row, an optional one, or a pointer to one.
template <class Entity>
struct RowAnswer {
    using Result = std::optional<Entity>;

    template <class Raw, class Key>
    static Outcome<Result> from(Raw&& raw, const Key&) {
        if constexpr (std::convertible_to<Raw, Result>)
            return Result(std::forward<Raw>(raw));
        else
            return raw ? Result(*raw) : Result();
    }
};

/// "Rows for keys": one for each key in order, or those that exist in any order.
template <class Entity>
struct RowsAnswer {
    using Result = std::vector<std::optional<Entity>>;
    using Keys = std::span<const primary_key_t<Entity>>;

    static Outcome<Result> from(Result rows, Keys keys) {
        if (rows.size() != keys.size())
            return Error(errc::database_failure, std::string(schema_of<Entity>::table) + ": load_many answered " + std::to_string(rows.size()) + " rows for " + std::to_string(keys.size()) + " keys");
        return rows;
    }

    static Outcome<Result> from(std::vector<Entity> found, Keys keys) {
        std::map<primary_key_t<Entity>, const Entity*, StoredLess> rows_by_key;
        for (const auto& row : found) rows_by_key.emplace(primary_key_of(row), &row);
        Result rows(keys.size());
        for (std::size_t i = 0; i < keys.size(); ++i)
            if (const auto at = rows_by_key.find(keys[i]); at != rows_by_key.end()) rows[i] = *at->second;
        return rows;
    }
};

/// "What was inserted": the row as it is stored, its key, or nothing (the row as it was given).
template <class Entity>
struct StoredAnswer {
    struct Result {
        std::optional<Entity> row;
        std::optional<primary_key_t<Entity>> key;
    };

    static Outcome<Result> from(Entity row, const Entity&) { return Result{std::move(row), std::nullopt}; }
    static Outcome<Result> from(primary_key_t<Entity> key, const Entity&) { return Result{std::nullopt, std::move(key)}; }
    static Outcome<Result> done(const Entity& given) { return Result{std::nullopt, primary_key_of(given)}; }
};

/// "Done": nothing, or whether there was such a row.
struct DoneAnswer {
    using Result = bool;

    template <std::same_as<bool> Raw, class... Args>
    static Outcome<bool> from(Raw found, const Args&...) {
        return found;
    }
    template <class... Args>
    static Outcome<bool> done(const Args&...) {
        return true;
    }
};

/// "Moved to a version": that version, or whether the row was written at the next one; nothing or false if it was not.
struct MovedAnswer {
    using Result = std::optional<Version>;

    template <class Raw, class Row>
        requires std::same_as<Raw, bool> || std::same_as<Raw, Version> || std::same_as<Raw, std::optional<Version>>
    static Outcome<Result> from(Raw moved, const Row&, Version expected) {
        if constexpr (std::same_as<Raw, bool>)
            return moved ? Result(expected + 1) : Result();
        else
            return Result(moved);
    }
};

/// "The rows of a group": keys and versions, whole rows, or keys alone (of an entity without versions), in any order.
template <class Entity>
struct ListAnswer {
    using Result = std::vector<RowVersion<Entity>>;

    template <class Key>
    static Outcome<Result> from(Result rows, const Key&) {
        return sorted(std::move(rows));
    }
    template <class Key>
    static Outcome<Result> from(const std::vector<Entity>& found, const Key&) {
        Result rows;
        for (const auto& row : found) rows.push_back({primary_key_of(row), schema_of<Entity>::version_of(row)});
        return sorted(std::move(rows));
    }
    template <class Key>
        requires(!schema_of<Entity>::has_version)
    static Outcome<Result> from(const std::vector<primary_key_t<Entity>>& keys, const Key&) {
        Result rows;
        for (const auto& key : keys) rows.push_back({key, 0});
        return sorted(std::move(rows));
    }

private:
    static Outcome<Result> sorted(Result rows) {
        std::sort(rows.begin(), rows.end(), [](const auto& left, const auto& right) { return StoredLess{}(left.key, right.key); });
        return rows;
    }
};

} // namespace detail
} // namespace v0
} // namespace larder
