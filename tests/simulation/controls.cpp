// SPDX-License-Identifier: BSL-1.0
//
// What most code does, through the same checks: the checker must find what is wrong with it.

#include "blind_tier.hpp"
#include "subject.hpp"

#include <larder/database/memory.hpp>
#include <larder/policy/hybrid.hpp>
#include <larder/policy/write_through.hpp>
#include <larder/testing/check_protocol.hpp>

using namespace larder;
using namespace larder::testing;

namespace {

template <template <class...> class Cache, class Policy>
ProtocolReport check(const ProtocolOptions& options) {
    return check_protocol<CachedRepository<Ticket, Stack<Cache, MemoryDatabase>, Policy>>(options);
}

/// The key leads to a row that is read from the database, and nobody asks whether the row still has the key.
ProtocolReport check_original(ProtocolOptions options) {
    options.disabled.add(Guard::alias_verification);
    return check<simulation::DeleteAfterCommit, Hybrid>(options);
}

} // namespace

const simulation::Subject simulation::delete_after_commit{"delete after commit", "delete after commit", &check<simulation::DeleteAfterCommit, WriteThroughUnfenced>};
const simulation::Subject simulation::delete_before_commit{"delete before commit", "delete before commit", &check<simulation::DeleteBeforeCommit, WriteThrough>};
const simulation::Subject simulation::original{"original", "original", [](const ProtocolOptions& options) { return check_original(options); }};
