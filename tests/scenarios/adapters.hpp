// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "gate.hpp"

#include <larder/database/memory.hpp>
#include <larder/testing/sim/cache.hpp>
#include <larder/testing/sim/database.hpp>
#include <larder/testing/sim/database_within.hpp>
#include <larder/testing/sim/ticket.hpp>

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace scenarios {

using larder::Outcome;

/// "row k", "code c1", "epoch o".
template <class Key>
std::string name_of(std::size_t space, const Key& key) {
    std::string words = space == 0 ? "row " : space == 1 ? "code " : "epoch ";
    return words.append(std::string_view(key));
}

/// A result in a word or two.
struct Words {
    template <class T>
    std::string operator()(const Outcome<T>& outcome) const {
        return outcome.has_error() ? "refused: " + outcome.error().code.message() : word(*outcome);
    }
    std::string operator()(const Outcome<void>& outcome) const { return outcome.has_error() ? "refused" : "done"; }

private:
    template <class V>
    static std::string word(const larder::Lookup<V>& found) {
        switch (found.answer) {
        case larder::Answer::hit: return "hit v" + std::to_string(found.version);
        case larder::Answer::miss: return found.lease != 0 ? "miss with a lease" : "miss";
        case larder::Answer::wait: return "wait";
        case larder::Answer::bypass: return "bypass";
        }
        return {};
    }
    static std::string word(larder::FillOutcome outcome) { return std::string(larder::name_of(outcome)); }
    static std::string word(std::uint64_t version) { return "v" + std::to_string(version); }
    template <class T>
    static std::string word(const std::optional<T>& row) {
        if (!row) return "absent";
        if constexpr (std::is_integral_v<T>)
            return word(*row);
        else
            return word(row->version);
    }
    template <class T>
    static std::string word(const T&) {
        return "done";
    }
};

/// A process's client of the simulated shared tier, whose every request passes the gate.
template <class Entity, class Env>
class StagedCache {
    using Inner = larder::testing::SimCache<Entity, Env>;
    template <std::size_t Space>
    using Key = larder::space_key_t<Entity, Space>;
    template <std::size_t Space>
    using Value = larder::space_value_t<Entity, Space>;

public:
    struct Config {
        typename Inner::Config inner;
        Gate* gate = nullptr;
    };

    static constexpr larder::Level level = larder::Level::shared;
    static constexpr bool outlives_process = true;

    StagedCache(Config config, Env& env) : gate_(*config.gate), process_(config.inner.actor.process), inner_(std::make_shared<Inner>(config.inner, env)) {}

    template <std::size_t Space, class Handler>
    void async_lookup(const Key<Space>& key, const larder::Demand& demand, Handler handler) {
        pass<Outcome<larder::Lookup<Value<Space>>>>(
            "lookup " + name_of(Space, key), [inner = inner_, key, demand](auto done) { inner->template async_lookup<Space>(key, demand, std::move(done)); }, std::move(handler));
    }
    template <std::size_t Space, class Handler>
    void async_lookup_many(std::span<const Key<Space>> keys, const larder::Demand& demand, Handler handler) {
        pass<Outcome<std::vector<larder::Lookup<Value<Space>>>>>(
            "lookup of many",
            [inner = inner_, keys = std::vector<Key<Space>>(keys.begin(), keys.end()), demand](auto done) { inner->template async_lookup_many<Space>(keys, demand, std::move(done)); },
            std::move(handler));
    }
    template <std::size_t Space, class Handler>
    void async_fill(const Key<Space>& key, larder::FillRequest<Value<Space>> request, Handler handler) {
        pass<Outcome<larder::FillOutcome>>(
            "fill " + name_of(Space, key) + " v" + std::to_string(request.version), [inner = inner_, key, request](auto done) { inner->template async_fill<Space>(key, request, std::move(done)); },
            std::move(handler));
    }
    template <std::size_t Space, class Handler>
    void async_fill_many(std::span<const Key<Space>> keys, std::vector<larder::FillRequest<Value<Space>>> requests, Handler handler) {
        pass<Outcome<std::vector<larder::FillOutcome>>>(
            "fill of many",
            [inner = inner_, keys = std::vector<Key<Space>>(keys.begin(), keys.end()), requests](auto done) { inner->template async_fill_many<Space>(keys, requests, std::move(done)); },
            std::move(handler));
    }
    template <class Handler>
    void async_fence(const larder::KeySet<Entity>& keys, larder::FenceOwner owner, larder::Duration span, Handler handler) {
        pass<Outcome<void>>("fence", [inner = inner_, keys, owner, span](auto done) { inner->async_fence(keys, owner, span, std::move(done)); }, std::move(handler));
    }
    template <class Handler>
    void async_publish(std::span<const larder::Publication<Entity>> publications, Handler handler) {
        std::string what = "publish";
        for (const auto& each : publications) what += " v" + std::to_string(each.version);
        pass<Outcome<void>>(
            what, [inner = inner_, copies = std::vector<larder::Publication<Entity>>(publications.begin(), publications.end())](auto done) { inner->async_publish(copies, std::move(done)); },
            std::move(handler));
    }
    template <class Handler>
    void async_expel(const larder::KeySet<Entity>& keys, Handler handler) {
        pass<Outcome<void>>("expel", [inner = inner_, keys](auto done) { inner->async_expel(keys, std::move(done)); }, std::move(handler));
    }
    template <class Handler>
    void async_expire(const larder::KeySet<Entity>& keys, Handler handler) {
        pass<Outcome<void>>("expire", [inner = inner_, keys](auto done) { inner->async_expire(keys, std::move(done)); }, std::move(handler));
    }
    larder::TierUsage usage() const { return inner_->usage(); }

    template <class Near>
    void attach_near(Near& near) {
        inner_->attach_near(near);
    }
    bool near_may_serve(larder::SteadyTime now) const noexcept { return inner_->near_may_serve(now); }
    larder::Duration near_bound() const noexcept { return inner_->near_bound(); }

private:
    template <class Result, class Forward, class Handler>
    void pass(std::string what, Forward forward, Handler handler) {
        gate_.pass<Result>(Server::cache, process_, std::move(what), std::move(forward), std::move(handler), Words{});
    }

    Gate& gate_;
    std::uint16_t process_;
    std::shared_ptr<Inner> inner_; ///< Shared with the requests that outlive the process.
};

/// What a replica of the database has: nothing of its own, until it is told to lag.
template <class Entity>
using Replica = std::optional<std::map<larder::primary_key_t<Entity>, Entity>>;

/// A process's client of rows of the simulated database, whose every request passes the gate.
///
/// \tparam Inner the client that it stands before.
template <class Entity, class Inner>
class StagedRows {
    using Key = larder::primary_key_t<Entity>;
    using Row = std::optional<Entity>;

public:
    static constexpr bool conditional_writes = true;

    /// \param within what all words for its requests begin with.
    StagedRows(Gate& gate, std::uint16_t process, const Replica<Entity>& replica, Inner inner, std::string within)
        : gate_(gate), process_(process), replica_(replica), inner_(std::make_shared<Inner>(std::move(inner))), within_(std::move(within)) {}

    template <class Handler>
    void async_load(const Key& key, larder::ReadMode mode, Handler handler) {
        using larder::ReadMode;
        const std::string what = mode == ReadMode::settled ? "settled load of " : mode == ReadMode::recent ? "recent load of " : "load of ";
        pass<Outcome<Row>>(
            what + name_of(0, key),
            [inner = inner_, &replica = replica_, key, mode](auto done) {
                if (mode != ReadMode::recent || !replica)
                    return inner->async_load(key, mode == ReadMode::recent ? ReadMode::plain : mode, std::move(done));
                const auto place = replica->find(key);
                done(place == replica->end() ? Row() : Row(place->second));
            },
            std::move(handler));
    }
    template <std::size_t Space, class Handler>
    void async_load_by(const larder::space_key_t<Entity, Space>& key, larder::ReadMode mode, Handler handler) {
        pass<Outcome<Row>>("load by " + name_of(Space, key), [inner = inner_, key, mode](auto done) { inner->template async_load_by<Space>(key, mode, std::move(done)); }, std::move(handler));
    }
    template <class Handler>
    void async_load_many(std::span<const Key> keys, larder::ReadMode mode, Handler handler) {
        pass<Outcome<std::vector<Row>>>(
            "load of many", [inner = inner_, keys = std::vector<Key>(keys.begin(), keys.end()), mode](auto done) { inner->async_load_many(keys, mode, std::move(done)); }, std::move(handler));
    }
    template <std::size_t Space, class Handler>
    void async_list(const larder::space_key_t<Entity, Space>& key, Handler handler) {
        pass<Outcome<std::vector<larder::RowVersion<Entity>>>>("list", [inner = inner_, key](auto done) { inner->template async_list<Space>(key, std::move(done)); }, std::move(handler));
    }
    template <class Handler>
    void async_load_version(const Key& key, Handler handler) {
        pass<Outcome<std::optional<larder::Version>>>("probe of " + name_of(0, key), [inner = inner_, key](auto done) { inner->async_load_version(key, std::move(done)); }, std::move(handler));
    }
    template <std::size_t Space, class Handler>
    void async_load_epoch(const larder::space_key_t<Entity, Space>& key, Handler handler) {
        pass<Outcome<std::uint64_t>>("read of " + name_of(Space, key), [inner = inner_, key](auto done) { inner->template async_load_epoch<Space>(key, std::move(done)); }, std::move(handler));
    }
    template <class Handler>
    void async_clock(Handler handler) {
        pass<Outcome<larder::DatabaseTime>>("clock", [inner = inner_](auto done) { inner->async_clock(std::move(done)); }, std::move(handler));
    }
    template <class Handler>
    void async_insert(const Entity& row, Handler handler) {
        pass<Outcome<Entity>>("insert", [inner = inner_, row](auto done) { inner->async_insert(row, std::move(done)); }, std::move(handler));
    }
    template <class Handler>
    void async_update(const Entity& row, larder::Version expected, const larder::WriteCondition& condition, Handler handler) {
        pass<Outcome<larder::Version>>(
            "update of v" + std::to_string(expected), [inner = inner_, row, expected, condition](auto done) { inner->async_update(row, expected, condition, std::move(done)); }, std::move(handler));
    }
    template <class Handler>
    void async_erase(const Key& key, larder::Version expected, const larder::WriteCondition& condition, Handler handler) {
        pass<Outcome<larder::Version>>(
            "erase of v" + std::to_string(expected), [inner = inner_, key, expected, condition](auto done) { inner->async_erase(key, expected, condition, std::move(done)); }, std::move(handler));
    }
    template <std::size_t Space, class Members, class Handler>
    void async_revoke_all(const larder::space_key_t<Entity, Space>& key, const Entity& pattern, Members members, Handler handler) {
        pass<Outcome<larder::GroupRevocation<Entity>>>(
            "revoke all", [inner = inner_, key, pattern, members](auto done) { inner->template async_revoke_all<Space>(key, pattern, members, std::move(done)); }, std::move(handler));
    }

protected:
    template <class Result, class Forward, class Handler>
    void pass(const std::string& what, Forward forward, Handler handler) {
        gate_.pass<Result>(Server::database, process_, within_ + what, std::move(forward), std::move(handler), Words{});
    }

    Gate& gate_;
    std::uint16_t process_;
    const Replica<Entity>& replica_;
    std::shared_ptr<Inner> inner_; ///< Shared with the requests that outlive the process.
    std::string within_;
};

/// A process's side of a transaction, whose ends pass the gate.
class StagedTransaction {
    using Inner = larder::testing::SimDatabase<larder::testing::Ticket>::Transaction;

public:
    StagedTransaction(Gate& gate, std::uint16_t process, Inner inner) : gate_(&gate), process_(process), inner_(std::make_shared<Inner>(std::move(inner))) {}

    Inner& inner() const noexcept { return *inner_; }

    template <class Handler>
    void async_commit(const larder::WriteCondition& condition, Handler handler) {
        pass("commit", [inner = inner_, condition](auto done) { inner->async_commit(condition, std::move(done)); }, std::move(handler));
    }
    template <class Handler>
    void async_roll_back(Handler handler) {
        pass("roll back", [inner = inner_](auto done) { inner->async_roll_back(std::move(done)); }, std::move(handler));
    }

private:
    template <class Forward, class Handler>
    void pass(std::string what, Forward forward, Handler handler) {
        gate_->pass<Outcome<void>>(Server::database, process_, std::move(what), std::move(forward), std::move(handler), Words{});
    }

    Gate* gate_;
    std::uint16_t process_;
    std::shared_ptr<Inner> inner_; ///< Shared with the request that outlives the process.
};

/// A process's client of the simulated database, with its transactions.
template <class Entity>
class StagedDatabase : public StagedRows<Entity, larder::testing::SimDatabase<Entity>> {
    using Inner = larder::testing::SimDatabase<Entity>;
    using Within = larder::testing::SimDatabaseWithin<Entity, larder::MemoryDatabase>;

public:
    struct Config {
        typename Inner::Config inner;
        Gate* gate = nullptr;
        const Replica<Entity>* replica = nullptr;
    };
    using Transaction = StagedTransaction;

    static constexpr bool replicas = true;

    explicit StagedDatabase(Config config) : StagedRows<Entity, Inner>(*config.gate, config.inner.actor.process, *config.replica, Inner(config.inner), {}) {}

    template <class Handler>
    void async_begin(larder::Isolation isolation, Handler handler) {
        this->template pass<Outcome<Transaction>>(
            "begin",
            [inner = this->inner_, isolation, &gate = this->gate_, process = this->process_](auto done) {
                inner->async_begin(isolation, [done = std::move(done), &gate, process](Outcome<typename Inner::Transaction> begun) mutable {
                    if (begun.has_error()) return done(begun.error());
                    done(Transaction(gate, process, std::move(*begun)));
                });
            },
            std::move(handler));
    }
    bool takes(const Transaction& transaction) const { return this->inner_->takes(transaction.inner()); }
    /// What is asked in a transaction begins with "in a unit: ".
    StagedRows<Entity, Within> within(Transaction& transaction) { return {this->gate_, this->process_, this->replica_, this->inner_->within(transaction.inner()), "in a unit: "}; }
};

} // namespace scenarios
