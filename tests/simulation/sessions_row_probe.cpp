// SPDX-License-Identifier: BSL-1.0
#include "subject.hpp"

#include <larder/policy/versioned.hpp>
#include <larder/testing/check_sessions.hpp>

const simulation::Subject simulation::sessions_row_probe{"sessions, Versioned<row_probe>", "sessions, Versioned<row_probe>", [](const larder::testing::ProtocolOptions& options) { return larder::testing::check_sessions<larder::Versioned<larder::row_probe>>(options); }};
