// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/cache_tier.hpp>
#include <larder/cache/detail/lacks.hpp>
#include <larder/database/database.hpp>
#include <larder/database/detail/lacks.hpp>
#include <larder/environment.hpp>
#include <larder/policy/detail/lacks.hpp>
#include <larder/policy/policy.hpp>
#include <larder/repository/stack.hpp>

#include <boost/mp11/list.hpp>

#include <concepts>
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
template <class Database, class Entity, auto Member>
concept can_list_due = asynchronous_database<Database, Entity> || lists_due<Database, Entity, Member>;
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

/// The members of a backend, and whether each is of the right kind and can be made from what the backend's `Config` has for it.
template <class Backend, class Entity, class Env>
struct Members {
    using Near = typename Backend::template near<Entity, Env>;
    using Authority = typename Backend::template authority<Entity, Env>;
    using Database = typename Backend::template database<Entity, Env>;
    using Config = typename Backend::template Config<Entity, Env>;

    static constexpr bool has_near = !std::is_same_v<Near, NoTier>;
    static constexpr bool authority_is_tier = cache_tier<Authority, Entity> || asynchronous_tier<Authority, Entity>;
    static constexpr bool near_is_tier = !has_near || cache_tier<Near, Entity>;
    static constexpr bool is_asynchronous = asynchronous_database<Database, Entity>;
    static constexpr bool is_database = database<Database, Entity> || is_asynchronous;
    /// Whether it is known where the database's asynchronous form runs.
    static constexpr bool is_placed = is_asynchronous || placed<Database>;

    using DatabaseConfig = decltype(Config::database);
    static auto authority_config() {
        if constexpr (has_near)
            return std::type_identity<decltype(Config::shared)>();
        else
            return std::type_identity<decltype(Config::cache)>();
    }
    static auto near_config() {
        if constexpr (has_near)
            return std::type_identity<decltype(Config::near)>();
        else
            return std::type_identity<NoTier::Config>();
    }
    using AuthorityConfig = typename decltype(authority_config())::type;
    using NearConfig = typename decltype(near_config())::type;

    static constexpr bool tiers_say_config = !std::is_same_v<AuthorityConfig, NoConfig> && !std::is_same_v<NearConfig, NoConfig>;
    static constexpr bool tiers_can_be_made = std::is_constructible_v<Authority, AuthorityConfig, Env&> && (!has_near || std::is_constructible_v<Near, NearConfig, Env&>);
    static constexpr bool database_says_config = !std::is_same_v<DatabaseConfig, NoConfig>;
    static constexpr bool database_can_be_made = std::is_constructible_v<Database, DatabaseConfig>;

    static constexpr bool sound =
        authority_is_tier && near_is_tier && is_database && is_placed && tiers_say_config && tiers_can_be_made && database_says_config && database_can_be_made;
};

/// Says which member of a backend is of a wrong kind, and what it lacks.
template <class Backend, class Entity, class Env>
struct WrongMembers {
    using All = Members<Backend, Entity, Env>;
    using Authority = typename All::Authority;
    using Near = typename All::Near;
    using Database = typename All::Database;

    static_assert(All::authority_is_tier || resembles_tier<Authority, Entity>,
                  "larder: all but the last of a stack's members must be cache tiers: lookup, fill, fence, publish, expel (larder/cache/cache_tier.hpp)");
    static_assert(All::near_is_tier || resembles_tier<Near, Entity>, "larder: the first of two cache tiers must be an in-process tier, such as larder::MemoryCache");
    static_assert(All::is_database || resembles_database<Database, Entity>,
                  "larder: the last of a stack's members must be a database: load, load_many, insert, update, erase (larder/database/database.hpp)");

    static constexpr bool lacking = [] {
        if constexpr (!All::authority_is_tier && resembles_tier<Authority, Entity>) static_assert(TierLacks<Authority, Entity>::told);
        if constexpr (!All::near_is_tier && resembles_tier<Near, Entity>) static_assert(TierLacks<Near, Entity>::told);
        if constexpr (!All::is_database && resembles_database<Database, Entity>) static_assert(DatabaseLacks<Database, Entity>::told);
        return true;
    }();
    static_assert(lacking);
    static_assert(!All::is_database || All::is_placed,
                  "larder: this database must say where its asynchronous form runs: add executor(), the boost::asio::any_io_executor on which it may block; if it never blocks, "
                  "static constexpr bool never_blocks = true");

    static_assert(All::tiers_say_config, "larder: a cache tier of this stack does not say what it is made from: add a nested type Config and the constructor (Config, Env&)");
    static_assert(!All::tiers_say_config || All::tiers_can_be_made, "larder: a cache tier of this stack cannot be made from its Config: add the constructor (Config, Env&)");
    static_assert(All::database_says_config, "larder: the database of this stack does not say what it is made from: add a nested type Config and the constructor (Config)");
    static_assert(!All::database_says_config || All::database_can_be_made, "larder: the database of this stack cannot be made from its Config: add the constructor (Config)");
    static constexpr bool told = true;
};

/// Whether what an entity embeds are entities.
template <entity Entity>
constexpr bool embeds_entities() noexcept {
    return []<class... Words>(boost::mp11::mp_list<Words...>) { return (entity<typename Embed<Words>::Child> && ...); }(typename schema_of<Entity>::embeds{});
}

/// Whether the arguments of a repository are of the right kinds at all.
template <class Entity, class Backend, class Policy, class Env>
concept right_kinds = entity<Entity> && embeds_entities<Entity>() && environment<Env> && policy<Policy> && backend<Backend, Entity, Env> && Members<Backend, Entity, Env>::sound;

/// Says which argument is of a wrong kind; of an entity, first what is wrong with its schema.
template <class Entity, class Backend, class Policy, class Env>
struct WrongKinds {
    static_assert(sizeof(schema_of<Entity>) != 0);
    static_assert(std::copyable<Entity>, "larder: the entity must be copyable: rows are handed out and kept as copies");
    static_assert(entity<Entity> || !std::copyable<Entity>, "larder: the first argument must be an entity: a described struct with larder::entity_traits");
    static_assert(environment<Env>, "larder: the fourth argument must be an environment (larder/environment.hpp)");
    static_assert(policy<Policy> || resembles_policy<Policy>, "larder: the third argument must be a consistency policy (larder/policy/policy.hpp)");
    static constexpr bool told = [] {
        if constexpr (!policy<Policy> && resembles_policy<Policy>) static_assert(PolicyLacks<Policy>::told);
        constexpr bool whole = [] {
            if constexpr (entity<Entity>)
                return embeds_entities<Entity>();
            else
                return false;
        }();
        static_assert(whole || !entity<Entity>, "larder: what larder::embed names must hold an entity: specialise larder::entity_traits for its type, too");
        if constexpr (whole && environment<Env>) {
            static_assert(backend<Backend, Entity, Env>, "larder: the second argument must be a backend, such as larder::Stack<larder::MemoryCache, larder::SqliteDatabase>");
            if constexpr (backend<Backend, Entity, Env>) return WrongMembers<Backend, Entity, Env>::told;
        }
        return true;
    }();
};

/// The rules of composition, each with the sentence that says which one is broken.
template <class Entity, class Backend, class Policy, class Env>
struct Composition {
    using Database = typename Backend::template database<Entity, Env>;

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
