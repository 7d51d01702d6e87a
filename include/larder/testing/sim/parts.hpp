// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/memory.hpp>
#include <larder/repository/stack.hpp>
#include <larder/testing/reference_tier.hpp>
#include <larder/testing/sim/cache.hpp>
#include <larder/testing/sim/database.hpp>

namespace larder {
inline namespace v0 {
namespace testing {

/// Stands for no tier in front of the shared one.
template <class...>
struct NoNear {};

namespace detail {

template <template <class...> class Tier>
inline constexpr bool is_tier_v = true;
template <>
inline constexpr bool is_tier_v<NoNear> = false;

template <bool HasNear, template <class...> class Near, template <class...> class Cache, template <class...> class Database>
struct SimStack {
    using type = Stack<Near, Cache, Database>;
};
template <template <class...> class Near, template <class...> class Cache, template <class...> class Database>
struct SimStack<false, Near, Cache, Database> {
    using type = Stack<Cache, Database>;
};

} // namespace detail

/// What a simulated run is composed of.
///
/// \tparam Authority the cache tier that stands behind the simulated network, shared by all processes: the contract's reference
/// implementation, or an in-process tier of one's own. \tparam Database the blocking database behind it. \tparam Near the tier in
/// front of the shared one in each process, or `NoNear`.
template <template <class...> class Authority = ReferenceTier, template <class...> class Database = MemoryDatabase, template <class...> class Near = NoNear>
class SimParts {
public:
    template <class Entity>
    using CacheServer = SimCacheServer<Entity, Authority>;
    template <class Entity>
    using DatabaseServer = SimDatabaseServer<Entity, Database>;
    static constexpr bool has_near = detail::is_tier_v<Near>;

    template <class Entity, class Env>
    using Cache = BasicSimCache<Entity, Env, Authority>;
    template <class Entity>
    using Rows = BasicSimDatabase<Entity, Database>;
    using Backend = typename detail::SimStack<has_near, Near, Cache, Rows>::type;
};

} // namespace testing
} // namespace v0
} // namespace larder
