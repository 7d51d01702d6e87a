// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/testing/sim/choices.hpp>
#include <larder/testing/sim/environment.hpp>
#include <larder/testing/sim/faults.hpp>
#include <larder/testing/sim/history.hpp>
#include <larder/testing/sim/scheduler.hpp>
#include <larder/testing/sim/shrink.hpp>
#include <larder/testing/sim/stage.hpp>

#include <fmt/format.h>

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
        return fmt::format_to(out, "To see it again: the same check with {{.order = Order::{}, .replay = record_of(\"{}\")}}, and the same faults and guards\n", name_of(report.order), larder::testing::text_of(report.choices));
    }
};
