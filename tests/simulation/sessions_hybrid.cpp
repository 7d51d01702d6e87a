// SPDX-License-Identifier: BSL-1.0
#include "subject.hpp"

#include <larder/policy/hybrid.hpp>
#include <larder/testing/check_sessions.hpp>

const simulation::Subject simulation::sessions_hybrid{"sessions, Hybrid", "sessions, Hybrid", [](const larder::testing::ProtocolOptions& options) { return larder::testing::check_sessions<larder::Hybrid>(options); }};
