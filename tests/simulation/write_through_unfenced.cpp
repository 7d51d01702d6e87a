// SPDX-License-Identifier: BSL-1.0
#include "subject.hpp"

#include <larder/policy/write_through.hpp>
#include <larder/testing/check_protocol.hpp>

const simulation::Subject simulation::write_through_unfenced{"WriteThroughUnfenced", "WriteThroughUnfenced", [](const larder::testing::ProtocolOptions& options) { return larder::testing::check_protocol<larder::WriteThroughUnfenced>(options); }};
