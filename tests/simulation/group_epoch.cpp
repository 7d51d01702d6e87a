// SPDX-License-Identifier: BSL-1.0
#include "subject.hpp"

#include <larder/policy/versioned.hpp>
#include <larder/testing/check_protocol.hpp>

const simulation::Subject simulation::group_epoch{"Versioned<group_epoch>", "Versioned<group_epoch>", [](const larder::testing::ProtocolOptions& options) { return larder::testing::check_protocol<larder::Versioned<larder::group_epoch>>(options); }};
