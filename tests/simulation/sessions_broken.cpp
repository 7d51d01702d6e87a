// SPDX-License-Identifier: BSL-1.0
//
// The session store over databases that lack something: the checker must find what that breaks.

#include "broken_database.hpp"
#include "subject.hpp"

#include <larder/policy/write_through.hpp>
#include <larder/testing/check_sessions.hpp>

using namespace larder;
using namespace larder::testing;

namespace {

template <simulation::Lacks lacks>
ProtocolReport check(const ProtocolOptions& options) {
    simulation::BrokenDatabase<Session>::lacks = lacks;
    return check_sessions<WriteThrough, simulation::BrokenParts>(options);
}

} // namespace

const simulation::Subject simulation::sessions_unconditional{"sessions, no conditions", "sessions, no conditions", &check<simulation::Lacks::conditions>};
const simulation::Subject simulation::sessions_not_isolated{"sessions, no isolation", "sessions, no isolation", &check<simulation::Lacks::isolation>};
const simulation::Subject simulation::sessions_not_noted{"sessions, no notes of use", "sessions, no notes of use", &check<simulation::Lacks::touches>};
