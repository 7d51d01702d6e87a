// SPDX-License-Identifier: BSL-1.0
#include "subject.hpp"

#include <larder/policy/hybrid.hpp>
#include <larder/testing/check_protocol.hpp>

const simulation::Subject simulation::hybrid_near{"Hybrid, tier in front", "Hybrid", [](const larder::testing::ProtocolOptions& options) { return larder::testing::check_protocol<larder::Hybrid, true>(options); }};
