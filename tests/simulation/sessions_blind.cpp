// SPDX-License-Identifier: BSL-1.0
//
// The session store over a cache as most code uses one: the checker must find what that breaks.

#include "blind_tier.hpp"
#include "subject.hpp"

#include <larder/policy/write_through.hpp>
#include <larder/testing/check_sessions.hpp>

const simulation::Subject simulation::sessions_blind{"sessions, delete after commit", "sessions, delete after commit", [](const larder::testing::ProtocolOptions& options) { return larder::testing::check_sessions<larder::WriteThroughUnfenced, larder::testing::SimParts<simulation::DeleteAfterCommit>>(options); }};
