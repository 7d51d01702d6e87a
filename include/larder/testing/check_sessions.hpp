// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/memory.hpp>
#include <larder/database/memory.hpp>
#include <larder/policy/policy.hpp>
#include <larder/testing/reference_tier.hpp>
#include <larder/testing/sim/check_world.hpp>
#include <larder/testing/sim/parts.hpp>
#include <larder/testing/sim/session_world.hpp>

#include <type_traits>

namespace larder {
inline namespace v0 {
namespace testing {

/// Runs the session store under a policy through simulated schedules and faults, as `check_protocol` does a repository, and judges every answer by what the
/// database committed and what had been acknowledged: no session that has ended is accepted, none that is valid is refused, one rotation of a token is granted, a
/// stolen token ends its family, limits of time and number are kept, ends stay and are told of once (`Property`, those with an S).
///
/// \tparam Policy a policy, shipped or of one's own. \tparam Parts what a run is composed of: `SimParts` over `MemoryDatabase`, in which the users are.
///
/// Takes one thread; a run is a millisecond or two in an optimized program. An instance is heavy to compile: give each a translation unit of its own.
template <policy Policy, class Parts>
[[nodiscard]] ProtocolReport check_sessions(const ProtocolOptions& options = {}) {
    return detail::check_world<SessionWorld<Policy, Parts>>(options);
}

/// The same over the reference tier. \tparam Near whether with an in-process tier in front of it.
template <policy Policy, bool Near = false>
[[nodiscard]] ProtocolReport check_sessions(const ProtocolOptions& options = {}) {
    return check_sessions<Policy, std::conditional_t<Near, SimParts<ReferenceTier, MemoryDatabase, MemoryCache>, SimParts<>>>(options);
}

} // namespace testing
} // namespace v0
} // namespace larder
