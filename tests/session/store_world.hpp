// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "world.hpp"

#include <larder/session/store.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace redis_tests {
class RedisServer;
}

/// What the tests of the session store share. The tests know a store behind `Store`, so that each kind of it is compiled once.
namespace session_tests {

/// Random bytes that follow from a seed; can be made to fail.
class Bytes {
public:
    bool operator()(std::span<std::byte> out) const {
        std::function<void()> first;
        {
            const std::lock_guard lock(state_->mutex);
            first = std::exchange(state_->first, {});
        }
        if (first) first();
        const std::lock_guard lock(state_->mutex);
        if (state_->fails) return false;
        for (auto& each : out) each = static_cast<std::byte>(state_->engine());
        return true;
    }
    void fail(bool on) const {
        const std::lock_guard lock(state_->mutex);
        state_->fails = on;
    }
    /// Does something once, before the next bytes are drawn. A rotation draws them when it has found its session.
    void interrupt(std::function<void()> action) const {
        const std::lock_guard lock(state_->mutex);
        state_->first = std::move(action);
    }
    /// Whether that is still to come.
    bool will_interrupt() const {
        const std::lock_guard lock(state_->mutex);
        return static_cast<bool>(state_->first);
    }

private:
    struct State {
        std::mutex mutex;
        std::mt19937_64 engine{1};
        std::function<void()> first;
        bool fails = false;
    };
    std::shared_ptr<State> state_ = std::make_shared<State>();
};

inline larder::SessionKey session_key(std::uint8_t id) {
    larder::SessionKey key{id, {}};
    key.secret.fill(static_cast<std::byte>(0x40 + id));
    return key;
}

/// The operations of a store that tests need, and a look at its rows as the database has them.
struct Store {
    virtual ~Store() = default;
    virtual larder::Granted login(larder::Login) = 0;
    virtual larder::Authenticated authenticate(std::string_view access) = 0;
    virtual larder::Authenticated authenticate(const larder::Uuid& handle) = 0;
    virtual larder::Granted rotate(std::string_view refresh) = 0;
    virtual larder::Granted elevate(const larder::Uuid& handle, std::optional<std::string> data = {}) = 0;
    virtual larder::SessionList list(std::int64_t user) = 0;
    virtual larder::SessionsEnded revoke(const larder::Uuid&, larder::EndReason = larder::EndReason::logged_out, larder::Effect = larder::Effect::may_be_pending) = 0;
    virtual larder::SessionsEnded revoke(std::int64_t, const larder::Uuid&, larder::EndReason = larder::EndReason::logged_out, larder::Effect = larder::Effect::may_be_pending) = 0;
    virtual larder::SessionsEnded revoke_all(std::int64_t, larder::EndReason = larder::EndReason::logged_out_everywhere, larder::Effect = larder::Effect::may_be_pending) = 0;
    virtual larder::SessionsEnded revoke_others(std::int64_t, const larder::Uuid&, larder::EndReason = larder::EndReason::logged_out_everywhere,
                                                larder::Effect = larder::Effect::may_be_pending) = 0;
    virtual larder::SessionsEnded revoke_before(std::int64_t, larder::TimePoint, larder::EndReason = larder::EndReason::logged_out_everywhere,
                                                larder::Effect = larder::Effect::may_be_pending) = 0;
    virtual larder::SessionsEnded revoke_before(larder::TimePoint, larder::EndReason = larder::EndReason::administrator, larder::Effect = larder::Effect::may_be_pending) = 0;
    virtual larder::Reaped expire(std::size_t most = 500) = 0;
    virtual larder::SessionsEnded revoke_family(const larder::Uuid&, larder::EndReason = larder::EndReason::administrator, larder::Effect = larder::Effect::may_be_pending) = 0;

    /// The row as the database has it.
    virtual larder::Found<larder::Session> row(const larder::Uuid&) = 0;
    /// Drops what the caches hold of a session.
    virtual void expel(const larder::Uuid&) = 0;
    virtual void shut_down() = 0;
};

/// What a world of stores is made of.
struct StoreSettings {
    larder::SessionStoreOptions rules = {};
    std::vector<larder::SessionKey> keys = {session_key(1)};
    std::function<larder::Error(const larder::MemoryOperation&)> hook = {}; ///< In a database in memory.
    larder::HeatRule heat = {};
    bool sole_writer = true;
    std::string file = ":memory:"; ///< Where there is one.
    std::chrono::milliseconds redis_timeout = 2s;
};

/// Does something once, before the next operation of a kind in a database in memory.
struct Interruption {
    larder::QueryKind kind = larder::QueryKind::update;
    std::function<void()> action;

    StoreSettings settings() {
        StoreSettings made;
        made.hook = [this](const larder::MemoryOperation& operation) {
            if (operation.kind == kind && !operation.done)
                if (const auto act = std::exchange(action, {})) act();
            return larder::Error();
        };
        return made;
    }
};

/// Stores over one database, under one clock. Two of them are there from the beginning, as of two processes.
struct StoreWorld {
    virtual ~StoreWorld() = default;
    /// Another store over the same rows, with caches and connections of its own.
    virtual std::unique_ptr<Store> open(const StoreSettings&) = 0;
    virtual std::int64_t add_user(const std::string& name) = 0;
    /// Returns once what was written is effective everywhere.
    virtual void settle() = 0;
    /// The Redis server that the stores share; null: they share none.
    virtual redis_tests::RedisServer* redis() = 0;

    larder::TimePoint now() const { return std::chrono::time_point_cast<larder::TimePoint::duration>(larder::WallTime(environment.wall_now())); }

    /// What is counted while `work` runs, in all stores.
    template <class Work>
    larder::MetricsSnapshot count(Work work) {
        const auto before = environment.observer().snapshot();
        work();
        return environment.observer().snapshot() - before;
    }

    Environment environment;
    Bytes random;
    std::unique_ptr<Store> store;
};

/// A kind of world: a policy over a database, with or without Redis before it.
struct StoreKind {
    const char* name;
    std::unique_ptr<StoreWorld> (*make)(const StoreSettings&);
    bool in_memory = false;
    bool current_reads = false;
    bool shared = false;       ///< Whether the stores share a tier.
    larder::Duration bound{};  ///< For how long a write is pending, where the store is the only one or there is a shared tier.
};

/// The kinds, each compiled in a file of its own.
extern const StoreKind hybrid_in_memory, write_through_in_memory, write_through_in_sqlite, probing_in_sqlite, by_epoch_in_memory, write_through_in_postgres, write_through_behind_redis,
    write_through_in_front_of_redis, hybrid_in_front_of_redis, by_epoch_in_front_of_redis;

inline std::vector<const StoreKind*> store_kinds_over_redis() {
    return {&write_through_behind_redis, &write_through_in_front_of_redis, &hybrid_in_front_of_redis, &by_epoch_in_front_of_redis};
}
inline std::vector<const StoreKind*> store_kinds() {
    std::vector<const StoreKind*> kinds{&hybrid_in_memory, &write_through_in_memory, &write_through_in_sqlite, &probing_in_sqlite, &by_epoch_in_memory, &write_through_in_postgres};
    for (const auto* kind : store_kinds_over_redis()) kinds.push_back(kind);
    return kinds;
}
inline std::vector<const StoreKind*> store_kinds_in_memory() { return {&hybrid_in_memory, &write_through_in_memory, &by_epoch_in_memory, &by_epoch_in_front_of_redis}; }

/// Runs a test in a world of each kind, which is named where it fails.
template <class Test>
void in_each_world(const std::vector<const StoreKind*>& kinds, const StoreSettings& settings, Test test) {
    for (const auto* kind : kinds) {
        const std::string name = kind->name;
        CAPTURE(name);
        const auto world = kind->make(settings);
        test(*world, *kind);
    }
}
template <class Test>
void in_each_world(const StoreSettings& settings, Test test) {
    in_each_world(store_kinds(), settings, test);
}

} // namespace session_tests
