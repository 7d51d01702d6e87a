// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/database.hpp>
#include <larder/engine/ask.hpp>
#include <larder/environment.hpp>
#include <larder/error.hpp>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {

/// Where loads of single rows from an asynchronous database queue up while several are under way, and leave together as one query.
///
/// Up to `apart` loads are under way at a time, each sent as it comes: a lone load never waits. Those beyond wait until one of these has
/// answered and then leave in its place, all in one query. So the more loads there are, the more of them share a query, and nobody has to
/// know how many will come. It is what databases do with commits that come while one is being written (group commit).
///
/// A query of several rows that fails for a reason that may lie in one of them is sent again row by row, so that no caller gets another's
/// error. The database is asked after a load was requested, not before. Thread-safe.
template <entity Entity, class Env, class Database>
class LoadQueue {
    using Key = primary_key_t<Entity>;
    using Row = Outcome<std::optional<Entity>>;
    using Rows = Outcome<std::vector<std::optional<Entity>>>;
    using Completion = typename Rendezvous<Row>::Completion;

public:
    /// \param apart how many loads may be under way before others wait; 0: none ever waits. \param most how many rows one query loads at the most.
    LoadQueue(Env& env, Database& database, std::size_t apart, std::size_t most) : env_(env), database_(database), apart_(apart), most_(most) {}

    /// Loads a row. \param mode only plain loads wait for others. \param done called once, when the row is there.
    void async_load(const Key& key, ReadMode mode, Completion done) {
        if (waits(key, mode, done)) return;
        auto trip = std::make_shared<Trip>(*this);
        trip->keys.push_back(key);
        trip->done.reserve(1);
        depart(1);
        trip->done.push_back(std::move(done));
        send(std::move(trip), mode);
    }

private:
    struct Waiting {
        Key key;
        Completion done;
    };

    /// A query under way. One whose handler the database destroys instead of calling it tells the queue so.
    struct Trip {
        explicit Trip(LoadQueue& owner) noexcept : queue(owner) {}
        Trip(const Trip&) = delete;
        Trip& operator=(const Trip&) = delete;
        ~Trip() {
            if (!over && !done.empty()) queue.lost();
        }

        LoadQueue& queue;
        std::vector<Key> keys;
        std::vector<Completion> done;
        SteadyTime began{};
        bool over = false;
    };

    /// Lets a load wait if enough are under way.
    bool waits(const Key& key, ReadMode mode, Completion& done) {
        if (mode != ReadMode::plain || apart_ == 0) return false;
        const std::lock_guard lock(mutex_);
        if (under_way_ < apart_) return false;
        waiting_.push_back({key, std::move(done)});
        return true;
    }

    void depart(std::size_t queries) {
        const std::lock_guard lock(mutex_);
        under_way_ += queries;
    }

    void send(std::shared_ptr<Trip> trip, ReadMode mode) {
        trip->began = precise_now(env_);
        try {
            if (trip->keys.size() == 1)
                database_.async_load(trip->keys.front(), mode, [trip](Row row) { trip->queue.came(*trip, std::move(row)); });
            else
                database_.async_load_many(std::span<const Key>(trip->keys), mode, [trip](Rows rows) { trip->queue.came(*trip, std::move(rows)); });
        } catch (...) {
            if (!trip->over) fail(*trip, error_of_exception("load"));
        }
    }

    void came(Trip& trip, Row row) {
        observe(trip, QueryKind::load, row.has_value() && *row ? 1 : 0, row.has_error());
        go_on(trip);
        trip.done.front()(std::move(row));
    }

    void came(Trip& trip, Rows rows) {
        observe(trip, QueryKind::load_many, rows.has_value() ? rows->size() : 0, rows.has_error());
        if (rows.has_error()) {
            if (is_of_all(rows.error())) return fail(trip, std::move(rows).error());
            return send_apart(trip);
        }
        if (rows->size() != trip.keys.size()) return fail(trip, Error{errc::database_failure, "the database answered another number of rows than it was asked for"});
        go_on(trip);
        for (std::size_t i = 0; i < trip.done.size(); ++i) trip.done[i](Row(std::move((*rows)[i])));
    }

    void fail(Trip& trip, const Error& why) {
        go_on(trip);
        for (Completion& done : trip.done) done(Row(why));
    }

    /// Sends each load of a query by itself.
    void send_apart(Trip& trip) {
        std::vector<std::shared_ptr<Trip>> trips;
        try {
            trips.reserve(trip.keys.size());
            for (Key& key : trip.keys) {
                trips.push_back(std::make_shared<Trip>(*this));
                trips.back()->keys.push_back(std::move(key));
                trips.back()->done.reserve(1);
            }
        } catch (...) {
            return fail(trip, error_of_exception("load"));
        }
        depart(trips.size() - 1);
        trip.over = true;
        for (std::size_t i = 0; i < trips.size(); ++i) trips[i]->done.push_back(std::move(trip.done[i]));
        for (auto& each : trips) send(std::move(each), ReadMode::plain);
    }

    /// Whether an error would meet each load of a query by itself as well.
    static bool is_of_all(const Error& error) noexcept {
        for (const errc common : {errc::database_unavailable, errc::timed_out, errc::stopped, errc::database_busy})
            if (error == common) return true;
        return false;
    }

    /// Lets those who wait leave in the place of a query that is over.
    void go_on(Trip& trip) {
        trip.over = true;
        if (auto next = next_trip()) send(std::move(next), ReadMode::plain);
    }

    /// A query for those who wait; null if nobody does.
    std::shared_ptr<Trip> next_trip() {
        std::deque<Waiting> without_memory;
        Error why;
        {
            const std::lock_guard lock(mutex_);
            const std::size_t count = std::min(waiting_.size(), most_);
            try {
                if (count != 0) {
                    auto next = std::make_shared<Trip>(*this);
                    next->keys.reserve(count);
                    next->done.reserve(count);
                    for (; next->keys.size() < count; waiting_.pop_front()) {
                        next->keys.push_back(std::move(waiting_.front().key));
                        next->done.push_back(std::move(waiting_.front().done));
                    }
                    return next;
                }
            } catch (...) {
                why = error_of_exception("load");
                without_memory.swap(waiting_);
            }
            --under_way_;
        }
        for (Waiting& each : without_memory) each.done(Row(why));
        return nullptr;
    }

    /// A query will never answer: its database's executor is gone. Once none is under way, nobody would let those go on who wait.
    void lost() noexcept {
        std::deque<Waiting> abandoned;
        const std::lock_guard lock(mutex_);
        if (--under_way_ == 0) abandoned.swap(waiting_);
    }

    void observe(const Trip& trip, QueryKind kind, std::size_t rows, bool failed) { env_.observe(event::Query{kind, precise_now(env_) - trip.began, rows, failed}); }

    Env& env_;
    Database& database_;
    const std::size_t apart_, most_;
    std::mutex mutex_;
    std::size_t under_way_ = 0;
    std::deque<Waiting> waiting_;
};

} // namespace detail
} // namespace v0
} // namespace larder
