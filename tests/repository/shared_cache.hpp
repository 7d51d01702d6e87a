// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "world.hpp"

#include <larder/cache/cache_tier.hpp>
#include <larder/cache/memory.hpp>
#include <larder/environment.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace repository_tests {

/// Which operations of the tier fail, and how.
struct Outage {
    std::vector<std::string_view> operations; ///< Empty: none.
    bool by_exception = false;
    int failures = 0;

    bool hits(std::string_view operation) const { return std::find(operations.begin(), operations.end(), operation) != operations.end(); }
};

/// A tier that several processes share, as far as a repository can tell, and whose operations fail on demand.
template <class Entity, class Env>
class SharedCache {
public:
    static constexpr Level level = Level::shared;
    static constexpr bool outlives_process = true;
    struct Config {
        std::shared_ptr<Outage> outage = std::make_shared<Outage>();
        std::shared_ptr<MemoryCache<Entity, Env>> records{}; ///< Null: of its own.
    };

    SharedCache(Config config, Env& env) : outage_(std::move(config.outage)), records_(config.records ? std::move(config.records) : std::make_shared<MemoryCache<Entity, Env>>(MemoryCacheConfig<Entity>{}, env)) {}

    template <std::size_t Space>
    Outcome<Lookup<space_value_t<Entity, Space>>> lookup(const space_key_t<Entity, Space>& key, const Demand& demand) {
        if (auto failed = failure("lookup")) return failed;
        return records_->template lookup<Space>(key, demand);
    }
    template <std::size_t Space>
    Outcome<std::vector<Lookup<space_value_t<Entity, Space>>>> lookup_many(std::span<const space_key_t<Entity, Space>> keys, const Demand& demand) {
        if (auto failed = failure("lookup_many")) return failed;
        return records_->template lookup_many<Space>(keys, demand);
    }
    template <std::size_t Space>
    Outcome<FillOutcome> fill(const space_key_t<Entity, Space>& key, FillRequest<space_value_t<Entity, Space>> request) {
        if (auto failed = failure("fill")) return failed;
        return records_->template fill<Space>(key, std::move(request));
    }
    template <std::size_t Space>
    Outcome<std::vector<FillOutcome>> fill_many(std::span<const space_key_t<Entity, Space>> keys, std::vector<FillRequest<space_value_t<Entity, Space>>> requests) {
        if (auto failed = failure("fill_many")) return failed;
        return records_->template fill_many<Space>(keys, std::move(requests));
    }
    Outcome<void> fence(const KeySet<Entity>& keys, FenceOwner owner, Duration length) {
        if (auto failed = failure("fence")) return failed;
        records_->fence(keys, owner, length);
        return {};
    }
    Outcome<void> publish(std::span<const Publication<Entity>> publications) {
        if (auto failed = failure("publish")) return failed;
        records_->publish(publications);
        return {};
    }
    Outcome<void> expel(const KeySet<Entity>& keys) {
        if (auto failed = failure("expel")) return failed;
        records_->expel(keys);
        return {};
    }
    Outcome<void> expire(const KeySet<Entity>& keys) {
        if (auto failed = failure("expire")) return failed;
        records_->expire(keys);
        return {};
    }
    void clear() { records_->clear(); }
    TierUsage usage() const { return records_->usage(); }

private:
    Error failure(std::string_view operation) const {
        if (!outage_->hits(operation)) return {};
        ++outage_->failures;
        if (outage_->by_exception) throw std::runtime_error("the tier broke");
        return {errc::cache_unavailable, "the tier is away"};
    }

    std::shared_ptr<Outage> outage_;
    std::shared_ptr<MemoryCache<Entity, Env>> records_;
};
static_assert(cache_tier<SharedCache<Pass, ManualEnvironment>, Pass>);

/// One that asks its server again by itself.
template <class Entity, class Env>
struct PatientCache : SharedCache<Entity, Env> {
    using SharedCache<Entity, Env>::SharedCache;
    static constexpr bool retries_itself = true;
};

/// Repositories over it.
using SharedPasses = CachedRepository<Pass, Stack<SharedCache, MemoryDatabase>, WriteThrough, ManualEnvironment>;

/// Passes behind a tier that is shared, whose writes have a deadline by a clock that stands still.
struct Shared {
    explicit Shared(Options chosen = {}) : options(std::move(chosen)) {
        holder = MemoryDatabase<Holder>(tables).insert({}).value().id;
        options.jitter = 0;
        passes = std::make_unique<SharedPasses>(SharedPasses::Config{{outage, records}, tables}, options, WriteThrough{}, environment);
    }
    Pass insert(int number) {
        Pass row;
        row.holder_id = holder;
        row.code = "code " + std::to_string(number);
        row.note = "first";
        row.expires_at = TimePoint(std::chrono::hours(24 * 365 * 100));
        return *passes->insert(row).or_throw().row();
    }
    std::vector<std::string> hidden() const {
        std::vector<std::string> operations;
        for (const auto& failure : environment.observer().all<testing::EventLog::HiddenFailure>())
            if (failure.level == Level::shared) operations.push_back(failure.operation);
        return operations;
    }

    std::shared_ptr<Outage> outage = std::make_shared<Outage>();
    std::shared_ptr<testing::Interposer> database = std::make_shared<testing::Interposer>();
    ManualEnvironment environment;
    MemoryTables tables = testing::interposed_tables(database, [environment = environment] { return DatabaseTime(environment.wall_now().time_since_epoch()); });
    std::shared_ptr<MemoryCache<Pass, ManualEnvironment>> records = std::make_shared<MemoryCache<Pass, ManualEnvironment>>(MemoryCacheConfig<Pass>{}, environment);
    Options options;
    std::int64_t holder = 0;
    std::unique_ptr<SharedPasses> passes;
};

} // namespace repository_tests
