// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/memory.hpp>
#include <larder/testing/sim/database_host.hpp>
#include <larder/testing/sim/environment.hpp>
#include <larder/testing/sim/network.hpp>
#include <larder/testing/sim/transaction.hpp>

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {

/// The server of a simulated database: the in-memory database with row locks and with time between a statement and its commit.
///
/// A statement takes its row's lock and judges its conditions; what it writes is seen by others from its commit on; the
/// lock is held until then. `ReadMode::settled` reads wait for the lock, plain ones do not; `recent` ones are answered by a
/// replica, which may lag by a few versions. In a transaction the locks are held until it ends, and what it writes is seen from its commit on.
///
/// \tparam Database what keeps the rows: `MemoryDatabase`, or a plug-in's own blocking database.
template <class Entity, template <class...> class Database = MemoryDatabase>
class SimDatabaseServer : public SimDatabaseHost {
    using Rows = Database<Entity>;

public:
    using Key = primary_key_t<Entity>;
    /// Told of each commit: the row as it is from now on, or nothing if it was erased (then `version` is the tombstone's).
    using OnCommit = std::function<void(const Key&, const Entity* row, Version version)>;

    SimDatabaseServer(SimShared& shared, Network& network, Trace& trace, OnCommit on_commit, Rows rows = make())
        : SimDatabaseHost(shared, network, trace), on_commit_(std::move(on_commit)), rows_(std::move(rows)) {}
    SimDatabaseServer(const SimDatabaseServer&) = delete;
    SimDatabaseServer& operator=(const SimDatabaseServer&) = delete;
    ~SimDatabaseServer() { alive_.reset(); }

    Rows& rows() noexcept { return rows_; }

    /// Runs a function with a row's lock held; `function(unlock)`.
    void locked(const Key& key, std::function<void(std::function<void()>)> function) {
        auto [place, free] = locks_.try_emplace(key);
        if (!free) {
            place->second.push_back(std::move(function));
            return;
        }
        function([this, key] { unlock(key); });
    }

    /// Runs a function with the locks of several rows held, taken in their order; `function(unlock)`.
    void locked_all(std::vector<Key> keys, std::function<void(std::function<void()>)> function) {
        if (keys.empty()) {
            function([] {});
            return;
        }
        const Key last = std::move(keys.back());
        keys.pop_back();
        locked_all(std::move(keys), [this, last, function = std::move(function)](std::function<void()> unlock_others) {
            locked(last, [function, unlock_others = std::move(unlock_others)](std::function<void()> unlock_last) {
                function([unlock_others, unlock_last = std::move(unlock_last)] {
                    unlock_last();
                    unlock_others();
                });
            });
        });
    }

    /// How long a statement of a transaction waits for a lock: less than its client waits for an answer.
    static constexpr Duration lock_patience = Network::patience / 2;

    /// Calls a function once a transaction has a row's lock, which it keeps until its end; `function(refused)`. One that has waited for
    /// too long is rolled back and refused (`errc::transaction_conflict`), which ends it if two wait for each other.
    void locked_for(const std::shared_ptr<SimSession>& session, const Key& key, std::function<void(const Error&)> function) {
        if (const auto place = owners_.find(key); place != owners_.end() && place->second == session.get()) return function(Error());
        const auto waiting = std::make_shared<std::function<void(const Error&)>>(std::move(function));
        locked(key, [this, session, key, waiting](std::function<void()> unlock) {
            if (!*waiting || !session->open()) return unlock();
            owners_[key] = session.get();
            session->at_end([this, alive = std::weak_ptr(alive_), key, unlock = std::move(unlock)] {
                if (alive.expired()) return;
                owners_.erase(key);
                unlock();
            });
            std::exchange(*waiting, nullptr)(Error());
        });
        if (!*waiting) return;
        shared().scheduler.after(Network::server, lock_patience, [session, waiting] {
            if (!*waiting) return;
            session->roll_back();
            std::exchange(*waiting, nullptr)(Error{errc::transaction_conflict, "other transactions stood in the way"});
        });
    }
    /// The same for the locks of several rows, taken in their order.
    void locked_for(const std::shared_ptr<SimSession>& session, std::vector<Key> keys, std::function<void(const Error&)> function) {
        if (keys.empty()) return function(Error());
        const Key last = std::move(keys.back());
        keys.pop_back();
        locked_for(session, std::move(keys), [this, session, last, function = std::move(function)](const Error& refused) {
            if (refused) return function(refused);
            locked_for(session, last, function);
        });
    }

    /// Notes what a transaction made of a row: others get to know of the last of it, with the commit. \param version the row's, or its tombstone's.
    void wrote_in(SimSession& session, const Key& key, Version version) {
        auto& written = written_[&session];
        if (written.empty()) {
            session.at_commit([this, id = &session] {
                for (const auto& [row, newest] : written_[id]) tell(row, newest);
            });
            session.at_end([this, alive = std::weak_ptr(alive_), id = &session] {
                if (!alive.expired()) written_.erase(id);
            });
        }
        written[key] = version;
    }

    /// A row got a new state; null: it was erased, at this version.
    void committed(const Key& key, const Entity* row, Version version) {
        states_[key].push_back(row ? std::optional<Entity>(*row) : std::nullopt);
        on_commit_(key, row, version);
    }

    /// The version of a row, if it is there.
    std::optional<Version> version_of(const Key& key) const {
        const auto place = states_.find(key);
        if (place == states_.end() || !place->second.back()) return std::nullopt;
        return schema_of<Entity>::version_of(*place->second.back());
    }

    /// What a replica has of a row. How far it lags is a choice.
    Outcome<std::optional<Entity>> at_replica(const Key& key) {
        const auto place = states_.find(key);
        if (place == states_.end()) return std::optional<Entity>();
        const auto& states = place->second;
        std::size_t behind = 0;
        if (network().suffers(Fault::replica_lag)) behind = 1 + shared().choices.pick(2);
        if (behind != 0) note("a replica lags");
        return behind < states.size() ? states[states.size() - 1 - behind] : std::optional<Entity>();
    }

private:
    static Rows make() {
        if constexpr (requires { Rows(typename Rows::Config{}); })
            return Rows(typename Rows::Config{});
        else
            return Rows();
    }

    void unlock(const Key& key) {
        const auto place = locks_.find(key);
        if (place->second.empty()) {
            locks_.erase(place);
            return;
        }
        auto next = std::move(place->second.front());
        place->second.pop_front();
        shared().scheduler.after(Network::server, Duration::zero(), [this, key, next = std::move(next)] { next([this, key] { unlock(key); }); });
    }

    /// Tells of a row that a transaction has committed; of one that came and went within it there is nothing to tell.
    void tell(const Key& key, Version version) {
        const auto row = rows_.load(key, ReadMode::plain);
        const bool present = row.has_value() && row->has_value();
        if (!present && !version_of(key)) return;
        note(present ? "commit: v" + std::to_string(version) : "commit: erased, v" + std::to_string(version));
        committed(key, present ? &**row : nullptr, version);
    }

    std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true); ///< Known to sessions that may outlive this.
    OnCommit on_commit_;
    Rows rows_;
    std::map<Key, std::vector<std::optional<Entity>>> states_;
    std::map<Key, const SimSession*> owners_;                       ///< The transactions that hold locks.
    std::map<const SimSession*, std::map<Key, Version>> written_;   ///< What open transactions have written.
    std::map<Key, std::deque<std::function<void(std::function<void()>)>>> locks_;
};

} // namespace testing
} // namespace v0
} // namespace larder
