// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/memory.hpp>
#include <larder/repository/cached_repository.hpp>
#include <larder/testing/sim/check_world.hpp>
#include <larder/testing/sim/relation_world.hpp>
#include <larder/testing/sim/world.hpp>

namespace larder {
inline namespace v0 {
namespace testing {

namespace detail {

/// What `check_protocol` runs for its argument: a policy over the reference tiers.
template <class Checked, bool Near>
struct ProtocolSubject {
    static_assert(policy<Checked>, "larder: check_protocol<T> takes a policy, or a CachedRepository whose tiers and policy are to be checked");
    using Policy = Checked;
    using Parts = SimParts<ReferenceTier, MemoryDatabase, MemoryCache>;
};
template <policy Checked>
struct ProtocolSubject<Checked, false> {
    using Policy = Checked;
    using Parts = SimParts<>;
};

/// Or a repository's policy over its own tiers.
template <template <class...> class Database>
struct SimulatedDatabase {
    static_assert(lists_groups<Database<Ticket>, Ticket, schema_of<Ticket>::alias_end> && revokes_groups<Database<Ticket>, Ticket, schema_of<Ticket>::alias_end> && loads_by<Database<Ticket>, Ticket, 1>,
                  "larder: check_protocol needs a blocking database with load_by, list and revoke_all, for the simulation's clients find rows by alternate keys and revoke groups");
};
template <class Entity, template <class...> class Authority, template <class...> class Database, class Checked, class Env, bool Near>
struct ProtocolSubject<CachedRepository<Entity, Stack<Authority, Database>, Checked, Env>, Near> {
    [[maybe_unused]] static constexpr SimulatedDatabase<Database> needs{};
    using Policy = Checked;
    using Parts = SimParts<Authority, Database>;
};
template <class Entity, template <class...> class Front, template <class...> class Authority, template <class...> class Database, class Checked, class Env, bool Near>
struct ProtocolSubject<CachedRepository<Entity, Stack<Front, Authority, Database>, Checked, Env>, Near> {
    [[maybe_unused]] static constexpr SimulatedDatabase<Database> needs{};
    using Policy = Checked;
    using Parts = SimParts<Authority, Database, Front>;
};

} // namespace detail

/// Runs a consistency policy through simulated schedules and faults, and judges every history. The algorithms are the
/// shipping ones, over a simulated network, shared tier and database.
///
/// \tparam Checked a policy, shipped or of one's own; or a `CachedRepository`, whose policy runs over its own kinds of tiers and
/// database: the in-process tier that stands last before the database is put behind the simulated network, and the database
/// behind another. They are made for the simulation's own entity, from a default `Config`, must be blocking, the database must find rows by alternate
/// keys, list groups and revoke them, and all take their time
/// and their guards from the environment they are given.
/// \tparam Near whether a policy is checked with an in-process tier in front of the shared one.
///
/// Takes one thread; a run is a fraction of a millisecond in an optimized program.
template <class Checked, bool Near = false>
[[nodiscard]] ProtocolReport check_protocol(const ProtocolOptions& options = {}) {
    using Subject = detail::ProtocolSubject<Checked, Near>;
    return detail::check_world<World<typename Subject::Policy, typename Subject::Parts>>(options);
}

/// The same with clients that also change rows in units of work, one to three in a transaction, and undo some of them. A unit that was
/// acknowledged as effective must show in every read thereafter, and one that was undone in none.
///
/// Of policies that fence: under others a revocation that finds a row revoked vouches for no new code that the same unit gave the row, which this judgement would not forgive.
template <policy Policy, bool Near = false>
    requires(Policy::fenced)
[[nodiscard]] ProtocolReport check_units(const ProtocolOptions& options = {}) {
    return detail::check_world<World<Policy, typename detail::ProtocolSubject<Policy, Near>::Parts, true>>(options);
}

/// The same for embedded rows: repositories of books and of the authors that they embed, linked, under a policy. Renaming an
/// author, once acknowledged as effective, must show in every book that is read thereafter.
template <policy Policy>
[[nodiscard]] ProtocolReport check_relations(const ProtocolOptions& options = {}) {
    return detail::check_world<RelationWorld<Policy>>(options);
}

} // namespace testing
} // namespace v0
} // namespace larder
