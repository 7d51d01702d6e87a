// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/memory.hpp>
#include <larder/repository/cached_repository.hpp>
#include <larder/testing/sim/choices.hpp>
#include <larder/testing/sim/relation_world.hpp>
#include <larder/testing/sim/shrink.hpp>
#include <larder/testing/sim/world.hpp>

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {

/// What to check a policy, or a repository's tiers, with.
struct ProtocolOptions {
    std::uint64_t schedules = 2000;        ///< Simulated runs.
    std::uint64_t seed = 1;                ///< Of the first run; the others follow.
    Faults faults = Faults::all();         ///< What may go wrong.
    std::optional<Order> order{};            ///< How steps are ordered; unset: each of both in every other run.
    std::uint32_t depth = 3;               ///< For `Order::pct`: how many times priorities change.
    GuardSet disabled{};                   ///< Guards that are switched off, to see the hole that each closes.
    std::uint32_t shrink_attempts = 4000;  ///< How many replays may be spent on shortening a violation.
    std::optional<Record> replay{};        ///< Set: one run with these decisions, traced, in the order that is set too.
};

/// What a check found. Formatted by fmt, it is the story of the violation and how to see it again.
struct ProtocolReport {
    std::uint64_t schedules = 0;
    std::uint64_t operations = 0;
    Faults faults;                          ///< How often each fault was injected.
    std::optional<Violation> violation;     ///< The first violation; nothing if there was none.
    std::uint64_t seed = 0;                 ///< The seed of the run that had it.
    Order order = Order::uniform;           ///< The order of that run.
    Record choices;                         ///< The plainest decisions found that show it.
    std::vector<std::string> trace;         ///< What happens in that run, line by line.

    explicit operator bool() const noexcept { return !violation; }
};

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

template <class World>
WorldResult run_world(Choices& choices, const ProtocolOptions& options, Order order, bool keep_trace) {
    WorldOptions world;
    world.faults = options.faults;
    world.disabled = options.disabled;
    world.order = order;
    world.depth = options.depth;
    world.keep_trace = keep_trace;
    return World(choices, std::move(world)).run();
}

/// Runs one kind of world after the other until a history breaks a property, and tells of that as briefly as it can.
template <class World>
ProtocolReport check_world(const ProtocolOptions& options) {
    ProtocolReport report;
    const auto tell = [&](const Record& decisions, Order order) {
        Choices replay(decisions);
        WorldResult told = run_world<World>(replay, options, order, true);
        report.choices = decisions;
        report.order = order;
        report.violation = std::move(told.violation);
        report.trace = std::move(told.trace);
        return told.operations;
    };
    if (options.replay) {
        report.schedules = 1;
        report.operations = tell(*options.replay, options.order.value_or(Order::uniform));
        return report;
    }
    for (std::uint64_t i = 0; i < options.schedules && !report.violation; ++i) {
        const Order order = options.order.value_or(i % 2 == 0 ? Order::uniform : Order::pct);
        Choices choices(options.seed + i);
        const WorldResult result = run_world<World>(choices, options, order, false);
        ++report.schedules;
        report.operations += result.operations;
        report.faults.add(result.faults);
        if (!result.violation) continue;
        report.seed = options.seed + i;
        const Property property = result.violation->property;
        const auto breaks = [&](const Record& candidate) {
            Choices again(candidate);
            const WorldResult outcome = run_world<World>(again, options, order, false);
            return outcome.violation && outcome.violation->property == property;
        };
        tell(Shrinker(breaks, options.shrink_attempts).run(choices.record()), order);
    }
    return report;
}

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

/// Prints what a check found: one line if nothing; else the violation, the numbered trace, and the options that replay it.
template <>
struct fmt::formatter<larder::testing::ProtocolReport> {
    constexpr auto parse(format_parse_context& context) { return context.begin(); }

    template <class Context>
    auto format(const larder::testing::ProtocolReport& report, Context& context) const {
        using larder::testing::Order;
        auto out = context.out();
        if (!report.violation) return fmt::format_to(out, "{} schedules with {} operations and {} faults: no violation", report.schedules, report.operations, report.faults.injected());
        out = fmt::format_to(out, "{}\n  {}\nafter {} schedules (seed {}, {} order). The shortest schedule found:\n", name_of(report.violation->property), report.violation->what, report.schedules, report.seed,
                             name_of(report.order));
        for (const auto& line : report.trace) out = fmt::format_to(out, "{}\n", line);
        return fmt::format_to(out, "To see it again: check_protocol<...>({{.order = Order::{}, .replay = record_of(\"{}\")}}), with the same faults and guards\n", name_of(report.order), larder::testing::text_of(report.choices));
    }
};
