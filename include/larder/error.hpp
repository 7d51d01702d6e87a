// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <boost/system/system_error.hpp>

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace larder {
inline namespace v0 {

/// Why an operation failed: the values of the library's error category.
enum class errc {
    duplicate_key = 1,   ///< A unique key of the written row already belongs to another row.
    version_conflict,    ///< The row moved on since the version that the write was conditional on.
    no_such_row,         ///< The row to be changed does not exist.
    revoked,             ///< The row to be changed is revoked, which is terminal.
    missing_relation,    ///< An embedded row that the schema requires does not exist.
    schema_mismatch,     ///< The database lacks a table or column that the schema names, or holds a value of another type.
    database_busy,       ///< The database is locked by another writer for longer than the busy timeout.
    database_corrupt,    ///< The database file is damaged, or is not a database.
    database_unavailable,///< The database cannot be reached or opened.
    database_failure,    ///< The database refused or failed for a reason that its text names.
    foreign_writer,      ///< Another process writes the database although the repository was declared its sole writer.
    outcome_unknown,     ///< The write was sent but its answer was lost, or cannot be read: it may or may not have committed.
    deadline_passed,     ///< The write reached the database after its fence had ended, so the database refused it.
    cache_unavailable,   ///< A cache tier cannot be reached.
    value_too_large,     ///< The value is larger than the tier's or the database's bound.
    invalid_options,     ///< An option is out of its range.
    no_executor,         ///< An asynchronous verb was used on a blocking database that was given no executor.
    stopped,             ///< The repository has been shut down.
    timed_out,           ///< The operation's time limit passed.
    exception_thrown,    ///< A function given by the user, or a tier or a database, threw; the text says which and what.
    transaction_conflict,///< Other transactions stood in the way (a deadlock, or what was read has changed): nothing was written, and it may be tried again.
    no_random_bytes,     ///< The source of random bytes failed, so that no secret could be made.
};

/// The library's error category: its name is "larder".
inline const boost::system::error_category& error_category() noexcept {
    struct Category final : boost::system::error_category {
        const char* name() const noexcept override { return "larder"; }
        std::string message(int value) const override {
            switch (static_cast<errc>(value)) {
            case errc::duplicate_key: return "a unique key already belongs to another row";
            case errc::version_conflict: return "the row changed since it was read";
            case errc::no_such_row: return "the row does not exist";
            case errc::revoked: return "the row is revoked, which is terminal";
            case errc::missing_relation: return "a related row that the schema requires does not exist";
            case errc::schema_mismatch: return "the database does not match the schema";
            case errc::database_busy: return "the database is locked by another writer";
            case errc::database_corrupt: return "the database file is damaged or is not a database";
            case errc::database_unavailable: return "the database cannot be reached";
            case errc::database_failure: return "the database failed";
            case errc::foreign_writer: return "another process writes a database declared as sole_writer";
            case errc::outcome_unknown: return "the write's answer was lost or cannot be read; it may have committed";
            case errc::deadline_passed: return "the write came after its fence had ended and was refused";
            case errc::cache_unavailable: return "the cache tier cannot be reached";
            case errc::value_too_large: return "the value is larger than the bound";
            case errc::invalid_options: return "an option is out of its range";
            case errc::no_executor: return "an asynchronous verb needs an executor for the blocking database";
            case errc::stopped: return "the repository has been shut down";
            case errc::timed_out: return "the time limit passed";
            case errc::exception_thrown: return "a function that was called threw";
            case errc::transaction_conflict: return "other transactions stood in the way; nothing was written";
            case errc::no_random_bytes: return "the source of random bytes failed";
            }
            return "unknown larder error";
        }
    };
    static const Category category;
    return category;
}

inline boost::system::error_code make_error_code(errc code) noexcept {
    return {static_cast<int>(code), error_category()};
}

/// A failure: a code to branch on and a text for people. The text names entity, key kind and cause, never a key's value.
struct Error {
    boost::system::error_code code; ///< What failed; unset means "no failure".
    std::string text;               ///< What, where and why, in a sentence fragment.

    Error() noexcept = default;
    Error(errc value, std::string why) : code(make_error_code(value)), text(std::move(why)) {}
    Error(boost::system::error_code value, std::string why) : code(value), text(std::move(why)) {}

    /// True if this is a failure.
    explicit operator bool() const noexcept { return code.failed(); }
    friend bool operator==(const Error& failure, errc value) noexcept { return failure.code == make_error_code(value); }
};

/// The exception form of an `Error`, thrown only where the caller asks for exceptions.
class Failure : public boost::system::system_error {
public:
    explicit Failure(Error failure) : boost::system::system_error(failure.code, failure.text), error_(std::move(failure)) {}
    /// The failure as a value.
    const Error& error() const noexcept { return error_; }

private:
    Error error_;
};

[[noreturn]] inline void throw_exception_from_error(const Error& failure, const boost::source_location&) {
    throw Failure(failure);
}

/// A value or an `Error`. `value()` throws `Failure`.
template <class T>
using Outcome = boost::system::result<T, Error>;

} // namespace v0
} // namespace larder

template <>
struct boost::system::is_error_code_enum<larder::errc> : std::true_type {};
