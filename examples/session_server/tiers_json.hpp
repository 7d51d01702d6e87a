// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "tiers.hpp"

#include <boost/json/object.hpp>

namespace server {

inline boost::json::object in_json(const TierState& tier) { return {{"tier", tier.name}, {"up", tier.up}, {"can_switch", tier.can_switch}}; }

} // namespace server
