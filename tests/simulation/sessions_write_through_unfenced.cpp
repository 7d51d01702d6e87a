// SPDX-License-Identifier: BSL-1.0
#include "subject.hpp"

#include <larder/policy/write_through.hpp>
#include <larder/testing/check_sessions.hpp>

const simulation::Subject simulation::sessions_write_through_unfenced{"sessions, WriteThroughUnfenced", "sessions, WriteThroughUnfenced", [](const larder::testing::ProtocolOptions& options) { return larder::testing::check_sessions<larder::WriteThroughUnfenced>(options); }};
