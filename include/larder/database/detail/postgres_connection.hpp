// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/detail/postgres_call.hpp>
#include <larder/database/detail/postgres_failure.hpp>
#include <larder/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>

namespace larder {
inline namespace v0 {
namespace detail {

/// What a connection to PostgreSQL is opened with.
struct PostgresTarget {
    std::vector<std::pair<std::string, std::string>> parameters; ///< libpq's keywords and values.
    std::chrono::milliseconds connect_timeout{};
};

class PostgresConnection;

/// Who is told of what becomes of a connection and its calls; told without any lock held, on the executor or in a call that it made.
class PostgresOwner {
public:
    PostgresOwner() = default;
    PostgresOwner(const PostgresOwner&) = delete;
    PostgresOwner& operator=(const PostgresOwner&) = delete;
    virtual ~PostgresOwner() = default;

    /// The connection takes calls from now on.
    virtual void connected(const std::shared_ptr<PostgresConnection>& connection) = 0;
    /// A call was answered.
    virtual void answered(const std::shared_ptr<PostgresConnection>& connection, PostgresCallPtr call, PostgresAnswer answer) = 0;
    /// The connection has ended. \param unsent calls that no server ran. \param lost calls that one may have run.
    virtual void ended(const std::shared_ptr<PostgresConnection>& connection, std::vector<PostgresCallPtr> unsent, std::vector<PostgresCallPtr> lost, Error why) = 0;
    /// A connection that listens was sent notifications.
    virtual void notified() {}
};

/// One connection to a server, which runs the requests of many callers in a pipeline: each request is a transaction of its own,
/// ended by a synchronisation point, so that one that fails disturbs no other.
///
/// Thread-safe: libpq is called under a mutex, and owners are told outside it. While requests are under way, operations on the
/// executor keep the connection and its owner; an idle one keeps nothing, so that it ends with its owner, unless it listens.
class PostgresConnection : public std::enable_shared_from_this<PostgresConnection> {
    using Lock = std::unique_lock<std::mutex>;
    using Owner = std::shared_ptr<PostgresOwner>;

public:
    enum class State : std::uint8_t { connecting, ready, closed };

    /// \param listens whether it reads what the server sends unasked, so that notifications are told as they come.
    explicit PostgresConnection(const boost::asio::any_io_executor& executor, bool listens = false) : listens_(listens), descriptor_(executor), timer_(executor) {}
    PostgresConnection(const PostgresConnection&) = delete;
    PostgresConnection& operator=(const PostgresConnection&) = delete;
    ~PostgresConnection() { PQfinish(handle_); }

    State state() const noexcept { return state_.load(std::memory_order_acquire); }
    /// How many requests are under way.
    std::size_t load() const noexcept { return load_.load(std::memory_order_relaxed); }
    /// Whether it is to be given no more requests: it is slow to answer, or is about to end.
    bool is_shunned() const noexcept { return retired_.load(std::memory_order_relaxed) || late_.load(std::memory_order_relaxed); }
    bool is_retired() const noexcept { return retired_.load(std::memory_order_relaxed); }
    /// Whether it was ever connected.
    bool was_ready() const noexcept { return connected_.load(std::memory_order_relaxed); }
    /// Lets it end once its requests are answered.
    void retire() noexcept { retired_.store(true, std::memory_order_relaxed); }
    /// Whether a transaction has it alone.
    bool is_reserved() const noexcept { return reserved_.load(std::memory_order_relaxed); }
    void reserve(bool alone) noexcept { reserved_.store(alone, std::memory_order_relaxed); }

    /// Begins to connect.
    void start(const PostgresTarget& target, const Owner& owner) {
        Lock lock(mutex_);
        if (state() == State::closed) return;
        std::vector<const char*> names, values;
        for (const auto& [name, value] : target.parameters) {
            names.push_back(name.c_str());
            values.push_back(value.c_str());
        }
        names.push_back(nullptr);
        values.push_back(nullptr);
        handle_ = PQconnectStartParams(names.data(), values.data(), 1);
        if (!handle_) throw std::bad_alloc();
        PQsetNoticeReceiver(handle_, [](void* self, const PGresult* notice) { static_cast<PostgresConnection*>(self)->take_notice(notice); }, this);
        if (PQstatus(handle_) == CONNECTION_BAD) return end(lock, owner, connect_failure());
        timer_.expires_after(target.connect_timeout);
        timer_.async_wait([self = shared_from_this(), owner, limit = target.connect_timeout](const boost::system::error_code& error) {
            if (error) return;
            Lock waited(self->mutex_);
            if (self->state() != State::connecting) return;
            self->end(waited, owner, {errc::database_unavailable, self->place() + ": no connection within the time limit of " + std::to_string(limit.count()) + " ms"});
        });
        await_connecting(lock, PGRES_POLLING_WRITING, owner);
    }

    /// Sends a request; takes the call only if it answers true. False: the connection takes no more calls.
    bool submit(PostgresCallPtr& call, const Owner& owner) {
        Lock lock(mutex_);
        if (state() != State::ready) return false;
        if (flights_.empty() && !is_alive()) {
            static_cast<void>(PQisBusy(handle_)); // reads the server's last words
            end(lock, owner, {errc::database_unavailable, place() + (paused_ ? paused_for_too_long : ": the server closed the connection")});
            return false;
        }
        Flight flight;
        if (!send(*call, flight)) {
            // Without its synchronisation point nothing of it can have been committed.
            end(lock, owner, broken());
            return false;
        }
        ++call->attempts;
        flight.call = std::move(call);
        flights_.push_back(std::move(flight));
        load_.store(flights_.size(), std::memory_order_relaxed);
        if (PQpipelineSync(handle_) != 1 || !flush(owner)) {
            end(lock, owner, broken());
            return true;
        }
        await_answers(owner);
        return true;
    }

    /// Takes out the calls whose deadline has come; their answers will be thrown away. Ends the connection if nobody waits for it any more.
    void expire(std::uint64_t tick, const Owner& owner, std::vector<PostgresCallPtr>& late) {
        Lock lock(mutex_);
        bool awaited = false;
        for (auto& flight : flights_)
            if (flight.call && flight.call->deadline <= tick)
                late.push_back(std::move(flight.call));
            else
                awaited = awaited || flight.call;
        if (flights_.empty()) return;
        late_.store(!flights_.front().call, std::memory_order_relaxed);
        if (!awaited) end(lock, owner, {errc::timed_out, place() + ": the server did not answer"});
    }

    /// Why it ended; unset if it has not.
    Error reason() {
        const Lock lock(mutex_);
        return reason_;
    }

    /// Ends the connection.
    void close(const Owner& owner, Error why) {
        Lock lock(mutex_);
        if (state() != State::closed) end(lock, owner, std::move(why));
    }

private:
    /// One message of a request that is answered on its own.
    struct Sent {
        std::size_t slot;
        bool prepares;
    };
    struct Flight {
        PostgresCallPtr call; ///< Null if nobody waits for it any more.
        std::vector<Sent> sent;
        std::size_t answered = 0; ///< How many of those have had their last result.
        PostgresAnswer answer;
        bool never_ran = false; ///< The server ended it before its end.
    };
    enum class Prepared : std::uint8_t { no, asked, yes };

    std::string place() const {
        const auto text = [](const char* words) { return std::string(words ? words : ""); };
        return "PostgreSQL at " + text(PQhost(handle_)) + ":" + text(PQport(handle_)) + ", database " + text(PQdb(handle_));
    }
    Error connect_failure() const { return {errc::database_unavailable, one_line(PQerrorMessage(handle_))}; }
    /// Without libpq's words, in which those of an earlier refusal may still be, values and all.
    Error broken() const { return {errc::database_unavailable, place() + ": the connection broke, or the server ended it"}; }

    // ---- connecting -------------------------------------------------------------------------------------------------

    /// libpq may go from one socket to another while it connects, under the same number too; so each wait has a descriptor of its own.
    bool watch() {
        boost::system::error_code ignored;
        descriptor_.close(ignored);
        const int copy = ::fcntl(PQsocket(handle_), F_DUPFD_CLOEXEC, 0);
        if (copy < 0) return false;
        boost::system::error_code failed;
        descriptor_.assign(copy, failed);
        return !failed;
    }

    void await_connecting(Lock& lock, PostgresPollingStatusType wanted, const Owner& owner) {
        if (!watch()) return end(lock, owner, {errc::database_unavailable, place() + ": no descriptor is to be had"});
        using Stream = boost::asio::posix::stream_descriptor;
        descriptor_.async_wait(wanted == PGRES_POLLING_READING ? Stream::wait_read : Stream::wait_write, [self = shared_from_this(), owner](const boost::system::error_code& error) {
            if (!error) self->go_on_connecting(owner);
        });
    }

    void go_on_connecting(const Owner& owner) {
        Lock lock(mutex_);
        if (state() != State::connecting) return;
        const auto status = PQconnectPoll(handle_);
        if (status == PGRES_POLLING_READING || status == PGRES_POLLING_WRITING) return await_connecting(lock, status, owner);
        if (status != PGRES_POLLING_OK) return end(lock, owner, connect_failure());
        if (PQsetnonblocking(handle_, 1) != 0 || PQenterPipelineMode(handle_) != 1 || !watch()) return end(lock, owner, broken());
        timer_.cancel();
        connected_.store(true, std::memory_order_relaxed);
        state_.store(State::ready, std::memory_order_release);
        await_answers(owner);
        lock.unlock();
        owner->connected(shared_from_this());
    }

    // ---- sending ----------------------------------------------------------------------------------------------------

    /// Whether an idle connection is still there; nobody watches it.
    bool is_alive() {
        char byte = 0;
        const auto seen = ::recv(PQsocket(handle_), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        if (seen < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
        // What comes unasked is a last word, or a setting that changed; a second read meets the end behind a last word.
        return seen != 0 && PQconsumeInput(handle_) == 1 && PQconsumeInput(handle_) == 1;
    }

    Prepared& prepared(std::size_t slot) {
        if (slot >= prepared_.size()) prepared_.resize(slot + 1, Prepared::no);
        return prepared_[slot];
    }

    bool send(const PostgresCall& call, Flight& flight) {
        for (const auto& step : call.request.steps()) {
            const auto& statement = *step.statement;
            types_.clear();
            values_.clear();
            lengths_.clear();
            formats_.clear();
            for (std::size_t i = step.first; i < step.first + step.count; ++i) {
                const auto& parameter = call.request.parameters()[i];
                types_.push_back(parameter.type);
                values_.push_back(call.request.bytes_of(parameter));
                lengths_.push_back(parameter.length);
                formats_.push_back(parameter.binary ? 1 : 0);
            }
            const int count = static_cast<int>(step.count);
            constexpr int binary = 1;
            auto& known = prepared(statement.slot);
            if (known == Prepared::asked) {
                // Whether its preparation succeeds is not known yet.
                if (PQsendQueryParams(handle_, statement.sql.c_str(), count, types_.data(), values_.data(), lengths_.data(), formats_.data(), binary) != 1) return false;
            } else {
                if (known == Prepared::no) {
                    if (PQsendPrepare(handle_, statement.name.c_str(), statement.sql.c_str(), count, types_.data()) != 1) return false;
                    known = Prepared::asked;
                    flight.sent.push_back({statement.slot, true});
                }
                if (PQsendQueryPrepared(handle_, statement.name.c_str(), count, values_.data(), lengths_.data(), formats_.data(), binary) != 1) return false;
            }
            flight.sent.push_back({statement.slot, false});
        }
        return true;
    }

    /// Sends what libpq holds back, now or once the socket takes it. False if the connection is broken.
    bool flush(const Owner& owner) {
        const int rest = PQflush(handle_);
        if (rest < 0) return false;
        if (rest == 0 || writing_) return true;
        writing_ = true;
        descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_write, [self = shared_from_this(), owner](const boost::system::error_code& error) {
            Lock lock(self->mutex_);
            self->writing_ = false;
            if (error || self->state() != State::ready) return;
            if (!self->flush(owner)) self->end(lock, owner, self->broken());
        });
        return true;
    }

    // ---- answers ----------------------------------------------------------------------------------------------------

    void await_answers(const Owner& owner) {
        if (reading_ || (flights_.empty() && !listens_)) return;
        reading_ = true;
        descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [self = shared_from_this(), owner](const boost::system::error_code& error) {
            if (error) return;
            self->receive(owner);
        });
    }

    void receive(const Owner& owner) {
        std::vector<Flight> done;
        bool notified = false;
        {
            Lock lock(mutex_);
            reading_ = false;
            if (state() != State::ready) return;
            const bool open = PQconsumeInput(handle_) == 1;
            notified = drain_notifications();
            const bool sound = take_answers(done);
            load_.store(flights_.size(), std::memory_order_relaxed);
            if (flights_.empty() || flights_.front().call) late_.store(false, std::memory_order_relaxed);
            if (!open || !sound || !flush(owner)) {
                end(lock, owner, broken());
            } else {
                await_answers(owner);
            }
        }
        const auto self = shared_from_this();
        for (auto& flight : done)
            if (flight.call) owner->answered(self, std::move(flight.call), std::move(flight.answer));
        if (notified) owner->notified();
    }

    /// \returns whether there were any.
    bool drain_notifications() {
        bool any = false;
        while (PGnotify* one = PQnotifies(handle_)) {
            PQfreemem(one);
            any = true;
        }
        return any;
    }

    /// Moves the requests that are answered to the end to `done`. False if the server has ended the connection.
    bool take_answers(std::vector<Flight>& done) {
        while (!flights_.empty() && PQisBusy(handle_) == 0) {
            Flight& flight = flights_.front();
            PostgresResult result(PQgetResult(handle_));
            if (!result) {
                if (++flight.answered > flight.sent.size() + 1) return false;
                continue;
            }
            switch (PQresultStatus(result.get())) {
            case PGRES_PIPELINE_SYNC:
                done.push_back(std::move(flight));
                flights_.pop_front();
                break;
            case PGRES_PIPELINE_ABORTED: forget(flight); break;
            case PGRES_COMMAND_OK:
            case PGRES_TUPLES_OK:
            case PGRES_EMPTY_QUERY:
                if (flight.answered >= flight.sent.size()) break;
                if (const Sent& sent = flight.sent[flight.answered]; sent.prepares)
                    prepared(sent.slot) = Prepared::yes;
                else
                    flight.answer.results.push_back(std::move(result));
                break;
            default:
                if (diagnosis(result.get(), PG_DIAG_SQLSTATE).empty()) return false;
                forget(flight);
                if (!flight.answer.failure) flight.answer.failure = refusal_in(result.get());
                if (is_fatal(result.get())) {
                    flight.never_ran = flight.answered < flight.sent.size();
                    return false;
                }
            }
        }
        return true;
    }

    /// A preparation that failed is to be asked for again.
    void forget(const Flight& flight) {
        if (flight.answered < flight.sent.size() && flight.sent[flight.answered].prepares) prepared(flight.sent[flight.answered].slot) = Prepared::no;
    }

    // ---- the end ----------------------------------------------------------------------------------------------------

    static constexpr std::string_view too_long_a_pause = "25P03";
    static constexpr const char* paused_for_too_long = ": the server ended a transaction that paused for longer than PostgresOptions::unit_pause";

    void take_notice(const PGresult* notice) {
        if (diagnosis(notice, PG_DIAG_SQLSTATE) == too_long_a_pause) paused_ = true;
    }

    /// Closes the connection and gives its calls back. Gives the lock back while it tells the owner, and takes it again.
    void end(Lock& lock, const Owner& owner, Error why) {
        std::vector<PostgresCallPtr> unsent, lost;
        // A server that ends a connection in the middle of a request has run none of those behind it.
        const bool never_ran = !flights_.empty() && flights_.front().never_ran;
        for (auto& flight : flights_)
            if (flight.call) (never_ran ? unsent : lost).push_back(std::move(flight.call));
        if (const auto* failure = never_ran ? &flights_.front().answer.failure : nullptr; failure && *failure)
            why = {errc::database_unavailable, place() + (failure->is(too_long_a_pause) ? paused_for_too_long : ": " + failure->said)};
        reason_ = why;
        flights_.clear();
        load_.store(0, std::memory_order_relaxed);
        state_.store(State::closed, std::memory_order_release);
        boost::system::error_code ignored;
        descriptor_.close(ignored);
        timer_.cancel();
        PQfinish(std::exchange(handle_, nullptr));
        lock.unlock();
        owner->ended(shared_from_this(), std::move(unsent), std::move(lost), std::move(why));
        lock.lock();
    }

    const bool listens_;
    std::mutex mutex_;
    PGconn* handle_ = nullptr;
    boost::asio::posix::stream_descriptor descriptor_;
    boost::asio::steady_timer timer_; ///< Of connecting.
    std::atomic<State> state_{State::connecting};
    std::atomic<std::size_t> load_{0};
    std::atomic<bool> connected_{false};
    std::atomic<bool> late_{false};
    std::atomic<bool> retired_{false};
    std::atomic<bool> reserved_{false};
    std::deque<Flight> flights_;
    std::vector<Prepared> prepared_;
    bool reading_ = false;
    bool writing_ = false;
    bool paused_ = false; ///< Whether the server said that it ended a transaction that did nothing.
    Error reason_;
    std::vector<Oid> types_;
    std::vector<const char*> values_;
    std::vector<int> lengths_;
    std::vector<int> formats_;
};

} // namespace detail
} // namespace v0
} // namespace larder
