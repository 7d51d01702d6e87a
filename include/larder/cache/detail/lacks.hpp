// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/cache_tier.hpp>

namespace larder {
inline namespace v0 {
namespace detail {

/// Whether a type has any of the operations of an in-process tier, and so is meant to be one.
template <class Tier, class Entity>
concept resembles_tier = looks_up<Tier, Entity> || looks_up_many<Tier, Entity> || fills_record<Tier, Entity> || fills_many<Tier, Entity> || fences_keys<Tier, Entity> ||
                         takes_publications<Tier, Entity> || expels_keys<Tier, Entity> || expires_keys<Tier, Entity>;

/// Says of a cache tier in the making what it lacks, one sentence for each operation.
template <class Tier, class Entity>
struct TierLacks {
    static_assert(looks_up<Tier, Entity>,
                  "larder: this cache tier needs lookup<Space>(const larder::space_key_t<Entity, Space>&, const larder::Demand&), and it must answer "
                  "larder::Outcome<larder::Lookup<larder::space_value_t<Entity, Space>>>");
    static_assert(looks_up_many<Tier, Entity>,
                  "larder: this cache tier needs lookup_many<Space>(std::span<const larder::space_key_t<Entity, Space>>, const larder::Demand&), and it must answer "
                  "larder::Outcome<std::vector<larder::Lookup<larder::space_value_t<Entity, Space>>>>");
    static_assert(fills_record<Tier, Entity>,
                  "larder: this cache tier needs fill<Space>(const larder::space_key_t<Entity, Space>&, larder::FillRequest<larder::space_value_t<Entity, Space>>), and it must answer "
                  "larder::Outcome<larder::FillOutcome>");
    static_assert(fills_many<Tier, Entity>,
                  "larder: this cache tier needs fill_many<Space>(std::span<const larder::space_key_t<Entity, Space>>, "
                  "std::vector<larder::FillRequest<larder::space_value_t<Entity, Space>>>), and it must answer larder::Outcome<std::vector<larder::FillOutcome>>");
    static_assert(fences_keys<Tier, Entity>, "larder: this cache tier needs fence(const larder::KeySet<Entity>&, larder::FenceOwner, larder::Duration)");
    static_assert(takes_publications<Tier, Entity>, "larder: this cache tier needs publish(std::span<const larder::Publication<Entity>>)");
    static_assert(expels_keys<Tier, Entity>, "larder: this cache tier needs expel(const larder::KeySet<Entity>&)");
    static_assert(expires_keys<Tier, Entity>, "larder: this cache tier needs expire(const larder::KeySet<Entity>&)");
    static_assert(clears_all<Tier>, "larder: this cache tier needs clear()");
    static_assert(tells_usage<Tier>, "larder: this cache tier needs usage(), and it must answer larder::TierUsage");
    static_assert(says_level<Tier>, "larder: this cache tier must say how far away it is: static constexpr larder::Level level");
    static_assert(says_outlives_process<Tier>, "larder: this cache tier must say whether its rows are there after the process has ended: static constexpr bool outlives_process = false (or true)");
    static constexpr bool told = true;
};

} // namespace detail
} // namespace v0
} // namespace larder
