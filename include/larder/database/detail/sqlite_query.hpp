// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/detail/refusal.hpp>
#include <larder/database/detail/sql_row.hpp>
#include <larder/database/detail/sqlite_connection.hpp>
#include <larder/entity/key.hpp>
#include <larder/entity/value.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace larder {
inline namespace v0 {
namespace detail {

/// One run of a prepared statement: parameters in, rows out. A failure is kept, and ends the run; so only the end needs a look.
///
/// Parameters are not copied: the values bound must live until the last `step`.
class SqliteQuery {
public:
    SqliteQuery(SqliteConnection& connection, sqlite3_stmt* statement, Error error) noexcept
        : connection_(connection), statement_(statement), error_(std::move(error)) {}
    SqliteQuery(const SqliteQuery&) = delete;
    SqliteQuery& operator=(const SqliteQuery&) = delete;
    ~SqliteQuery() { sqlite3_reset(statement_); }

    /// Binds the next parameter. One that is too large for the connection's bound is an error whose text is for the caller to set.
    template <column_value T>
    void bind(const T& value) {
        if (error_) [[unlikely]]
            return;
        if constexpr (is_nullable_v<T>) {
            if (value)
                bind_value(*value);
            else
                check(sqlite3_bind_null(statement_, ++parameter_));
        } else {
            bind_value(value);
        }
    }

    /// Makes the next parameters null.
    void bind_nulls(std::size_t count) {
        for (std::size_t i = 0; i < count && !error_; ++i) check(sqlite3_bind_null(statement_, ++parameter_));
    }

    /// Binds members of a row to the next parameters.
    template <entity Entity, auto... Members>
    void bind_members(const Entity& row, MemberList<Members...>) {
        (bind_named<Entity, Members>(row.*Members), ...);
    }

    /// Binds the parts of a key, which are named by the members it consists of.
    template <entity Entity, auto... Members, class Key>
    void bind_key(const Key& key, MemberList<Members...>) {
        if constexpr (is_tuple_v<Key>)
            std::apply([&](const auto&... parts) { (bind_named<Entity, Members>(parts), ...); }, key);
        else
            (bind_named<Entity, Members>(key), ...);
    }

    /// Goes to the next answered row; false at the end or on failure.
    bool step() {
        if (error_) [[unlikely]]
            return false;
        code_ = sqlite3_step(statement_);
        if (code_ == SQLITE_ROW) return true;
        if (code_ != SQLITE_DONE) error_ = connection_.failure(code_);
        return false;
    }

    /// The run's failure; unset if all went well so far.
    Error& error() noexcept { return error_; }
    /// SQLite's extended code of the last step.
    int code() const noexcept { return code_; }
    /// How many rows the last finished statement changed.
    int changes() const noexcept { return sqlite3_changes(connection_.handle()); }

    bool is_null(int column) const noexcept { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

    /// Reads a column of the row at hand.
    template <column_value T>
    Cell read(int column, T& value) const {
        const int type = sqlite3_column_type(statement_, column);
        if constexpr (is_nullable_v<T>) {
            if (type == SQLITE_NULL) {
                value.reset();
                return Cell::read;
            }
            return read_value(column, type, value.emplace());
        } else {
            return read_value(column, type, value);
        }
    }

private:
    template <entity Entity, auto Member, class T>
    void bind_named(const T& value) {
        bind(value);
        if (error_ && error_.text.empty())
            error_.text = Refusal<Entity>::table() + "." + std::string(Column<Entity, Member>::name()) + ": a value is larger than the bound of " +
                          std::to_string(connection_.max_value_bytes()) + " bytes";
    }

    template <class T>
    void bind_value(const T& value) {
        const auto stored = value_traits<T>::to(value);
        using Stored = std::remove_const_t<decltype(stored)>;
        ++parameter_;
        if constexpr (std::is_same_v<Stored, std::int64_t>) {
            check(sqlite3_bind_int64(statement_, parameter_, stored));
        } else if constexpr (std::is_same_v<Stored, double>) {
            check(sqlite3_bind_double(statement_, parameter_, stored));
        } else if (stored.size() > connection_.max_value_bytes()) {
            error_ = {errc::value_too_large, std::string()};
        } else if constexpr (std::is_same_v<Stored, std::string_view>) {
            check(sqlite3_bind_text64(statement_, parameter_, stored.data() ? stored.data() : "", stored.size(), SQLITE_STATIC, SQLITE_UTF8));
        } else {
            static_assert(std::is_same_v<Stored, std::span<const std::byte>>);
            check(sqlite3_bind_blob64(statement_, parameter_, stored.data() ? static_cast<const void*>(stored.data()) : "", stored.size(), SQLITE_STATIC));
        }
    }

    void check(int code) {
        if (code != SQLITE_OK) [[unlikely]]
            error_ = connection_.failure(code);
    }

    template <class T>
    Cell read_value(int column, int type, T& value) const {
        using Stored = typename value_traits<T>::Stored;
        if (type == SQLITE_NULL) [[unlikely]]
            return Cell::null;
        bool sound = false;
        if constexpr (std::is_same_v<Stored, std::int64_t>) {
            if (type != SQLITE_INTEGER) return Cell::wrong_type;
            sound = value_traits<T>::from(sqlite3_column_int64(statement_, column), value);
        } else if constexpr (std::is_same_v<Stored, double>) {
            if (type != SQLITE_FLOAT && type != SQLITE_INTEGER) return Cell::wrong_type;
            sound = value_traits<T>::from(sqlite3_column_double(statement_, column), value);
        } else if constexpr (std::is_same_v<Stored, std::string_view>) {
            if (type != SQLITE_TEXT) return Cell::wrong_type;
            const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
            if (!text) throw std::bad_alloc();
            sound = value_traits<T>::from(Stored(text, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))), value);
        } else {
            if (type != SQLITE_BLOB) return Cell::wrong_type;
            const auto* bytes = static_cast<const std::byte*>(sqlite3_column_blob(statement_, column));
            const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
            if (!bytes && size != 0) throw std::bad_alloc();
            sound = value_traits<T>::from(Stored(bytes, size), value);
        }
        return sound ? Cell::read : Cell::wrong_value;
    }

    SqliteConnection& connection_;
    sqlite3_stmt* statement_;
    Error error_;
    int parameter_ = 0;
    int code_ = SQLITE_OK;
};

/// A run of the statement whose SQL `Text` makes; guaranteed elision, so it is made in place.
template <auto Text>
SqliteQuery run_of(SqliteConnection& connection) {
    Error error;
    auto* statement = connection.statement<Text>(error);
    return SqliteQuery(connection, statement, std::move(error));
}

} // namespace detail
} // namespace v0
} // namespace larder
