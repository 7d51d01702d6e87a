// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "stage.hpp"

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>

namespace scenarios {

/// Guards that are switched off for an interleaving, to show that its outcome depends on them.
using Off = std::initializer_list<Guard>;

/// Plays a scenario under several policies.
template <class Play>
void under_each(std::initializer_list<Under> policies, const Play& play) {
    for (const Under under : policies) {
        INFO(std::string(name_of(under)));
        play(under);
    }
}

/// Those without a tier in front, of the three kinds of promise: served from the cache, verified, asked of the database.
inline constexpr std::initializer_list<Under> each_kind = {Under::write_through, Under::row_probe, Under::hybrid};
/// Those whose tiers keep rows.
inline constexpr std::initializer_list<Under> caching_rows = {Under::write_through, Under::row_probe};

} // namespace scenarios
