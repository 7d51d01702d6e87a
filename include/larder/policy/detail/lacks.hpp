// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/policy/policy.hpp>

#include <concepts>

namespace larder {
inline namespace v0 {
namespace detail {

/// Whether a type has anything that only a policy has, and so is meant to be one.
template <class Policy>
concept resembles_policy = says_guarantee<Policy> || says_caches_rows<Policy> || says_fenced<Policy> || says_after_write<Policy> || says_stamp<Policy> || decides_on_hit<Policy>;

/// Says of a policy in the making what it lacks, one sentence for each thing.
template <class Policy>
struct PolicyLacks {
    static_assert(says_name<Policy>, "larder: this policy must say its name: static constexpr std::string_view name");
    static_assert(says_guarantee<Policy>, "larder: this policy must say what it promises: static constexpr larder::Guarantee guarantee");
    static_assert(says_caches_rows<Policy>, "larder: this policy must say whether tiers keep rows: static constexpr bool caches_rows = true (or false)");
    static_assert(says_fenced<Policy>, "larder: this policy must say whether a write fences its keys before it commits: static constexpr bool fenced = true (or false)");
    static_assert(says_after_write<Policy>, "larder: this policy must say what a commit does to the tiers: static constexpr larder::AfterWrite after_write");
    static_assert(says_stamp<Policy>, "larder: this policy must say what rows are marked with: static constexpr larder::Stamp stamp = larder::Stamp::none (or another)");
    static_assert(decides_on_hit<Policy>, "larder: this policy needs on_hit(const larder::HitView&) const, and it must answer larder::OnHit");
    static_assert(std::copyable<Policy>, "larder: this policy must be copyable");
    static constexpr bool told = true;
};

} // namespace detail
} // namespace v0
} // namespace larder
