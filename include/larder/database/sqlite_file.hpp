// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/detail/file_lock.hpp>
#include <larder/database/detail/one_slot.hpp>
#include <larder/database/detail/sqlite_connection.hpp>
#include <larder/database/detail/sqlite_query.hpp>
#include <larder/database/detail/timed_gate.hpp>
#include <larder/error.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {

class SqliteTransaction;

/// When SQLite waits for the disk.
enum class SqliteSync : std::uint8_t {
    normal, ///< At checkpoints: a power cut may lose the last commits, never the database; a crash of the process loses nothing.
    full,   ///< At each commit.
};

/// How a SQLite database is opened and used.
struct SqliteOptions {
    /// How long an operation waits for other writers, of this process and of others; from 0 (not at all) to 24 days.
    std::chrono::milliseconds busy_timeout = std::chrono::seconds(5);
    /// Where the asynchronous forms run: the executor of a thread pool that the caller owns and that outlives the handle.
    boost::asio::any_io_executor executor = {};
    /// Declares that nobody else writes the database. Another handle that declares the same is refused when it opens
    /// (`errc::foreign_writer`; a lock file `<path>-writer` tells), and a write that finds that somebody else wrote is refused
    /// until `accept_foreign_writes`. Reading by others is no writing; emptying the write-ahead log from outside
    /// (`PRAGMA wal_checkpoint(RESTART)` or `TRUNCATE`) can not be told from it.
    bool sole_writer = false;
    /// How many connections read at once at the most, 1 to 1000; each is opened when it is first needed.
    std::size_t readers = 8;
    SqliteSync synchronous = SqliteSync::normal;
    /// Creates the database file if there is none.
    bool create = true;
    /// The largest text or byte string that is written or looked up, in bytes, 1 or more; a larger one is `errc::value_too_large`.
    std::size_t max_value_bytes = std::size_t{16} << 20;
};

/// An open SQLite database, shared by the databases of all entities kept in it. A cheap handle: copies share the
/// connections, which are closed with the last of them.
///
/// A file is put into WAL mode, so that readers and the writer do not block each other: one connection writes, under a
/// mutex, and up to `SqliteOptions::readers` read, each with its prepared statements. `":memory:"` is one connection under a mutex.
/// Foreign keys are enforced. Thread-safe. A handle must not be carried across `fork`.
class SqliteFile {
public:
    /// Opens a database: a file's path, or ":memory:".
    /// \throws Failure `errc::invalid_options`, or why it could not be opened (as `open` answers).
    explicit SqliteFile(std::string path, SqliteOptions options = {}) : state_(std::make_shared<State>(std::move(path), std::move(options))) {
        if (auto failed = state_->open()) throw Failure(std::move(failed));
    }

    /// The same without exceptions: `errc::database_unavailable`, `errc::database_corrupt` (damaged, or no database),
    /// `errc::database_busy`, `errc::foreign_writer`, `errc::invalid_options`.
    static Outcome<SqliteFile> open(std::string path, SqliteOptions options = {}) {
        auto state = std::make_shared<State>(std::move(path), std::move(options));
        if (auto failed = state->open()) return failed;
        return SqliteFile(std::move(state));
    }

    /// Where the asynchronous forms run; empty if none was given.
    boost::asio::any_io_executor executor() const { return state_->options.executor; }
    const std::string& path() const noexcept { return state_->settings.path; }
    const SqliteOptions& options() const noexcept { return state_->options; }

    /// Looks whether somebody else wrote the database since it was opened, and answers how often that was noticed, here or by
    /// a write. Always 0 unless `sole_writer` was declared. Waits for a write in progress; `errc::database_busy` if for too long.
    Outcome<std::uint64_t> foreign_writes() {
        auto lease = write_lease();
        if (auto failed = lease.error()) return failed;
        if (auto failed = state_->notice_foreign_writes()) return failed;
        return state_->foreign_writes;
    }

    /// Takes what others wrote as it is, so that writes are possible again. To be called after the caches in front of the
    /// database have been emptied: they may hold what is no longer true. `errc::database_busy` as above.
    Outcome<void> accept_foreign_writes() {
        auto lease = write_lease();
        if (auto failed = lease.error()) return failed;
        if (auto failed = state_->notice_foreign_writes()) return failed;
        state_->tainted = false;
        return {};
    }

private:
    friend class SqliteTransaction;
    friend class SqliteUnit;
    template <class Entity>
    friend class SqliteDatabase;

    struct State {
        State(std::string path, SqliteOptions given)
            : options(std::move(given)), settings{std::move(path), options.busy_timeout, options.max_value_bytes}, in_memory(settings.path == ":memory:") {}

        Error open() {
            constexpr auto longest = std::chrono::milliseconds(std::numeric_limits<int>::max());
            if (settings.path.empty()) return {errc::invalid_options, "SqliteFile: the path is empty"};
            if (options.busy_timeout.count() < 0 || options.busy_timeout > longest) return {errc::invalid_options, "SqliteFile: busy_timeout is out of its range"};
            if (options.readers == 0 || options.readers > 1000) return {errc::invalid_options, "SqliteFile: readers must be from 1 to 1000"};
            if (options.max_value_bytes == 0) return {errc::invalid_options, "SqliteFile: max_value_bytes must be 1 or more"};
            if (sqlite3_threadsafe() == 0) return {errc::database_unavailable, "SqliteFile: this SQLite library was built without thread safety"};
            if (options.sole_writer && !in_memory)
                switch (lock.take(settings.path + "-writer")) {
                case detail::FileLock::Result::taken: break;
                case detail::FileLock::Result::held_by_another:
                    return {errc::foreign_writer, settings.path + ": another handle, of this process or another, is open as its sole_writer"};
                case detail::FileLock::Result::failed: return {errc::database_unavailable, settings.path + ": the lock file beside it can not be opened"};
                }
            auto opened = connect(true);
            if (!opened) return std::move(opened).error();
            writer = std::move(*opened);
            if (options.sole_writer) {
                auto seen = data_version();
                if (!seen) return std::move(seen).error();
                seen_version = *seen;
            }
            return {};
        }

        Outcome<std::unique_ptr<detail::SqliteConnection>> connect(bool writes) {
            auto made = detail::SqliteConnection::open(settings, SQLITE_OPEN_READWRITE | (writes && options.create ? SQLITE_OPEN_CREATE : 0));
            if (!made) return made;
            auto& connection = **made;
            if (writes && !in_memory)
                if (auto failed = use_wal(connection)) return failed;
            std::string pragmas = "PRAGMA foreign_keys = ON; PRAGMA synchronous = ";
            pragmas += options.synchronous == SqliteSync::full ? "FULL;" : "NORMAL;";
            if (!writes) pragmas += "PRAGMA query_only = ON;";
            if (auto failed = connection.execute(pragmas)) return failed;
            return made;
        }

        /// Puts the file into WAL mode. While others do the same SQLite says busy at once; so their locks are waited for.
        Error use_wal(detail::SqliteConnection& connection) {
            constexpr int most_tries = 100;
            for (int tries = 1;; ++tries) {
                std::string mode;
                Error failed;
                {
                    auto query = detail::run_of<&journal_mode_sql>(connection);
                    if (query.step()) query.read(0, mode);
                    failed = std::move(query.error());
                }
                if (failed == errc::database_busy && tries < most_tries) {
                    if (auto locked = connection.execute("BEGIN IMMEDIATE; ROLLBACK")) return locked;
                    continue;
                }
                if (!failed && mode != "wal") failed = {errc::database_unavailable, settings.path + ": can not be put into WAL mode (it stays in mode " + mode + ")"};
                return failed;
            }
        }

        Outcome<std::int64_t> data_version() {
            auto query = detail::run_of<&data_version_sql>(*writer);
            std::int64_t number = 0;
            if (query.step()) query.read(0, number);
            if (query.error()) return std::move(query.error());
            return number;
        }

        /// Notes whether another connection than the writer's committed since the last look. \pre the writer is leased.
        Error notice_foreign_writes() {
            if (!options.sole_writer) return {};
            auto seen = data_version();
            if (!seen) return std::move(seen).error();
            if (*seen != seen_version) {
                seen_version = *seen;
                ++foreign_writes;
                tainted = true;
            }
            return {};
        }

        static std::string journal_mode_sql() { return "PRAGMA journal_mode = WAL"; }
        static std::string data_version_sql() { return "PRAGMA data_version"; }

        const SqliteOptions options;
        const detail::SqliteConnection::Settings settings;
        const bool in_memory;
        detail::FileLock lock;

        detail::TimedGate writing; ///< Guards the writer and what follows it.
        std::unique_ptr<detail::SqliteConnection> writer;
        std::int64_t seen_version = 0;
        std::uint64_t foreign_writes = 0;
        bool tainted = false;

        detail::OneSlot<detail::SqliteConnection> handy; ///< The reader that was given back last, for whoever comes next.
        std::mutex pooling;                              ///< Guards the other idle readers and the number of all.
        std::condition_variable returned;
        std::atomic<unsigned> waiting{0}; ///< Who waits for a reader. Whoever puts one into the slot looks here after it, and whoever waits looks into the slot after counting.
        std::vector<std::unique_ptr<detail::SqliteConnection>> idle;
        std::size_t open_readers = 0;
    };

    explicit SqliteFile(std::shared_ptr<State> state) : state_(std::move(state)) {}

    /// The writer's connection, alone.
    class WriteLease {
    public:
        explicit WriteLease(std::shared_ptr<State> state) : state_(std::move(state)), lock_(state_->writing, state_->options.busy_timeout) {}
        Error error() const {
            if (lock_.owns_lock()) return {};
            return {errc::database_busy, state_->settings.path + ": another write of this process took longer than the busy timeout"};
        }
        detail::SqliteConnection& connection() const noexcept { return *state_->writer; }
        State& state() const noexcept { return *state_; }

    private:
        std::shared_ptr<State> state_;
        std::unique_lock<detail::TimedGate> lock_;
    };

    /// A connection to read with, alone.
    class ReadLease {
    public:
        explicit ReadLease(State& state) : state_(state) {
            if (state_.in_memory) {
                writing_ = std::unique_lock(state_.writing, state_.options.busy_timeout);
                if (!writing_) error_ = {errc::database_busy, state_.settings.path + ": another operation of this process took longer than the busy timeout"};
                return;
            }
            pooled_ = state_.handy.take();
            if (pooled_) [[likely]]
                return;
            {
                std::unique_lock lock(state_.pooling);
                ++state_.waiting;
                state_.returned.wait(lock, [this] { return found_idle() || state_.open_readers < state_.options.readers; });
                --state_.waiting;
                if (pooled_) return;
                state_.idle.reserve(state_.options.readers);
                ++state_.open_readers;
            }
            try {
                auto made = state_.connect(false);
                if (made)
                    pooled_ = std::move(*made);
                else
                    error_ = std::move(made).error();
            } catch (...) {
                give_up();
                throw;
            }
            if (!pooled_) give_up();
        }
        ReadLease(const ReadLease&) = delete;
        ReadLease& operator=(const ReadLease&) = delete;
        ~ReadLease() {
            if (pooled_) give_back();
        }

        const Error& error() const noexcept { return error_; }
        detail::SqliteConnection& connection() const noexcept { return pooled_ ? *pooled_ : *state_.writer; }

    private:
        bool found_idle() noexcept {
            pooled_ = state_.handy.take();
            if (!pooled_ && !state_.idle.empty()) {
                pooled_ = std::move(state_.idle.back());
                state_.idle.pop_back();
            }
            return pooled_ != nullptr;
        }

        void give_back() noexcept {
            const bool in_slot = state_.handy.put(pooled_);
            if (in_slot && state_.waiting == 0) [[likely]]
                return;
            {
                const std::lock_guard lock(state_.pooling);
                if (!in_slot) state_.idle.push_back(std::move(pooled_));
            }
            state_.returned.notify_one();
        }
        /// Gives back the right to open a reader.
        void give_up() noexcept {
            {
                const std::lock_guard lock(state_.pooling);
                --state_.open_readers;
            }
            state_.returned.notify_one();
        }

        State& state_;
        std::unique_lock<detail::TimedGate> writing_;
        std::unique_ptr<detail::SqliteConnection> pooled_;
        Error error_;
    };

    WriteLease write_lease() const { return WriteLease(state_); }

    std::shared_ptr<State> state_;
};

} // namespace v0
} // namespace larder
