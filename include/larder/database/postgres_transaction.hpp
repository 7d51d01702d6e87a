// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/database.hpp>
#include <larder/database/detail/postgres_call.hpp>
#include <larder/database/detail/postgres_dialect.hpp>
#include <larder/database/detail/postgres_failure.hpp>
#include <larder/database/postgres_pool.hpp>
#include <larder/error.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace larder {
inline namespace v0 {

/// A transaction of several operations in PostgreSQL, on a connection of its own (`transactional`, as operations that do not block).
///
/// With `Isolation::rows` each statement sees what was committed when it began; a row that the transaction has written is locked until its end. A connection that is
/// lost in a transaction is `errc::database_unavailable`, and the server rolls back; only a commit may be `errc::outcome_unknown`. Not thread-safe.
class PostgresTransaction {
    using Request = detail::PostgresRequest;
    using Answer = detail::PostgresAnswer;
    using Kind = detail::PostgresFailure::Kind;

public:
    PostgresTransaction(PostgresTransaction&&) noexcept = default;
    PostgresTransaction& operator=(PostgresTransaction&&) = delete;
    ~PostgresTransaction() {
        if (work_) work_->give_up();
    }

    /// Where handlers are called.
    boost::asio::any_io_executor executor() const { return work_->pool.executor(); }

    /// \param handler `handler(Outcome<void>)`. The clock is read in the same round trip, immediately before the commit.
    template <class Handler>
    void async_commit(const WriteCondition& condition, Handler handler) {
        if (!work_->connection) return handler(Outcome<void>(has_ended()));
        Request request(0);
        request.writes();
        if (condition.not_after) request.step<&not_after_sql>().bind(static_cast<std::int64_t>(condition.not_after->time_since_epoch().count()));
        request.step<&commit_sql>();
        work_->submit(std::move(request), [work = work_, handler = std::move(handler)](const Answer& answer) mutable {
            const auto& failure = answer.failure;
            if (!failure && std::string_view(PQcmdStatus(answer.results.back().get())) == "COMMIT") {
                work->give_back();
                return handler(Outcome<void>());
            }
            Error why = !failure                   ? Error(errc::database_failure, "PostgreSQL: the transaction had failed before, and was rolled back")
                        : failure.is("22012")      ? Error(errc::deadline_passed, "the transaction came after its deadline")
                        : failure.stood_in_the_way() ? conflict("PostgreSQL")
                                                   : detail::error_of(failure, "PostgreSQL", true);
            work->roll_back([why = std::move(why), handler = std::move(handler)](const Outcome<void>&) mutable { handler(Outcome<void>(std::move(why))); });
        });
    }

    /// \param handler `handler(Outcome<void>)`.
    template <class Handler>
    void async_roll_back(Handler handler) {
        if (!work_->connection) return handler(Outcome<void>(has_ended()));
        work_->roll_back(std::move(handler));
    }

private:
    template <class Entity>
    friend class PostgresDatabase;

    static std::string begin_sql() { return "BEGIN"; }
    static std::string begin_serializable_sql() { return "BEGIN ISOLATION LEVEL SERIALIZABLE"; }
    static std::string commit_sql() { return "COMMIT"; }
    static std::string roll_back_sql() { return "ROLLBACK"; }
    /// Fails (division by zero) once the clock is past the moment that is its parameter.
    static std::string not_after_sql() { return "SELECT 1 / (CASE WHEN " + std::string(detail::PostgresDialect::clock) + " <= $1 THEN 1 ELSE 0 END)"; }

    static Error has_ended() { return {errc::stopped, "the transaction has ended"}; }
    static Error conflict(const std::string& table) { return {errc::transaction_conflict, table + ": other transactions stood in the way"}; }

    /// The connection, for as long as the transaction lasts.
    struct Work : std::enable_shared_from_this<Work> {
        Work(PostgresPool used, std::shared_ptr<detail::PostgresConnection> alone) : pool(std::move(used)), connection(std::move(alone)) {}

        template <class Finish>
        void submit(Request request, Finish finish) {
            auto call = detail::make_postgres_call(std::move(request), std::move(finish));
            call->connection = connection;
            pool.state_->units->submit(std::move(call));
        }

        void give_back() {
            if (const auto ended = std::exchange(connection, nullptr)) pool.state_->units->give_back(ended);
        }

        /// Undoes everything; a connection on which that fails is not used any more.
        template <class Handler>
        void roll_back(Handler handler) {
            Request request(0);
            request.step<&roll_back_sql>();
            submit(std::move(request), [work = this->shared_from_this(), handler = std::move(handler)](const Answer& answer) mutable {
                const bool undone = !answer.failure;
                if (!undone) work->pool.state_->units->discard(work->connection);
                work->give_back();
                handler(undone ? Outcome<void>() : Outcome<void>(detail::error_of(answer.failure, "PostgreSQL", false)));
            });
        }

        void give_up() {
            if (connection) roll_back([](const Outcome<void>&) {});
        }

        PostgresPool pool;
        std::shared_ptr<detail::PostgresConnection> connection;
    };

    explicit PostgresTransaction(std::shared_ptr<Work> work) noexcept : work_(std::move(work)) {}

    template <class Handler>
    static void async_begin(const PostgresPool& pool, Isolation isolation, Handler handler) {
        Request request(0);
        if (isolation == Isolation::serializable)
            request.step<&begin_serializable_sql>();
        else
            request.step<&begin_sql>();
        auto call = detail::make_postgres_call(std::move(request), [pool, handler = std::move(handler)](const Answer& answer) mutable {
            if (answer.failure) return handler(Outcome<PostgresTransaction>(detail::error_of(answer.failure, "PostgreSQL", false)));
            handler(Outcome<PostgresTransaction>(PostgresTransaction(std::make_shared<Work>(pool, answer.connection))));
        });
        call->begins = true;
        pool.state_->units->submit(std::move(call));
    }

    std::shared_ptr<Work> work_;
};

} // namespace v0
} // namespace larder
