// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/testing/sim/check_world.hpp>

#include <span>
#include <string_view>

namespace simulation {

/// Something that the programs of this folder check: a policy in a stack. Each is compiled in a unit of its own.
struct Subject {
    std::string_view name;
    std::string_view policy; ///< Subjects of one policy in several stacks share its number of schedules.
    larder::testing::ProtocolReport (*check)(const larder::testing::ProtocolOptions&);
};

extern const Subject hybrid, hybrid_near, write_through, write_through_near, write_through_unfenced, row_probe, row_probe_near, group_epoch, schema_constant;
/// Rows that embed others, and units of work.
extern const Subject relations, units;
/// The session store under each policy.
extern const Subject sessions_hybrid, sessions_hybrid_near, sessions_write_through, sessions_write_through_near, sessions_write_through_unfenced, sessions_row_probe, sessions_row_probe_near, sessions_group_epoch,
    sessions_group_epoch_near, sessions_schema_constant;
/// The session store over what does not keep what it needs.
extern const Subject sessions_blind, sessions_unconditional, sessions_not_isolated, sessions_not_noted;
/// What most code does: see controls.cpp.
extern const Subject delete_after_commit, delete_before_commit, original;

/// The policies that ship, each in the stacks it is checked in.
std::span<const Subject* const> shipped();

/// The session store under them.
std::span<const Subject* const> session_stores();

/// The subject of that name among all of them and the controls, or null.
const Subject* subject_named(std::string_view name);

} // namespace simulation
