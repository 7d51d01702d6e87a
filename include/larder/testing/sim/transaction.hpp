// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/database.hpp>
#include <larder/error.hpp>
#include <larder/testing/sim/database_host.hpp>
#include <larder/testing/sim/network.hpp>
#include <larder/testing/sim/scheduler.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {

/// A transaction as the server of a simulated database has it: the locks that it holds, and who is told of its commit.
class SimSession {
public:
    explicit SimSession(SimDatabaseHost& host) noexcept : host_(host) {}
    SimSession(const SimSession&) = delete;
    SimSession& operator=(const SimSession&) = delete;
    virtual ~SimSession() = default;

    bool open() const noexcept { return open_; }
    /// Lets a function be called when it has committed, before its locks are free.
    void at_commit(std::function<void()> tell) { told_.push_back(std::move(tell)); }
    /// Lets a function be called at its end, which gives a lock back.
    void at_end(std::function<void()> release) { releases_.push_back(std::move(release)); }

    Outcome<void> commit() {
        if (!std::exchange(open_, false)) return ended();
        auto outcome = end(true);
        if (outcome.has_value())
            for (const auto& tell : told_) tell();
        release();
        return outcome;
    }
    /// Undoes everything; nothing if it has ended.
    void roll_back() {
        if (!std::exchange(open_, false)) return;
        host_.note("roll back");
        static_cast<void>(end(false));
        release();
    }

    static Error ended() { return {errc::stopped, "the transaction has ended"}; }

private:
    virtual Outcome<void> end(bool commit) = 0;

    void release() {
        for (const auto& each : std::exchange(releases_, {})) each();
    }

    SimDatabaseHost& host_;
    bool open_ = true;
    std::vector<std::function<void()>> told_, releases_;
};

/// A session over a transaction of the database that keeps the rows.
///
/// It is shared by the client and by the requests that are on their way, and rolled back once neither is left: a process that dies
/// leaves none open, but what it had sent is done.
template <class Underlying>
class SimSessionOf final : public SimSession {
public:
    SimSessionOf(SimDatabaseHost& host, Underlying transaction) : SimSession(host), transaction_(std::move(transaction)) {}
    ~SimSessionOf() override { roll_back(); }

    Underlying& transaction() noexcept { return transaction_; }

private:
    Outcome<void> end(bool commit) override { return commit ? transaction_.commit(WriteCondition{}) : transaction_.roll_back(); }

    Underlying transaction_;
};

/// A process's side of a transaction in a simulated database (`transactional`, as operations that do not block).
template <class Underlying>
class SimTransaction {
public:
    using Session = SimSessionOf<Underlying>;

    SimTransaction(SimDatabaseHost& host, Actor actor, std::shared_ptr<Session> session) : host_(&host), actor_(actor), session_(std::move(session)) {}
    SimTransaction(SimTransaction&&) noexcept = default;
    SimTransaction& operator=(SimTransaction&&) = delete;

    const std::shared_ptr<Session>& session() const noexcept { return session_; }

    /// The deadline is judged when the request arrives, and the commit takes a while from there.
    template <class Handler>
    void async_commit(const WriteCondition& condition, Handler handler) {
        finish(
            "commit",
            [&host = *host_, condition](const std::shared_ptr<Session>& session, std::function<void(Outcome<void>)> reply) {
                if (host.is_past(condition)) {
                    session->roll_back();
                    reply(Error{errc::deadline_passed, "the transaction came after its deadline"});
                    return;
                }
                host.commit_later([session, reply] { reply(session->commit()); });
            },
            std::move(handler), {errc::outcome_unknown, "the database did not answer in time"});
    }
    template <class Handler>
    void async_roll_back(Handler handler) {
        finish(
            "roll back",
            [](const std::shared_ptr<Session>& session, const std::function<void(Outcome<void>)>& reply) {
                session->roll_back();
                reply(Outcome<void>());
            },
            std::move(handler), {errc::database_unavailable, "the database did not answer in time"});
    }

private:
    template <class Serve, class Handler>
    void finish(std::string what, Serve serve, Handler handler, Error lost) {
        if (!session_) return handler(Outcome<void>(SimSession::ended()));
        host_->network().template call<Outcome<void>>(
            actor_, std::move(what), [session = std::exchange(session_, nullptr), serve = std::move(serve)](auto reply) { serve(session, std::move(reply)); }, std::move(handler), std::move(lost), false);
    }

    SimDatabaseHost* host_;
    Actor actor_;
    std::shared_ptr<Session> session_; ///< Null: it has been ended.
};

} // namespace testing
} // namespace v0
} // namespace larder
