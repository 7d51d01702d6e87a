// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/cache_tier.hpp>
#include <larder/entity/key.hpp>
#include <larder/entity/projection.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>

namespace larder {
inline namespace v0 {
namespace detail {

template <auto... Members, class Read>
std::uint64_t hash_members(MemberList<Members...>, std::uint64_t if_null, const Read& read) {
    if ((is_null(read.template operator()<Members>()) || ...)) return if_null;
    if constexpr (sizeof...(Members) == 1)
        return (hash_key(bare(read.template operator()<Members>())), ...);
    else
        return hash_key(std::tie(bare(read.template operator()<Members>())...));
}

/// The group hash of a record that is in no group: its own, so that such records do not gather under one hash.
constexpr std::uint64_t no_group(std::uint64_t record_hash) noexcept { return ~record_hash; }

/// The hashes of a row's keys in its groups, equal to `hash_key` of each group's key; `no_group` where it is in none.
template <entity Entity>
std::array<std::uint64_t, schema_of<Entity>::group_count> group_hashes(const CachedRow<Entity>& row, std::uint64_t record_hash) {
    using Schema = schema_of<Entity>;
    [[maybe_unused]] const std::uint64_t own = no_group(record_hash);
    return [&]<std::size_t... Group>(std::index_sequence<Group...>) {
        [[maybe_unused]] const auto hash = [&]<class Members>(Members members) -> std::uint64_t {
            if (row.full) return hash_members(members, own, [&]<auto Member>() -> const auto& { return (*row.full).*Member; });
            if (row.warm) return hash_members(members, own, [&]<auto Member>() -> const auto& { return row.warm->template get<Member>(); });
            return own;
        };
        return std::array<std::uint64_t, sizeof...(Group)>{hash(space_members_t<Entity, Schema::alias_end + Group>{})...};
    }(std::make_index_sequence<Schema::group_count>{});
}

} // namespace detail
} // namespace v0
} // namespace larder
