// SPDX-License-Identifier: BSL-1.0
#include "subject.hpp"

#include <larder/policy/versioned.hpp>
#include <larder/testing/check_sessions.hpp>

const simulation::Subject simulation::sessions_schema_constant{"sessions, Versioned<schema_constant>", "sessions, Versioned<schema_constant>", [](const larder::testing::ProtocolOptions& options) { return larder::testing::check_sessions<larder::Versioned<larder::schema_constant>>(options); }};
