// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/database/postgres_outbox.hpp>
#include <larder/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {

/// How a `PostgresRelay` works.
struct PostgresRelayOptions {
    /// How old an entry is at the least: the time that its writer is given to tell the caches itself; 0 or more.
    std::chrono::milliseconds grace = std::chrono::seconds(1);
    /// How long it rests when there is nothing to do, and after a failure, unless it hears of new entries; 1 ms or more.
    std::chrono::milliseconds every = std::chrono::milliseconds(250);
    /// How many entries it takes at once at the most; 1 or more.
    std::size_t batch = 100;
    /// After how long entries that another relay took and did not remove are taken over; 1 ms or more.
    std::chrono::milliseconds lease = std::chrono::seconds(10);
    /// Whether it listens, on a connection of its own, to outboxes that were made to notify (`PostgresOutboxOptions::notifies`): it then looks as soon as
    /// the grace of what it heard of is over, and may rest long. Nothing depends on its hearing: what a lost notification told of waits for the rest's end.
    bool listen = false;

    /// The first thing that is wrong with the options; unset if nothing is.
    Error check() const {
        const auto wrong = [](const char* text) { return Error{errc::invalid_options, text}; };
        if (grace.count() < 0) return wrong("PostgresRelayOptions::grace must be 0 or more");
        if (every.count() < 1) return wrong("PostgresRelayOptions::every must be 1 ms or more");
        if (batch == 0) return wrong("PostgresRelayOptions::batch must be 1 or more");
        if (lease.count() < 1) return wrong("PostgresRelayOptions::lease must be 1 ms or more");
        return {};
    }
};

/// Tells a repository's caches what its table's outbox (`create_outboxes`) says and nobody told them: what a writer left that died between its
/// commit and its publication, what was written while the shared tier was away, and what others wrote who know nothing of caches.
///
/// It takes the entries that are older than the grace, looks whether the caches show a row of that version or a newer one, drops what they hold
/// if not, and removes the entries that are done. The copies of rows that embed the row it drops in any case, where their repositories are linked to this one
/// (`CachedRepository::link`), in this process: link them in each process that has a relay. What fails is tried again. Several processes may each have one: they share the work, so
/// the tier that is told is the shared one; in-process tiers that nothing feeds are not told of the entries that another process took.
///
/// Works on the outbox's executor, from its construction until it is stopped; its timers keep the executor at work until then. The repository
/// outlives it. Thread-safe.
template <class Entity, class Repository>
class PostgresRelay {
public:
    /// \throws Failure `errc::invalid_options`.
    PostgresRelay(Repository& repository, PostgresOutbox<Entity> outbox, PostgresRelayOptions options = {})
        : state_(std::make_shared<State>(repository, std::move(outbox), options)) {
        if (auto wrong = options.check()) throw Failure(std::move(wrong));
        state_->begin();
        if (options.listen) state_->listen();
    }
    PostgresRelay(const PostgresRelay&) = delete;
    PostgresRelay& operator=(const PostgresRelay&) = delete;
    ~PostgresRelay() { stop(); }

    /// Ends it: once this has returned, it begins nothing and touches the repository no more.
    void stop() noexcept { state_->stop(); }

    /// How many entries it has removed, and how many of them the caches had not known of.
    std::uint64_t relayed() const noexcept { return state_->count(&State::relayed); }
    std::uint64_t dropped() const noexcept { return state_->count(&State::dropped); }

private:
    /// What a batch's verbs share. Its lock is held while its code runs; recursive, since a verb may end where it was started.
    struct State : std::enable_shared_from_this<State> {
        State(Repository& with, PostgresOutbox<Entity> from, const PostgresRelayOptions& how)
            : repository(&with), outbox(std::move(from)), options(how), timer(outbox.executor()), grace(outbox.executor()) {}

        void listen() {
            const std::lock_guard lock(mutex);
            listener = outbox.listen([weak = this->weak_from_this()] {
                if (const auto self = weak.lock()) self->heard();
            });
        }

        void begin() {
            const std::lock_guard lock(mutex);
            if (!repository) return;
            resting = news = false;
            outbox.async_take(options.batch, options.grace, options.lease, [self = this->shared_from_this()](Outcome<std::vector<OutboxEntry<Entity>>> taken) {
                const std::lock_guard held(self->mutex);
                if (!taken || taken->empty()) return self->rest();
                self->full = taken->size() == self->options.batch;
                self->done.clear();
                self->left = taken->size();
                for (const auto& entry : *taken) self->look(entry);
            });
        }

        void look(const OutboxEntry<Entity>& entry) {
            if (!repository) return;
            repository->async_peek(entry.key, boost::asio::bind_executor(outbox.executor(), [self = this->shared_from_this(), entry](const Error& failure, const auto& found) {
                const std::lock_guard held(self->mutex);
                if (!self->repository) return;
                if (!failure && found && entry.version != 0 && found.version() >= entry.version) return self->drop_embedding(entry);
                self->drop(entry);
            }));
        }

        /// That the caches know the row does not say that they know it where it is embedded.
        void drop_embedding(const OutboxEntry<Entity>& entry) {
            repository->async_expel_embedding(entry.key, boost::asio::bind_executor(outbox.executor(), [self = this->shared_from_this(), id = entry.id](const Error& failure, const auto&) {
                const std::lock_guard held(self->mutex);
                self->end(failure ? 0 : id);
            }));
        }

        void drop(const OutboxEntry<Entity>& entry) {
            repository->async_expel(entry.key, boost::asio::bind_executor(outbox.executor(), [self = this->shared_from_this(), id = entry.id](const Error& failure, const auto&) {
                const std::lock_guard held(self->mutex);
                if (!failure) ++self->dropped;
                self->end(failure ? 0 : id);
            }));
        }

        /// An entry of the batch is done with; 0: it failed.
        void end(std::int64_t id) {
            if (id != 0) done.push_back(id);
            if (--left != 0) return;
            if (done.empty()) return rest();
            const bool again = full && done.size() == options.batch;
            outbox.async_remove(done, [self = this->shared_from_this(), again](const Outcome<bool>& removed) {
                const std::lock_guard held(self->mutex);
                if (removed) self->relayed += self->done.size();
                if (removed && again) return self->begin();
                self->rest();
            });
        }

        void rest() {
            if (!repository) return;
            if (news) return begin();
            resting = true;
            timer.expires_after(options.every);
            timer.async_wait([self = this->shared_from_this()](const boost::system::error_code& error) {
                if (!error) self->wake();
            });
        }

        /// Ends a rest; a look that is under way is followed by another.
        void wake() {
            const std::lock_guard lock(mutex);
            news = true;
            if (!resting) return;
            timer.cancel();
            begin();
        }

        /// Looks when what is new is old enough.
        void heard() {
            const std::lock_guard lock(mutex);
            if (!repository) return;
            heard_more = std::exchange(aging, true);
            if (heard_more) return;
            grace.expires_after(options.grace);
            grace.async_wait([self = this->shared_from_this()](const boost::system::error_code& error) {
                if (error) return;
                const std::lock_guard held(self->mutex);
                self->aging = false;
                if (self->heard_more) self->heard();
                self->wake();
            });
        }

        void stop() noexcept {
            const std::lock_guard lock(mutex);
            repository = nullptr;
            timer.cancel();
            grace.cancel();
            if (listener) std::exchange(listener, nullptr)->stop();
        }

        std::uint64_t count(std::uint64_t State::* counter) const noexcept {
            const std::lock_guard lock(mutex);
            return this->*counter;
        }

        mutable std::recursive_mutex mutex;
        Repository* repository; ///< Null once it is stopped.
        PostgresOutbox<Entity> outbox;
        PostgresRelayOptions options;
        boost::asio::steady_timer timer; ///< Of rests.
        boost::asio::steady_timer grace; ///< Of what was heard of.
        std::shared_ptr<detail::PostgresListener> listener;
        bool resting = false;
        bool news = false;       ///< Whether there may be entries that the look under way does not see.
        bool aging = false;      ///< Whether something that was heard of is not old enough yet.
        bool heard_more = false; ///< Whether more was heard of since.
        std::vector<std::int64_t> done;
        std::size_t left = 0;
        bool full = false;
        std::uint64_t relayed = 0;
        std::uint64_t dropped = 0;
    };

    std::shared_ptr<State> state_;
};

template <class Entity, class Repository, class... Options>
PostgresRelay(Repository&, PostgresOutbox<Entity>, Options...) -> PostgresRelay<Entity, Repository>;

} // namespace v0
} // namespace larder
