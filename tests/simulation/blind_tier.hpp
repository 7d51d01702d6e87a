// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/cache_tier.hpp>
#include <larder/database/detail/stored_order.hpp>

#include <cstddef>
#include <map>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

namespace simulation {

/// When the tier deletes what a write touches.
enum class Deletes { before_commit, after_commit };

/// A cache as most code uses one: GET, SET and DEL, with no lease, floor or fence behind them. It has the face of a cache tier, so that
/// what it lacks is all that differs.
template <class Entity, class Env, Deletes when>
class BlindTier {
    using Schema = larder::schema_of<Entity>;
    template <std::size_t Space>
    using Key = larder::space_key_t<Entity, Space>;
    template <std::size_t Space>
    using Value = larder::space_value_t<Entity, Space>;
    template <std::size_t Space>
    struct Entry {
        Value<Space> value;
        larder::Version version;
        larder::SteadyTime loaded_at, serve_until;
    };
    template <std::size_t... Space>
    static std::tuple<std::map<Key<Space>, Entry<Space>, larder::detail::StoredLess>...> maps_of(std::index_sequence<Space...>);

public:
    struct Config {};
    static constexpr larder::Level level = larder::Level::shared;
    static constexpr bool outlives_process = true;

    BlindTier(Config, Env& env) : env_(&env) {}

    template <std::size_t Space>
    larder::Lookup<Value<Space>> lookup(const Key<Space>& key, const larder::Demand& demand) {
        larder::Lookup<Value<Space>> found;
        const auto place = std::get<Space>(maps_).find(key);
        if (place != std::get<Space>(maps_).end() && env_->now() < place->second.serve_until) {
            found.answer = larder::Answer::hit;
            found.value = place->second.value;
            found.version = place->second.version;
            found.age = env_->now() - place->second.loaded_at;
            found.remaining = place->second.serve_until - env_->now();
        }
        if (demand.refresh || (found.answer == larder::Answer::miss && demand.want_lease)) found.lease = 1;
        return found;
    }
    template <std::size_t Space>
    std::vector<larder::Lookup<Value<Space>>> lookup_many(std::span<const Key<Space>> keys, const larder::Demand& demand) {
        std::vector<larder::Lookup<Value<Space>>> found;
        for (const auto& key : keys) found.push_back(lookup<Space>(key, demand));
        return found;
    }
    template <std::size_t Space>
    larder::FillOutcome fill(const Key<Space>& key, larder::FillRequest<Value<Space>> request) {
        if (request.lifetime.serve <= request.age) return larder::FillOutcome::stored;
        const auto loaded_at = env_->now() - request.age;
        std::get<Space>(maps_).insert_or_assign(key, Entry<Space>{std::move(request.value), request.version, loaded_at, loaded_at + request.lifetime.serve});
        return larder::FillOutcome::stored;
    }
    template <std::size_t Space>
    std::vector<larder::FillOutcome> fill_many(std::span<const Key<Space>> keys, std::vector<larder::FillRequest<Value<Space>>> requests) {
        std::vector<larder::FillOutcome> outcomes;
        for (std::size_t i = 0; i < keys.size(); ++i) outcomes.push_back(fill<Space>(keys[i], std::move(requests[i])));
        return outcomes;
    }
    void fence(const larder::KeySet<Entity>& keys, larder::FenceOwner, larder::Duration) {
        if (when == Deletes::before_commit) expel(keys);
    }
    void publish(std::span<const larder::Publication<Entity>> publications) {
        if (when == Deletes::before_commit) return;
        for (const auto& each : publications) {
            if (each.primary) std::get<0>(maps_).erase(*each.primary);
            expel(each.aliases);
            expel(each.gone);
            expel(each.epoch_keys);
        }
    }
    void expel(const larder::KeySet<Entity>& keys) {
        [&]<std::size_t... Space>(std::index_sequence<Space...>) {
            (
                [&] {
                    for (const auto& key : keys.template in<Space>()) std::get<Space>(maps_).erase(key);
                }(),
                ...);
        }(std::make_index_sequence<Schema::space_count>{});
    }
    void expire(const larder::KeySet<Entity>& keys) { expel(keys); }
    void clear() { maps_ = {}; }
    larder::TierUsage usage() const { return {.entries = std::get<0>(maps_).size()}; }

private:
    Env* env_;
    decltype(maps_of(std::make_index_sequence<Schema::space_count>{})) maps_;
};

template <class Entity, class Env>
struct DeleteBeforeCommit : BlindTier<Entity, Env, Deletes::before_commit> {
    using BlindTier<Entity, Env, Deletes::before_commit>::BlindTier;
};
template <class Entity, class Env>
struct DeleteAfterCommit : BlindTier<Entity, Env, Deletes::after_commit> {
    using BlindTier<Entity, Env, Deletes::after_commit>::BlindTier;
};

} // namespace simulation
