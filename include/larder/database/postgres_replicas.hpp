// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/database.hpp>
#include <larder/database/postgres.hpp>
#include <larder/database/postgres_pool.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {

/// A `PostgresDatabase` with replicas of its server that may lag: they take loads of rows in turn where the cache can tell that an
/// answer is too old, which is then asked of the primary. All else goes to the primary.
///
/// So a stack with it keeps the promises of one with the primary alone; a replica that fails or lags costs a second load.
/// As thread-safe as `PostgresDatabase`.
template <class Entity>
class ReplicatedPostgresDatabase : public PostgresDatabase<Entity> {
    using Primary = PostgresDatabase<Entity>;

public:
    /// The primary's connections and those of its replicas.
    struct Config {
        typename Primary::Config primary;
        std::vector<PostgresPool> replicas; ///< With none, every load goes to the primary.

        Config(typename Primary::Config to_primary, std::vector<PostgresPool> to_replicas) : primary(std::move(to_primary)), replicas(std::move(to_replicas)) {}
    };

    static constexpr bool replicas = true;

    explicit ReplicatedPostgresDatabase(Config config) : Primary(std::move(config.primary)), turns_(std::make_shared<Turns>()) {
        for (auto& pool : config.replicas) turns_->databases.emplace_back(typename Primary::Config(std::move(pool)));
    }

    template <class Handler>
    void async_load(const primary_key_t<Entity>& key, ReadMode mode, Handler handler) {
        if (mode != ReadMode::recent || turns_->databases.empty()) return Primary::async_load(key, mode, std::move(handler));
        const std::size_t turn = turns_->next.fetch_add(1, std::memory_order_relaxed) % turns_->databases.size();
        turns_->databases[turn].async_load(key, ReadMode::plain, std::move(handler));
    }

private:
    struct Turns {
        std::vector<Primary> databases;
        std::atomic<std::size_t> next{0};
    };
    std::shared_ptr<Turns> turns_;
};

} // namespace v0
} // namespace larder
