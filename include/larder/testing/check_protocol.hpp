// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/testing/sim/choices.hpp>
#include <larder/testing/sim/world.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {

/// What to check a policy with.
struct ProtocolOptions {
    std::uint64_t schedules = 2000;     ///< Simulated runs; half of them under each order.
    std::uint64_t seed = 1;             ///< Of the first run; the others follow.
    Faults faults = Faults::all();      ///< What may go wrong.
    GuardSet disabled;                  ///< Guards that are switched off, to see the hole that each closes.
    std::uint32_t shrink_attempts = 2000; ///< How many replays may be spent on shortening a violation.
};

/// What a check found.
struct ProtocolReport {
    std::uint64_t schedules = 0;
    std::uint64_t operations = 0;
    Faults faults;                          ///< How often each fault was injected.
    std::optional<Violation> violation;     ///< The first violation; nothing if there was none.
    std::uint64_t seed = 0;                 ///< The seed of the run that had it.
    std::vector<std::uint32_t> choices;     ///< The shortest record found that shows it.
    std::vector<std::string> trace;         ///< What happens in that run, line by line.

    explicit operator bool() const noexcept { return !violation; }
};

namespace protocol {

template <policy Policy, class Parts>
WorldResult run_world(Choices& choices, const ProtocolOptions& options, Order order, bool keep_trace) {
    WorldOptions world;
    world.faults = options.faults;
    world.disabled = options.disabled;
    world.order = order;
    world.keep_trace = keep_trace;
    return World<Policy, Parts>(choices, std::move(world)).run();
}

/// Shortens a record while the run that it makes breaks the same property: pieces are left out, then decisions made plain.
template <policy Policy, class Parts>
std::vector<std::uint32_t> shrink(std::vector<std::uint32_t> record, Property property, const ProtocolOptions& options, Order order) {
    std::uint32_t left = options.shrink_attempts;
    const auto breaks = [&](const std::vector<std::uint32_t>& candidate) {
        if (left == 0) return false;
        --left;
        Choices choices(candidate);
        const WorldResult result = run_world<Policy, Parts>(choices, options, order, false);
        return result.violation && result.violation->property == property;
    };
    for (std::size_t piece = record.size() / 2; piece > 0 && left != 0; piece /= 2)
        for (std::size_t from = 0; from + piece <= record.size() && left != 0;) {
            std::vector<std::uint32_t> shorter = record;
            shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(from), shorter.begin() + static_cast<std::ptrdiff_t>(from + piece));
            if (breaks(shorter))
                record = std::move(shorter);
            else
                from += piece;
        }
    for (std::size_t i = 0; i < record.size() && left != 0; ++i) {
        if (record[i] == 0) continue;
        std::vector<std::uint32_t> plainer = record;
        plainer[i] = 0;
        if (breaks(plainer)) record = std::move(plainer);
    }
    return record;
}

} // namespace protocol

/// Runs a consistency policy through simulated schedules and faults, and judges every history. The repositories are the
/// shipping ones, over a simulated shared tier and database.
///
/// \tparam Policy the policy to check, shipped or of one's own. \tparam Near whether an in-process tier stands in front of the shared one.
/// Takes one thread; a run is a fraction of a millisecond.
template <policy Policy, bool Near = false>
ProtocolReport check_protocol(const ProtocolOptions& options = {}) {
    ProtocolReport report;
    for (std::uint64_t i = 0; i < options.schedules && !report.violation; ++i) {
        const Order order = i % 2 == 0 ? Order::uniform : Order::pct;
        Choices choices(options.seed + i);
        WorldResult result = protocol::run_world<Policy, Parts>(choices, options, order, false);
        ++report.schedules;
        report.operations += result.operations;
        report.faults.add(result.faults);
        if (!result.violation) continue;
        report.seed = options.seed + i;
        report.choices = protocol::shrink<Policy, Parts>(choices.record(), result.violation->property, options, order);
        Choices replay(report.choices);
        WorldResult shortest = protocol::run_world<Policy, Parts>(replay, options, order, true);
        report.violation = shortest.violation;
        report.trace = std::move(shortest.trace);
    }
    return report;
}

} // namespace testing
} // namespace v0
} // namespace larder
