// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/database.hpp>
#include <larder/database/detail/sqlite_dialect.hpp>
#include <larder/database/sqlite_file.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace larder {
inline namespace v0 {

/// A transaction on the one writing connection of a SQLite database: what happens in it commits together or not at all. It
/// holds the write lock, of the process and of the file, from its beginning to its end.
///
/// Not thread-safe. Only one at a time in a thread: a second one of the same database would wait for the first.
class SqliteTransaction {
public:
    /// Why the lock is taken.
    enum class Purpose : std::uint8_t {
        write, ///< To change rows.
        read,  ///< To read rows after any commit that is in flight.
    };

    /// Takes the lock and begins. `errc::database_busy` after the busy timeout; `errc::foreign_writer` if the purpose is to write
    /// and somebody else wrote a database that was declared as `sole_writer`.
    explicit SqliteTransaction(const SqliteFile& file, Purpose purpose = Purpose::write) : lease_(file.write_lease()), error_(lease_.error()) {
        if (error_) return;
        error_ = run<&begin_sql>();
        if (error_) return;
        open_ = true;
        if (purpose == Purpose::write) error_ = foreign_writer();
        if (error_) roll_back();
    }
    SqliteTransaction(const SqliteTransaction&) = delete;
    SqliteTransaction& operator=(const SqliteTransaction&) = delete;

    /// Rolls back what was not committed.
    ~SqliteTransaction() { roll_back(); }

    /// Why it could not begin; unset if it did.
    const Error& error() const noexcept { return error_; }

    /// Commits. On failure everything is rolled back; `errc::outcome_unknown` if the disk failed at the last step.
    Error commit() {
        auto query = detail::run_of<&commit_sql>(lease_.connection());
        query.step();
        if (!query.error()) {
            open_ = false;
            return {};
        }
        auto failed = std::move(query.error());
        if ((query.code() & 0xff) == SQLITE_IOERR) failed.code = make_error_code(errc::outcome_unknown);
        if (query.code() == SQLITE_CONSTRAINT_FOREIGNKEY) failed.code = make_error_code(errc::missing_relation);
        return failed;
    }

    /// Undoes everything. Nothing happens if the transaction has ended.
    void roll_back() noexcept {
        if (!std::exchange(open_, false)) return;
        auto& connection = lease_.connection();
        // SQLite may have rolled back by itself, after a full disk for example.
        if (!sqlite3_get_autocommit(connection.handle())) sqlite3_exec(connection.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
    }

    /// The connection that runs the transaction.
    detail::SqliteConnection& connection() const noexcept { return lease_.connection(); }

private:
    static std::string begin_sql() { return "BEGIN IMMEDIATE"; }
    static std::string commit_sql() { return "COMMIT"; }

    template <auto Text>
    Error run() {
        auto query = detail::run_of<Text>(lease_.connection());
        query.step();
        return std::move(query.error());
    }

    Error foreign_writer() {
        auto& state = lease_.state();
        if (auto failed = state.notice_foreign_writes()) return failed;
        if (!state.tainted) return {};
        return {errc::foreign_writer, state.settings.path + ": somebody else wrote it although it was opened as its sole_writer"};
    }

    SqliteFile::WriteLease lease_;
    Error error_;
    bool open_ = false;
};

/// A transaction of a SQLite database in the hands of a unit of work (`transactional`). From its beginning to its end it is the file's
/// only writer; asynchronous operations of this process that would wait for it are kept back without a thread.
///
/// Not thread-safe.
class SqliteUnit {
public:
    SqliteUnit(SqliteUnit&&) noexcept = default;
    SqliteUnit& operator=(SqliteUnit&&) = delete;
    ~SqliteUnit() {
        if (work_) work_->transaction.reset();
    }

    /// Where the asynchronous form runs.
    boost::asio::any_io_executor executor() const { return work_->file.executor(); }

    /// Beside the contract's errors those of `SqliteTransaction::commit`. The clock is read immediately before the commit.
    Outcome<void> commit(const WriteCondition& condition) {
        const auto ended = end();
        if (!*ended) return Error(errc::stopped, "the transaction has ended");
        auto& transaction = **ended;
        if (condition.not_after)
            if (auto late = passed(transaction.connection(), *condition.not_after)) return late;
        if (auto failed = transaction.commit()) return failed;
        return {};
    }

    Outcome<void> roll_back() {
        if (const auto ended = end(); !*ended) return Error(errc::stopped, "the transaction has ended");
        return {};
    }

private:
    template <class Entity>
    friend class SqliteDatabase;

    /// What the transaction is in, for as long as anybody knows of it; the transaction itself goes when it ends.
    struct Work {
        explicit Work(SqliteFile used) : file(std::move(used)) {}
        SqliteFile file;
        std::optional<SqliteTransaction> transaction;
    };
    /// Takes the transaction out of its work, to end with this object.
    class Ended {
    public:
        explicit Ended(std::shared_ptr<Work> work) noexcept : work_(std::move(work)) {}
        Ended(const Ended&) = delete;
        Ended& operator=(const Ended&) = delete;
        ~Ended() { work_->transaction.reset(); }
        std::optional<SqliteTransaction>& operator*() const noexcept { return work_->transaction; }

    private:
        std::shared_ptr<Work> work_;
    };

    explicit SqliteUnit(std::shared_ptr<Work> work) noexcept : work_(std::move(work)) {}

    Ended end() { return Ended(work_); }

    static std::string passed_sql() {
        return "SELECT " + std::string(detail::SqliteDialect::clock) + " + " + std::to_string(detail::SqliteDialect::clock_grain) + " > ?1";
    }
    static Error passed(detail::SqliteConnection& connection, DatabaseTime moment) {
        auto query = detail::run_of<&passed_sql>(connection);
        query.bind(moment);
        bool late = true;
        if (query.step()) query.read(0, late);
        if (query.error()) return std::move(query.error());
        return late ? Error(errc::deadline_passed, "the transaction came after its deadline") : Error();
    }

    std::shared_ptr<Work> work_;
};

} // namespace v0
} // namespace larder
