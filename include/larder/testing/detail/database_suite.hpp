// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/author.hpp>
#include <larder/database/database.hpp>
#include <larder/testing/conformance.hpp>
#include <larder/testing/database_sample.hpp>
#include <larder/testing/sample.hpp>

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {

/// A list of the suite's entities, for a world to say which it has no database of: `using leaves_out = Entities<Crate, Coupon>`.
template <class... Members>
struct Entities {
    template <class Entity>
    static constexpr bool contain = (std::same_as<Entity, Members> || ...);
};

/// A rule that is not checked, since what it is about is not there.
struct LeftOutCase {
    std::string name;   ///< The rule.
    std::string lacking; ///< What would have to be there, such as "Crate", "Pass: touch" or "Pass: load_by passes.code".
};

namespace detail {

/// The database of an entity that a world of a factory makes.
template <class World, class Entity>
using database_of_t = std::remove_cvref_t<decltype(std::declval<World&>().template database<Entity>())>;

template <class World, class Entity>
inline constexpr bool leaves_out_v = false;
template <class World, class Entity>
    requires requires { typename World::leaves_out; }
inline constexpr bool leaves_out_v<World, Entity> = World::leaves_out::template contain<Entity>;

/// Whether a database keeps versions for an entity: it can write conditionally and the schema has a version.
template <class Database, class Entity>
inline constexpr bool keeps_versions_v = Database::conditional_writes && schema_of<Entity>::has_version;

template <class Entity>
constexpr std::string_view sample_name() noexcept {
    if constexpr (std::same_as<Entity, Holder>)
        return "Holder";
    else if constexpr (std::same_as<Entity, Pass>)
        return "Pass";
    else if constexpr (std::same_as<Entity, Reading>)
        return "Reading";
    else if constexpr (std::same_as<Entity, Setting>)
        return "Setting";
    else if constexpr (std::same_as<Entity, Crate>)
        return "Crate";
    else
        return "Coupon";
}

/// \name What a case needs of a world: whether it is `there`, and its name
/// @{

/// A database of an entity at all.
template <class Entity>
struct Has {
    template <class World>
    static constexpr bool there() {
        return !leaves_out_v<World, Entity>;
    }
    static std::string name() { return std::string(sample_name<Entity>()); }
};

/// Something that the database of an entity may have or not. \tparam Kind says what, with `Kind::in<Database>`.
template <class Entity, class Kind>
struct Can {
    template <class World>
    static constexpr bool there() {
        return Kind::template in<database_of_t<World, Entity>>;
    }
    static std::string name() { return std::string(sample_name<Entity>()) + ": " + Kind::name(); }
};

template <class Entity>
struct VersionsKind {
    template <class Database>
    static constexpr bool in = keeps_versions_v<Database, Entity>;
    static std::string name() { return "conditional_writes"; }
};
template <class Entity, auto Member>
struct LoadByKind {
    static constexpr std::size_t space = space_of_v<Entity, Member>;
    template <class Database>
    static constexpr bool in = loads_by<Database, Entity, space>;
    static std::string name() { return "load_by " + describe_key<Entity, space>(); }
};
template <class Entity, auto Member>
struct ListKind {
    static constexpr std::size_t space = space_of_v<Entity, Member>;
    template <class Database>
    static constexpr bool in = lists_groups<Database, Entity, space>;
    static std::string name() { return "list " + describe_key<Entity, space>(); }
};
template <class Entity, auto Member>
struct RevokeAllKind {
    static constexpr std::size_t space = space_of_v<Entity, Member>;
    template <class Database>
    static constexpr bool in = revokes_groups<Database, Entity, space>;
    static std::string name() { return "revoke_all " + describe_key<Entity, space>(); }
};
template <class Entity, auto Member>
struct EpochKind {
    static constexpr std::size_t space = space_of_v<Entity, Member>;
    template <class Database>
    static constexpr bool in = keeps_epochs<Database, Entity, space>;
    static std::string name() { return "load_epoch " + describe_key<Entity, space>(); }
};
template <class Entity, auto Member>
struct ParentsKind {
    template <class Database>
    static constexpr bool in = lists_parents<Database, Entity, Member>;
    static std::string name() { return "parents_of " + std::string(larder::detail::described_name<Member>()); }
};
template <class Entity, auto Member>
struct DueKind {
    template <class Database>
    static constexpr bool in = lists_due<Database, Entity, Member>;
    static std::string name() { return "list_due " + std::string(larder::detail::described_name<Member>()); }
};
template <class Entity>
struct ProbeKind {
    template <class Database>
    static constexpr bool in = probes_versions<Database, Entity>;
    static std::string name() { return "load_version"; }
};
template <class Entity>
struct TouchKind {
    template <class Database>
    static constexpr bool in = touches_rows<Database, Entity>;
    static std::string name() { return "touch"; }
};
template <class Entity>
struct ClockKind {
    template <class Database>
    static constexpr bool in = tells_time<Database>;
    static std::string name() { return "clock"; }
};

template <class Entity>
using Versions = Can<Entity, VersionsKind<Entity>>;
template <class Entity, auto Member>
using LoadBy = Can<Entity, LoadByKind<Entity, Member>>;
template <class Entity, auto Member>
using Lists = Can<Entity, ListKind<Entity, Member>>;
template <class Entity, auto Member>
using RevokesAll = Can<Entity, RevokeAllKind<Entity, Member>>;
template <class Entity, auto Member>
using Epochs = Can<Entity, EpochKind<Entity, Member>>;
template <class Entity, auto Member>
using Parents = Can<Entity, ParentsKind<Entity, Member>>;
template <class Entity, auto Member>
using ListsDue = Can<Entity, DueKind<Entity, Member>>;
template <class Entity>
using Probes = Can<Entity, ProbeKind<Entity>>;
template <class Entity>
using Touches = Can<Entity, TouchKind<Entity>>;
template <class Entity>
using Clock = Can<Entity, ClockKind<Entity>>;
/// @}

/// Where the cases of the suite are collected: those that a factory's worlds can be asked, and those that are left out.
template <class Factory>
class DatabaseSuite {
public:
    using World = std::invoke_result_t<const Factory&>;

    explicit DatabaseSuite(Factory make) : make_(std::move(make)) {}

    /// Adds a rule. \tparam Needs what must be there, the databases first. \param body is run with a world of its own.
    template <class... Needs, class Body>
    void add(std::string name, Body body) {
        add_needing<Body, Needs...>(std::move(name), std::move(body));
    }

    /// Adds a rule for each entity with a version, so that it holds for those that a world has, whichever they are.
    /// \tparam Need what the database of each must be able to do. \param body is run with a world of its own and a `std::type_identity<Entity>`.
    template <template <class> class Need, class Body>
    void add_for_versioned(std::string_view name, Body body) {
        const auto add_for = [&]<class Entity, class... Embedded>(std::type_identity<Entity> which, Embedded...) {
            add<Has<typename Embedded::type>..., Has<Entity>, Need<Entity>>(std::string(name) + " (" + std::string(sample_name<Entity>()) + ")", [=](auto& world) { body(world, which); });
        };
        add_for(std::type_identity<Holder>());
        add_for(std::type_identity<Pass>(), std::type_identity<Holder>());
        add_for(std::type_identity<Reading>());
        add_for(std::type_identity<Crate>());
        add_for(std::type_identity<Coupon>());
    }

    std::vector<ConformanceCase> cases;
    std::vector<LeftOutCase> left_out;

private:
    template <class Body>
    void add_needing(std::string name, Body body) {
        cases.push_back({std::move(name), [make = make_, body] {
            auto world = make();
            body(world);
        }});
    }
    template <class Body, class Need, class... Needs>
    void add_needing(std::string name, Body body) {
        if constexpr (Need::template there<World>())
            add_needing<Body, Needs...>(std::move(name), std::move(body));
        else
            left_out.push_back({std::move(name), Need::name()});
    }

    Factory make_;
};

} // namespace detail
} // namespace testing
} // namespace v0
} // namespace larder
