// SPDX-License-Identifier: BSL-1.0
#include "subject.hpp"

#include <array>

namespace simulation {
namespace {

constexpr std::array<const Subject*, 11> ships{&hybrid,         &hybrid_near, &write_through,   &write_through_near, &write_through_unfenced, &row_probe,
                                               &row_probe_near, &group_epoch, &schema_constant, &relations,          &units};
constexpr std::array<const Subject*, 3> controls{&original, &delete_after_commit, &delete_before_commit};

} // namespace

std::span<const Subject* const> shipped() { return ships; }

const Subject* subject_named(std::string_view name) {
    for (const Subject* subject : ships)
        if (subject->name == name) return subject;
    for (const Subject* subject : controls)
        if (subject->name == name) return subject;
    return nullptr;
}

} // namespace simulation
