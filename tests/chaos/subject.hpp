// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "client.hpp"

#include <span>
#include <string_view>

namespace chaos {

/// A policy that clients run under. Each is compiled in a unit of its own.
struct Subject {
    std::string_view name;
    bool current_reads; ///< Whether reads are held to all that was committed before they began.
    void (*run)(const ClientOptions&);
};

extern const Subject write_through, hybrid, row_probe, group_epoch;
/// What must be found out: see control.cpp.
extern const Subject control;

/// The policies that ship.
std::span<const Subject* const> shipped();

/// The subject of that name, or null.
const Subject* subject_named(std::string_view name);

} // namespace chaos
