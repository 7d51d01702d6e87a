// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/engine/batch_refresh.hpp>
#include <larder/engine/run.hpp>
#include <larder/engine/verbs.hpp>
#include <larder/error.hpp>
#include <larder/observe/event.hpp>
#include <larder/repository/options.hpp>
#include <larder/repository/result.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {

/// When a `Refresher` refreshes, and how much at once.
struct RefresherOptions {
    /// Entries whose serving time ends within this are refreshed; more than 0, and less than the repository's TTL when it is
    /// shortened by its jitter, so that what was just refreshed is not due again.
    Duration ahead = std::chrono::minutes(1);
    /// How long it rests between one round and the next; more than 0, and less than `ahead`, so that no entry ends between two rounds.
    Duration every = std::chrono::seconds(10);
    /// How many entries a round refreshes at the most, those that end first; more than 0.
    std::size_t limit = 10'000;
    /// How many entries one query loads at the most; more than 0.
    std::size_t batch = 200;
    /// How many queries are under way at once at the most; more than 0.
    std::size_t concurrency = 2;

    /// The first thing that is wrong with the options for a repository of these; unset if nothing is.
    Error check(const Options& repository) const {
        const auto wrong = [](const char* text) { return Error{errc::invalid_options, text}; };
        const auto shortest = Duration(static_cast<Duration::rep>(static_cast<double>(repository.ttl.count()) * (1.0 - repository.jitter)));
        if (ahead <= Duration::zero()) return wrong("RefresherOptions::ahead must be more than 0");
        if (ahead >= shortest) return wrong("RefresherOptions::ahead must be less than the repository's TTL, its jitter taken off");
        if (every <= Duration::zero()) return wrong("RefresherOptions::every must be more than 0");
        if (every >= ahead) return wrong("RefresherOptions::every must be less than RefresherOptions::ahead");
        if (limit == 0) return wrong("RefresherOptions::limit must be more than 0");
        if (batch == 0) return wrong("RefresherOptions::batch must be more than 0");
        if (concurrency == 0) return wrong("RefresherOptions::concurrency must be more than 0");
        return {};
    }
};

/// Refreshes the active entries of a repository before they end, on a given executor, from its construction until it is stopped.
///
/// Active are the whole rows in the nearest tier that were hit since they were stored: who goes on being read stays cached, with the
/// aliases that lead to it, and without a miss; who is not read any more ends. A round loads what is due in batched queries; rows
/// that somebody else loads or writes at that moment are left out, and a write that comes between makes the fill lost. A failure goes
/// to the observer (`event::HiddenFailure`, "refresh"), leaves the copies as they are, and ends the round.
///
/// Its timer is Asio's on the executor, or the environment's own (`after`), and keeps a running `io_context` from ending until `stop`.
/// Blocking databases load on their own executor, which they must have been given. The repository may be shut down or destroyed
/// meanwhile: then the refresher stops by itself. The executor may run on several threads, and be destroyed before the refresher. Thread-safe.
template <class Repository>
class Refresher {
    using Core = typename Repository::core_type;
    using Key = typename Core::Key;
    static_assert(Core::Policy::caches_rows, "larder: a Refresher keeps cached rows fresh, but this policy keeps none");
    static_assert(!Core::Policy::caches_rows || requires(const typename Core::Nearest& tier) { tier.due_for_refresh(Duration{}, std::size_t{}); },
                  "larder: the nearest tier of this stack does not tell which rows are due for a refresh: it needs due_for_refresh(ahead, limit)");

public:
    /// Starts; the first round comes after `options.every`. Throws `Failure` (`errc::invalid_options`) if an option is out of range,
    /// the executor is empty, or a blocking database has no executor.
    Refresher(Repository& repository, boost::asio::any_io_executor executor, RefresherOptions options = {})
        : state_(std::make_shared<State>(repository.core(), std::move(executor), checked(repository, std::move(options)))) {
        if (!state_->executor) throw Failure(Error{errc::invalid_options, "a Refresher needs an executor"});
        state_->rest();
    }

    Refresher(const Refresher&) = delete;
    Refresher& operator=(const Refresher&) = delete;
    /// Stops, as `stop` does.
    ~Refresher() { stop(); }

    /// Stops: once it has returned, nothing is begun any more and no other thread runs the refresher's code. A query that is under
    /// way ends by itself, as a verb of the repository; `async_stop` tells when. May be called from anywhere, and more than once.
    void stop() noexcept { state_->stop(); }

    /// Stops, and completes (`void()`) once every query that was under way has ended too. *Executor*: the handler's associated one,
    /// or else the refresher's. *Cancellation*: none; it waits for what cannot be called back.
    template <class Token = boost::asio::deferred_t>
    auto async_stop(Token&& token = {}) {
        return boost::asio::async_initiate<Token, void()>(
            []<class Handler>(Handler&& handler, std::shared_ptr<State> state) { state->stop_then(std::forward<Handler>(handler)); }, token, state_);
    }

private:
    /// The entries that one round refreshes.
    struct Round {
        std::vector<Key> keys;
        std::size_t next = 0;      ///< The first one that no batch has taken.
        std::size_t batches = 0;   ///< How many batches are under way.
    };

    /// What the refresher shares with its handlers. Its lock is held while its code runs, from end to end; recursive, since a
    /// database that answers at once may stop the refresher from within.
    struct State : std::enable_shared_from_this<State> {
        struct Waiter {
            boost::asio::any_completion_handler<void()> handler;
            boost::asio::executor_work_guard<boost::asio::any_io_executor> work;
        };

        /// Marks that a batch is being begun: one that is dropped meanwhile could not be, for a reason that is told by an exception.
        struct Beginning {
            explicit Beginning(State& state) : marked(state), before(std::exchange(state.beginning, true)) {}
            Beginning(const Beginning&) = delete;
            Beginning& operator=(const Beginning&) = delete;
            ~Beginning() { marked.beginning = before; }
            State& marked;
            bool before;
        };

        State(const std::shared_ptr<Core>& repository, boost::asio::any_io_executor where, RefresherOptions how)
            : core(repository), executor(std::move(where)), options(std::move(how)), clock(detail::timer_of(repository->env)) {}

        /// Waits for the next round.
        void rest() {
            const std::lock_guard lock(mutex);
            if (stopped) return;
            auto wake = [weak = this->weak_from_this()] {
                if (const auto self = weak.lock()) self->begin_round();
            };
            if (clock) {
                clock(options.every, std::move(wake));
                return;
            }
            // Its handler owns the timer, so that the timer does not outlive the executor's context.
            auto owned = std::make_shared<boost::asio::steady_timer>(executor, std::chrono::duration_cast<std::chrono::steady_clock::duration>(options.every));
            timer = owned;
            auto& waiting = *owned;
            waiting.async_wait([owned = std::move(owned), wake = std::move(wake)](const boost::system::error_code& failure) {
                if (!failure) wake();
            });
        }

        void begin_round() {
            const std::lock_guard lock(mutex);
            if (stopped) return;
            const auto repository = core.lock();
            if (!repository || repository->stopped.load(std::memory_order_acquire)) return stop();
            auto round = std::make_shared<Round>();
            guarded(*repository, *round, [&] {
                round->keys = repository->nearest().due_for_refresh(options.ahead, options.limit);
                while (round->batches < options.concurrency && begin_batch(repository, round)) {}
            });
            if (round->batches == 0) rest();
        }

        /// Begins the next batch of a round. \returns whether there was one.
        bool begin_batch(const std::shared_ptr<Core>& repository, const std::shared_ptr<Round>& round) {
            if (stopped || round->next == round->keys.size()) return false;
            const std::size_t count = std::min({options.batch, repository->options.batch_size, round->keys.size() - round->next});
            const auto first = round->keys.begin() + static_cast<std::ptrdiff_t>(round->next);
            std::vector<Key> keys(first, first + static_cast<std::ptrdiff_t>(count));
            round->next += count;
            ++round->batches;
            ++under_way;
            const Beginning mark(*this);
            detail::start_verb<WarmReport>(
                repository, Verb::refresh, [keys = std::move(keys)](Core& shared, detail::Driver& driver) { return detail::BatchRefresh<Core>::run(shared, driver, keys); },
                boost::asio::bind_executor(executor, BatchEnd(this->shared_from_this(), round)));
            return true;
        }

        /// \param report null if the executor dropped the batch.
        void end_batch(const std::shared_ptr<Round>& round, const WarmReport* report) {
            const std::lock_guard lock(mutex);
            --round->batches;
            if (--under_way == 0 && stopped) complete_waiters();
            if (!report && !beginning) stop();
            if (!report || stopped) return;
            const auto repository = core.lock();
            if (!repository || report->error() == errc::stopped) return stop();
            if (report->failed()) give_up(*repository, *round, report->error());
            guarded(*repository, *round, [&] { begin_batch(repository, round); });
            if (round->batches == 0) rest();
        }

        void stop() noexcept {
            const std::lock_guard lock(mutex);
            stopped = true;
            const auto waiting = timer.lock();
            timer.reset();
            try {
                if (waiting) waiting->cancel();
            } catch (...) {
                // The timer wakes a refresher that has stopped, which does nothing.
            }
        }

        template <class Handler>
        void stop_then(Handler handler) {
            const std::lock_guard lock(mutex);
            stop();
            const boost::asio::any_io_executor where = boost::asio::get_associated_executor(handler, executor);
            waiters.push_back({std::move(handler), boost::asio::make_work_guard(where)});
            if (under_way == 0) complete_waiters();
        }

        void complete_waiters() {
            for (auto& waiter : std::exchange(waiters, {})) boost::asio::post(waiter.work.get_executor(), std::move(waiter.handler));
        }

        /// Ends a round early.
        static void give_up(Core& repository, Round& round, const Error& failure) {
            repository.hide(Level::database, "refresh", failure);
            round.next = round.keys.size();
        }

        /// Runs what may fail for want of memory.
        template <class Act>
        static void guarded(Core& repository, Round& round, const Act& act) {
            try {
                act();
            } catch (...) {
                give_up(repository, round, detail::error_of_exception("the refresher"));
            }
        }

        const std::weak_ptr<Core> core;
        const boost::asio::any_io_executor executor;
        const RefresherOptions options;
        const detail::Timer clock;

        std::recursive_mutex mutex;
        std::weak_ptr<boost::asio::steady_timer> timer;
        std::size_t under_way = 0;
        std::vector<Waiter> waiters;
        bool beginning = false;
        bool stopped = false;
    };

    /// The handler of a batch; tells the state also if it is destroyed without having been called.
    class BatchEnd {
    public:
        BatchEnd(std::shared_ptr<State> state, std::shared_ptr<Round> round) : state_(std::move(state)), round_(std::move(round)) {}
        BatchEnd(BatchEnd&&) noexcept = default;
        BatchEnd& operator=(BatchEnd&&) = delete;
        ~BatchEnd() {
            if (state_) state_->end_batch(round_, nullptr);
        }
        void operator()(const Error&, const WarmReport& report) { std::exchange(state_, nullptr)->end_batch(round_, &report); }

    private:
        std::shared_ptr<State> state_;
        std::shared_ptr<Round> round_;
    };

    static RefresherOptions checked(Repository& repository, RefresherOptions options) {
        Error wrong = options.check(repository.options());
        if constexpr (requires { repository.core()->database.executor(); })
            if (!wrong && !repository.core()->database.executor()) wrong = Error{errc::invalid_options, "a Refresher needs a database that was given an executor"};
        if (wrong) throw Failure(std::move(wrong));
        return options;
    }

    std::shared_ptr<State> state_;
};

} // namespace v0
} // namespace larder
