// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/detail/postgres_connection.hpp>
#include <larder/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {

/// How a group of connections behaves.
struct PostgresGroupSettings {
    PostgresTarget target;
    std::size_t connections = 1;
    bool apart = false; ///< Whether a call waits for another connection rather than behind others, up to the bound.
    std::chrono::milliseconds answer_timeout{};
    std::chrono::milliseconds least_rest{}, most_rest{};
    std::function<std::uint64_t()> random;
};

/// Connections to the same server that share the calls of many callers: each call goes to the connection with the fewest under
/// way, and while all have some, another connection is opened, up to the bound; a call that may wait for a lock waits for that one.
///
/// A call that begins a transaction gets a connection alone, or waits for one; it is given back with `give_back`. The calls of the transaction
/// name that connection, and are sent there once or not at all.
///
/// A call that no server has run is sent again, and so is a read whose answer was lost, once; a write whose answer was lost is
/// never. After a failure to connect, the group rests for a while that doubles each time, less a random share of up to half;
/// while it rests and has no connection, calls fail at once.
class PostgresGroup final : public PostgresOwner, public std::enable_shared_from_this<PostgresGroup> {
    using Connection = std::shared_ptr<PostgresConnection>;
    using Kind = PostgresFailure::Kind;

public:
    PostgresGroup(boost::asio::any_io_executor executor, PostgresGroupSettings settings)
        : executor_(std::move(executor)), settings_(std::move(settings)), ticker_(executor_), resting_timer_(executor_) {}

    /// Runs a call; its end is called once, on the executor or in here.
    void submit(PostgresCallPtr call) {
        if (call->connection) return submit_within(std::move(call));
        for (;;) {
            Connection chosen, opened;
            Error refused;
            {
                const std::lock_guard lock(mutex_);
                if (closed_)
                    refused = {errc::stopped, "the pool is closed"};
                else
                    chosen = choose(opened, refused);
                if (!refused) count(*call);
                if (chosen && call->begins) chosen->reserve(true);
                if (!refused && !chosen) waiting_.push_back(std::move(call));
            }
            if (opened) opened->start(settings_.target, shared_from_this());
            if (refused) return fail(std::move(call), Kind::unsent, std::move(refused));
            if (!chosen || chosen->submit(call, shared_from_this())) return;
        }
    }

    /// Takes back the connection of a transaction that has ended.
    void give_back(const Connection& connection) {
        connection->reserve(false);
        serve_waiting(*connection);
    }

    /// Ends the connection of a transaction that is not to go on.
    void discard(const Connection& connection) { connection->close(shared_from_this(), {errc::stopped, "the transaction was given up"}); }

    /// Ends all connections; what is under way fails.
    void close() {
        std::vector<Connection> all;
        std::deque<PostgresCallPtr> waiting;
        {
            const std::lock_guard lock(mutex_);
            closed_ = true;
            all.swap(all_);
            waiting.swap(waiting_);
            resting_timer_.cancel();
            ticker_.cancel();
        }
        const Error why(errc::stopped, "the pool is closed");
        for (auto& call : waiting) fail(std::move(call), Kind::unsent, why);
        for (const auto& connection : all) connection->close(shared_from_this(), why);
    }

    /// Says that no more calls will come: what is under way goes on, and then nothing keeps the executor at work.
    void abandon() {
        const std::lock_guard lock(mutex_);
        abandoned_ = true;
        resting_timer_.cancel();
        if (under_way_ == 0) ticker_.cancel();
    }

    void connected(const Connection&) override {
        std::deque<PostgresCallPtr> waiting;
        {
            const std::lock_guard lock(mutex_);
            failures_ = 0;
            waiting.swap(waiting_);
        }
        for (auto& call : waiting) submit(std::move(call));
    }

    void answered(const Connection& connection, PostgresCallPtr call, PostgresAnswer answer) override {
        constexpr int most_attempts = 5;
        const auto& failure = answer.failure;
        if (failure) {
            const bool outdated = failure.is_outdated();
            if (outdated) connection->retire();
            if (call->begins) connection->reserve(false);
            if (!call->connection && call->attempts < (failure.stood_in_the_way() ? most_attempts : outdated ? 2 : 0)) return submit(std::move(call));
        } else if (call->begins) {
            answer.connection = connection;
        }
        serve_waiting(*connection);
        finish(std::move(call), std::move(answer));
    }

    void ended(const Connection& connection, std::vector<PostgresCallPtr> unsent, std::vector<PostgresCallPtr> lost, Error why) override {
        std::deque<PostgresCallPtr> hopeless, waiting;
        {
            const std::lock_guard lock(mutex_);
            std::erase(all_, connection);
            if (!connection->was_ready()) {
                rest();
                last_failure_ = why;
                if (std::none_of(all_.begin(), all_.end(), [](const auto& other) { return !other->is_shunned(); }))
                    hopeless.swap(waiting_);
                else
                    waiting.swap(waiting_);
            }
        }
        for (auto& call : hopeless) fail(std::move(call), Kind::unsent, why);
        for (auto& call : waiting) submit(std::move(call));
        constexpr int most_attempts = 3;
        for (auto& call : unsent)
            if (!call->connection && call->attempts < most_attempts)
                submit(std::move(call));
            else
                fail(std::move(call), Kind::unsent, why);
        for (auto& call : lost)
            if (!call->connection && !call->request.is_write() && call->attempts < 2)
                submit(std::move(call));
            else
                fail(std::move(call), Kind::lost, why);
    }

private:
    /// Runs a call on the connection that it names.
    void submit_within(PostgresCallPtr call) {
        const Connection connection = call->connection;
        {
            const std::lock_guard lock(mutex_);
            if (!closed_) count(*call);
        }
        if (connection->submit(call, shared_from_this())) return;
        const Error reason = connection->reason();
        fail(std::move(call), Kind::unsent, {errc::database_unavailable, (reason ? reason.text : std::string("the connection to the server was lost")) + "; what the transaction did is undone"});
    }

    /// Counts a call's time from its first submission on. \pre the mutex is held.
    void count(PostgresCall& call) {
        if (call.deadline != 0) return;
        call.deadline = tick_ + ticks_per_timeout + 1;
        ++under_way_;
        tick();
    }

    /// In how many steps a call's time limit is counted.
    static constexpr std::uint64_t ticks_per_timeout = 8;

    /// The connection for the next call; none if it has to wait for one or, with `refused` set, there will be none. \param opened a new
    /// connection that is to be started. \pre the mutex is held.
    Connection choose(Connection& opened, Error& refused) {
        std::erase_if(all_, [](const auto& each) { return each->state() == PostgresConnection::State::closed || (each->is_retired() && each->load() == 0 && !each->is_reserved()); });
        Connection least;
        std::size_t usable = 0;
        bool connecting = false;
        for (const auto& each : all_) {
            if (each->is_shunned() && !each->is_reserved()) continue;
            ++usable;
            if (each->is_reserved()) continue;
            connecting = connecting || each->state() == PostgresConnection::State::connecting;
            if (each->state() == PostgresConnection::State::ready && (!least || each->load() < least->load())) least = each;
        }
        if ((!least || least->load() > 0) && usable < settings_.connections && !resting_) {
            // What connects at once is enough for those that wait.
            if (least || !connecting) {
                opened = std::make_shared<PostgresConnection>(executor_);
                all_.push_back(opened);
                ++usable;
                if (settings_.apart) return nullptr;
            }
        }
        if (usable == 0) refused = last_failure_;
        return least;
    }

    /// Gives a connection that has nothing more to do a call that waits for another one to be opened.
    void serve_waiting(const PostgresConnection& idle) {
        if (!settings_.apart || idle.load() != 0 || idle.is_reserved()) return;
        PostgresCallPtr next;
        {
            const std::lock_guard lock(mutex_);
            if (waiting_.empty()) return;
            next = std::move(waiting_.front());
            waiting_.pop_front();
        }
        submit(std::move(next));
    }

    // ---- ends of calls ----------------------------------------------------------------------------------------------

    void fail(PostgresCallPtr call, Kind kind, Error why) {
        PostgresAnswer answer;
        answer.failure.kind = kind;
        answer.failure.error = std::move(why);
        finish(std::move(call), std::move(answer));
    }

    void finish(PostgresCallPtr call, PostgresAnswer answer) {
        if (call->deadline != 0) {
            const std::lock_guard lock(mutex_);
            if (--under_way_ == 0 && abandoned_) ticker_.cancel();
        }
        call->finish(std::move(answer));
    }

    // ---- time -------------------------------------------------------------------------------------------------------

    /// Counts time while calls are under way. \pre the mutex is held.
    void tick() {
        if (ticking_ || closed_) return;
        ticking_ = true;
        ticker_.expires_after(std::max(settings_.answer_timeout / static_cast<int>(ticks_per_timeout), std::chrono::milliseconds(1)));
        ticker_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
            if (!error) self->ticked();
        });
    }

    void ticked() {
        std::vector<PostgresCallPtr> late, unserved;
        std::vector<Connection> all;
        std::uint64_t now = 0;
        Error why;
        {
            const std::lock_guard lock(mutex_);
            now = ++tick_;
            for (auto& call : waiting_)
                if (call->deadline <= now) unserved.push_back(std::move(call));
            std::erase(waiting_, nullptr);
            all = all_;
            why = last_failure_ ? last_failure_ : Error(errc::database_unavailable, "no connection to PostgreSQL within the time limit");
        }
        for (const auto& connection : all) connection->expire(now, shared_from_this(), late);
        for (auto& call : unserved) fail(std::move(call), Kind::unsent, why);
        for (auto& call : late) fail(std::move(call), Kind::late, {errc::timed_out, "the server did not answer"});
        const std::lock_guard lock(mutex_);
        ticking_ = false;
        if (under_way_ > 0) tick();
    }

    /// Begins a rest after a failure to connect. \pre the mutex is held.
    void rest() {
        ++failures_;
        if (resting_ || closed_) return;
        resting_ = true;
        auto span = settings_.least_rest;
        for (unsigned i = 1; i < failures_ && span < settings_.most_rest; ++i) span *= 2;
        span = std::min(span, settings_.most_rest);
        const double share = static_cast<double>(settings_.random() >> 11) * 0x1.0p-54;
        span -= std::chrono::duration_cast<std::chrono::milliseconds>(span * share);
        resting_timer_.expires_after(span);
        resting_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
            const auto self = weak.lock();
            if (error || !self) return;
            const std::lock_guard lock(self->mutex_);
            self->resting_ = false;
        });
    }

    boost::asio::any_io_executor executor_;
    const PostgresGroupSettings settings_;
    std::mutex mutex_;
    std::vector<Connection> all_;
    std::deque<PostgresCallPtr> waiting_;
    boost::asio::steady_timer ticker_;
    boost::asio::steady_timer resting_timer_;
    std::uint64_t tick_ = 0;
    std::size_t under_way_ = 0;
    unsigned failures_ = 0;
    Error last_failure_;
    bool ticking_ = false;
    bool resting_ = false;
    bool closed_ = false;
    bool abandoned_ = false;
};

} // namespace detail
} // namespace v0
} // namespace larder
