// SPDX-License-Identifier: BSL-1.0
#include "subject.hpp"

#include <array>

namespace simulation {
namespace {

constexpr std::array<const Subject*, 11> ships{&hybrid,         &hybrid_near, &write_through,   &write_through_near, &write_through_unfenced, &row_probe,
                                               &row_probe_near, &group_epoch, &schema_constant, &relations,          &units};
constexpr std::array<const Subject*, 10> stores{&sessions_hybrid,    &sessions_hybrid_near,    &sessions_write_through, &sessions_write_through_near, &sessions_write_through_unfenced,
                                                &sessions_row_probe, &sessions_row_probe_near, &sessions_group_epoch,   &sessions_group_epoch_near,   &sessions_schema_constant};
constexpr std::array<const Subject*, 7> controls{&original, &delete_after_commit, &delete_before_commit, &sessions_blind, &sessions_unconditional, &sessions_not_isolated, &sessions_not_noted};

} // namespace

std::span<const Subject* const> shipped() { return ships; }
std::span<const Subject* const> session_stores() { return stores; }

const Subject* subject_named(std::string_view name) {
    for (const std::span<const Subject* const> all : {shipped(), session_stores(), std::span<const Subject* const>(controls)})
        for (const Subject* subject : all)
            if (subject->name == name) return subject;
    return nullptr;
}

} // namespace simulation
