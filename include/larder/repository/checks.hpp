// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/cache_tier.hpp>
#include <larder/database/database.hpp>
#include <larder/environment.hpp>
#include <larder/policy/policy.hpp>
#include <larder/repository/stack.hpp>

#include <cstddef>
#include <type_traits>

namespace larder {
inline namespace v0 {
namespace detail {

/// Whether a database can do what a refinement of `database` names. What one that answers later can do shows where it is asked.
template <class Database, class Entity, std::size_t Space>
concept can_load_by = Space == 0 || asynchronous_database<Database, Entity> || loads_by<Database, Entity, Space>;
template <class Database, class Entity, std::size_t Space>
concept can_list = asynchronous_database<Database, Entity> || lists_groups<Database, Entity, Space>;
template <class Database, class Entity, std::size_t Space>
concept can_revoke_all = asynchronous_database<Database, Entity> || revokes_groups<Database, Entity, Space>;
template <class Database, class Entity>
concept can_touch = asynchronous_database<Database, Entity> || touches_rows<Database, Entity>;
template <class Database, class Entity, auto Member>
concept can_list_parents = asynchronous_database<Database, Entity> || lists_parents<Database, Entity, Member>;

/// The key space of `find_by<members...>`; anything else does not compile, and says why.
template <class Entity, auto... Members>
struct FindBySpace {
    static_assert(finds_one<Entity, Members...>,
                  "larder: find_by needs a field that the schema declares as larder::primary or larder::unique; a field that many rows share is a larder::group, for find_all_by");
    static constexpr std::size_t value = finds_one<Entity, Members...> ? space_of_v<Entity, Members...> : 0;
};

/// The key space of `find_all_by<members...>`.
template <class Entity, auto... Members>
struct FindAllBySpace {
    static_assert(finds_group<Entity, Members...>, "larder: find_all_by needs a field that the schema declares as larder::group");
    static constexpr std::size_t value = finds_group<Entity, Members...> ? space_of_v<Entity, Members...> : 0;
};

/// Whether the arguments of a repository are of the right kinds at all.
template <class Entity, class Backend, class Policy, class Env>
concept right_kinds = entity<Entity> && environment<Env> && policy<Policy> && backend<Backend, Entity, Env>;

/// Says which argument is of a wrong kind; of an entity, first what is wrong with its schema.
template <class Entity, class Backend, class Policy, class Env>
struct WrongKinds {
    static_assert(sizeof(schema_of<Entity>) != 0);
    static_assert(entity<Entity>, "larder: the first argument must be an entity: a described struct with larder::entity_traits");
    static_assert(environment<Env>, "larder: the fourth argument must be an environment (larder/environment.hpp)");
    static_assert(policy<Policy>, "larder: the third argument must be a consistency policy (larder/policy/policy.hpp)");
    static constexpr bool told = [] {
        if constexpr (entity<Entity> && environment<Env>)
            static_assert(backend<Backend, Entity, Env>, "larder: the second argument must be a backend, such as larder::Stack<larder::MemoryCache, larder::SqliteDatabase>");
        return true;
    }();
};

/// The rules of composition, each with the sentence that says which one is broken.
template <class Entity, class Backend, class Policy, class Env>
struct Composition {
    using Near = typename Backend::template near<Entity, Env>;
    using Authority = typename Backend::template authority<Entity, Env>;
    using Database = typename Backend::template database<Entity, Env>;

    static_assert(cache_tier<Authority, Entity> || asynchronous_tier<Authority, Entity>,
                  "larder: all but the last of a stack's members must be cache tiers: lookup, fill, fence, publish, expel (larder/cache/cache_tier.hpp)");
    static_assert(std::is_same_v<Near, NoTier> || cache_tier<Near, Entity>, "larder: the first of two cache tiers must be an in-process tier, such as larder::MemoryCache");
    static_assert(database<Database, Entity> || asynchronous_database<Database, Entity>,
                  "larder: the last of a stack's members must be a database: load, load_many, insert, update, erase (larder/database/database.hpp)");

    static constexpr bool probes = may_probe_v<Policy>;
    static constexpr bool is_group = epoch_space_v<Policy, Entity> >= schema_of<Entity>::alias_end && epoch_space_v<Policy, Entity> < schema_of<Entity>::space_count;
    static_assert(!probes || schema_of<Entity>::has_version, "larder: this policy compares versions, but the schema declares none: add larder::version<&Entity::field>, or use Hybrid");
    static_assert(!probes || probes_versions<Database, Entity> || asynchronous_database<Database, Entity>,
                  "larder: this policy asks for a row's version alone, which this database cannot: it needs load_version(key)");
    static_assert(Policy::stamp != Stamp::none || probes || schema_of<Entity>::has_version || !Policy::caches_rows || Policy::fenced,
                  "larder: without a version only Hybrid or a fenced policy keeps its promise: add larder::version<&Entity::field>, or use Hybrid or WriteThrough");
    static_assert(Policy::stamp == Stamp::none || schema_of<Entity>::has_version, "larder: this policy compares versions, but the schema declares none: add larder::version<&Entity::field>, or use Hybrid");
    static_assert(!Policy::caches_rows || Policy::fenced || Database::conditional_writes,
                  "larder: this database cannot write conditionally on a version, so only Hybrid or a fenced policy (WriteThrough) keeps its promise");
    static_assert(Policy::stamp != Stamp::group_epoch || schema_of<Entity>::group_count != 0, "larder: this policy stamps rows with a group's epoch, but the schema declares no larder::group");
    static_assert(Policy::stamp != Stamp::group_epoch || schema_of<Entity>::group_count == 0 || is_group,
                  "larder: this policy stamps rows with the epoch of a group that the schema does not declare: add larder::group over the policy's members");
    static_assert(Policy::stamp != Stamp::group_epoch || !is_group || asynchronous_database<Database, Entity> || keeps_epochs<Database, Entity, epoch_space_v<Policy, Entity>>,
                  "larder: this policy needs a database that keeps group epochs: load_epoch and revoke_all");
    static constexpr bool sound = true;
};

} // namespace detail
} // namespace v0
} // namespace larder
