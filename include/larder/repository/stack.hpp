// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/cache_tier.hpp>
#include <larder/database/database.hpp>

#include <boost/mp11/algorithm.hpp>
#include <boost/mp11/list.hpp>

#include <cstddef>
#include <type_traits>

namespace larder {
inline namespace v0 {
namespace detail {

/// A backend template with its arguments: the entity, and the environment if it takes one.
template <template <class...> class Tier, class Entity, class Env>
struct Instantiate {
    using type = Tier<Entity>;
};
template <template <class...> class Tier, class Entity, class Env>
    requires requires { typename Tier<Entity, Env>; }
struct Instantiate<Tier, Entity, Env> {
    using type = Tier<Entity, Env>;
};

/// Stands where a stack has no in-process tier before a shared one.
struct NoTier {
    struct Config {};
};

/// Stands for what a member of a stack is made from where the member does not say it.
struct NoConfig {};
template <class Member>
struct ConfigOf {
    using type = NoConfig;
};
template <class Member>
    requires requires { typename Member::Config; }
struct ConfigOf<Member> {
    using type = typename Member::Config;
};

/// What each member of a stack is made from, in the stack's order.
template <class... Configs>
struct StackConfig;
template <class Cache, class Database>
struct StackConfig<Cache, Database> {
    Cache cache;
    Database database;
};
template <class Near, class Shared, class Database>
struct StackConfig<Near, Shared, Database> {
    Near near;
    Shared shared;
    Database database;
};

} // namespace detail

/// Cache tiers and a database, nearest first: `Stack<MemoryCache, SqliteDatabase>`. The last one is the database; the cache
/// tier before it is the authority, which alone holds leases, floors and fences.
///
/// Tiers are given as templates over the entity (and, if they take it, the environment). One or two cache tiers. Each member has
/// a nested type `Config`, what it is made from: a tier has a constructor `(Config, Env&)`, a database `(Config)`.
template <template <class...> class... Tiers>
struct Stack {
    static_assert(sizeof...(Tiers) >= 2, "larder: a stack needs a cache tier and a database, such as Stack<MemoryCache, SqliteDatabase>");
    static_assert(sizeof...(Tiers) <= 3, "larder: a stack has at most two cache tiers before its database");

private:
    template <class Entity, class Env>
    using members = boost::mp11::mp_list<typename detail::Instantiate<Tiers, Entity, Env>::type...>;

public:
    /// The database of an entity.
    template <class Entity, class Env>
    using database = boost::mp11::mp_back<members<Entity, Env>>;
    /// The outermost cache tier.
    template <class Entity, class Env>
    using authority = boost::mp11::mp_at_c<members<Entity, Env>, sizeof...(Tiers) - 2>;
    /// The in-process tier in front of the authority, or `detail::NoTier`.
    template <class Entity, class Env>
    using near = boost::mp11::mp_if_c<(sizeof...(Tiers) == 3), boost::mp11::mp_front<members<Entity, Env>>, detail::NoTier>;
    /// The configurations of all members, nearest first, as one aggregate.
    template <class Entity, class Env>
    using Config = detail::StackConfig<typename detail::ConfigOf<typename detail::Instantiate<Tiers, Entity, Env>::type>::type...>;
};

/// Meets the requirements of a backend: what `Stack` provides.
template <class B, class Entity, class Env>
concept backend = requires(typename B::template Config<Entity, Env>& config) {
    typename B::template database<Entity, Env>;
    typename B::template authority<Entity, Env>;
    typename B::template near<Entity, Env>;
    config.database;
};

} // namespace v0
} // namespace larder
