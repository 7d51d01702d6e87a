// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/cache_tier.hpp>
#include <larder/cache/detail/leased_record.hpp>
#include <larder/database/detail/stored_order.hpp>
#include <larder/environment.hpp>

#include <cstddef>
#include <map>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {

/// The smallest cache tier that meets the contract: a map of leased records for each key space, unbounded.
///
/// It can be copied, so that a test can bring back an older state, and told to forget single records. Not thread-safe.
template <class Entity, class Env>
class ReferenceTier {
    using Schema = schema_of<Entity>;
    template <std::size_t Space>
    using Record = larder::detail::LeasedRecord<larder::detail::record_rules_t<Entity, Space>>;
    template <std::size_t... Space>
    static std::tuple<std::map<space_key_t<Entity, Space>, Record<Space>, larder::detail::StoredLess>...> maps_of(std::index_sequence<Space...>);
    using Maps = decltype(maps_of(std::make_index_sequence<Schema::space_count>{}));

public:
    struct Config {};

    static constexpr Level level = Level::shared;
    static constexpr bool outlives_process = true;

    ReferenceTier(Config, Env& env) : env_(&env) {}

    template <std::size_t Space>
    Lookup<space_value_t<Entity, Space>> lookup(const space_key_t<Entity, Space>& key, const Demand& demand) {
        space_value_t<Entity, Space> dropped{};
        auto& records = std::get<Space>(maps_);
        if (!demand.want_lease && !records.contains(key)) return {};
        const LeaseToken token = demand.want_lease || demand.refresh ? larder::detail::new_token(*env_) : 0;
        return records[key].lookup(*env_, env_->now(), demand, token, dropped);
    }
    template <std::size_t Space>
    std::vector<Lookup<space_value_t<Entity, Space>>> lookup_many(std::span<const space_key_t<Entity, Space>> keys, const Demand& demand) {
        std::vector<Lookup<space_value_t<Entity, Space>>> found;
        for (const auto& key : keys) found.push_back(lookup<Space>(key, demand));
        return found;
    }
    template <std::size_t Space>
    FillOutcome fill(const space_key_t<Entity, Space>& key, FillRequest<space_value_t<Entity, Space>> request) {
        space_value_t<Entity, Space> dropped{};
        if constexpr (Space >= Schema::alias_end) request.version = request.value;
        auto& records = std::get<Space>(maps_);
        if (env_->enabled(Guard::lease_on_fill) && !records.contains(key)) return FillOutcome::lost;
        return records[key].fill(*env_, env_->now(), std::move(request), true, dropped);
    }
    template <std::size_t Space>
    std::vector<FillOutcome> fill_many(std::span<const space_key_t<Entity, Space>> keys, std::vector<FillRequest<space_value_t<Entity, Space>>> requests) {
        std::vector<FillOutcome> outcomes;
        for (std::size_t i = 0; i < keys.size(); ++i) outcomes.push_back(fill<Space>(keys[i], std::move(requests[i])));
        return outcomes;
    }

    void fence(const KeySet<Entity>& keys, FenceOwner owner, Duration length) {
        each(keys, [&](auto& record, auto& dropped) { record.fence(*env_, env_->now(), owner, length, dropped); });
    }
    void publish(std::span<const Publication<Entity>> publications) {
        for (const auto& publication : publications) {
            publish_aliases(publication);
            publish_row(publication);
        }
    }
    /// The first half of a publication, for tests of what comes between: the epochs, and the alternate keys.
    void publish_aliases(const Publication<Entity>& publication) {
        [&]<std::size_t... Space>(std::index_sequence<Space...>) { (publish_in<Space>(publication), ...); }(std::make_index_sequence<Schema::space_count>{});
    }
    /// The second half: the row.
    void publish_row(const Publication<Entity>& publication) {
        if (!publication.primary) return;
        CachedRow<Entity> dropped;
        CachedRow<Entity> value = publication.row.value_or(CachedRow<Entity>{});
        std::get<0>(maps_)[*publication.primary].publish(*env_, env_->now(), larder::detail::ThisRow{}, publication.version,
                                                         publication.row && stores(publication) ? &value : nullptr, publication.lifetime, publication.owner, dropped);
    }
    void expel(const KeySet<Entity>& keys) {
        each(keys, [&](auto& record, auto& dropped) { record.expel(*env_, env_->now(), dropped); });
    }
    void expire(const KeySet<Entity>& keys) {
        each(keys, [&](auto& record, auto& dropped) { record.expire(*env_, env_->now(), dropped); });
    }
    void clear() { maps_ = {}; }
    TierUsage usage() const {
        TierUsage sum;
        sum.entries = std::get<0>(maps_).size();
        return sum;
    }

    /// Forgets one record, as an eviction does, unless a fence pins it. \returns whether there was one to forget.
    template <std::size_t Space>
    bool evict(const space_key_t<Entity, Space>& key) {
        auto& records = std::get<Space>(maps_);
        const auto place = records.find(key);
        if (place == records.end() || place->second.pinned(env_->now())) return false;
        records.erase(place);
        return true;
    }

    /// The state of one record, for checks.
    template <std::size_t Space>
    Lookup<space_value_t<Entity, Space>> inspect(const space_key_t<Entity, Space>& key) {
        Demand demand;
        demand.want_lease = false;
        return lookup<Space>(key, demand);
    }

private:
    template <class Act>
    void each(const KeySet<Entity>& keys, const Act& act) {
        [&]<std::size_t... Space>(std::index_sequence<Space...>) { (each_in<Space>(keys, act), ...); }(std::make_index_sequence<Schema::space_count>{});
    }
    template <std::size_t Space, class Act>
    void each_in(const KeySet<Entity>& keys, const Act& act) {
        for (const auto& key : keys.template in<Space>()) {
            space_value_t<Entity, Space> dropped{};
            act(std::get<Space>(maps_)[key], dropped);
        }
    }

    static bool stores(const Publication<Entity>& publication) noexcept { return !Schema::has_version || publication.version > 0; }

    template <std::size_t Space>
    void publish_in(const Publication<Entity>& publication) {
        const SteadyTime now = env_->now();
        space_value_t<Entity, Space> dropped{};
        if constexpr (Space >= Schema::alias_end) {
            for (const auto& key : publication.epoch_keys.template in<Space>()) {
                std::uint64_t value = publication.epoch;
                std::get<Space>(maps_)[key].publish(*env_, now, larder::detail::ThisRow{}, publication.epoch, value > 0 ? &value : nullptr, publication.lifetime, publication.owner, dropped);
            }
        } else if constexpr (Space > 0) {
            if (!publication.primary) return;
            const primary_key_t<Entity>* subject = &*publication.primary;
            for (const auto& key : publication.gone.template in<Space>())
                std::get<Space>(maps_)[key].publish(*env_, now, subject, publication.version, nullptr, publication.lifetime, publication.owner, dropped);
            for (const auto& key : publication.aliases.template in<Space>()) {
                std::optional<primary_key_t<Entity>> value = publication.primary;
                std::get<Space>(maps_)[key].publish(*env_, now, subject, publication.version, stores(publication) ? &value : nullptr, publication.lifetime, publication.owner, dropped);
            }
        }
    }

    Env* env_;
    Maps maps_;
};

} // namespace testing
} // namespace v0
} // namespace larder
