// SPDX-License-Identifier: BSL-1.0
#include <larder/repository/explain.hpp>

#include "explain_world.hpp"

using namespace explained;

namespace {

template <class Policy>
using Passes = CachedRepository<Pass, Two, Policy, ManualEnvironment>;

// A hit in front costs no round trip, one in the shared tier one; a batch no more than a row.
static_assert(Passes<WriteThrough>::explain(Verb::find).hit.cache == 0 && Passes<WriteThrough>::explain(Verb::find).hit.near == 1);
static_assert(Passes<WriteThrough>::explain(Verb::find).shared_hit.cache == 1 && Passes<WriteThrough>::explain(Verb::find).shared_hit.queries == 0);
static_assert(Passes<WriteThrough>::explain(Verb::find_by).shared_alias_hit.cache == 2);
static_assert(Passes<WriteThrough>::explain(Verb::find_many, 100).shared_hit.cache == 1);
static_assert(Passes<WriteThrough>::explain(Verb::find_many, 100).miss.cache == 2 && Passes<WriteThrough>::explain(Verb::find_many, 100).miss.queries == 1);

} // namespace

TEST_CASE_TEMPLATE("plans are what runs behind two tiers, under policies that serve hits as they are", Policy, WriteThrough, WriteThroughUnfenced, Versioned<schema_constant>, FenceAndExpel) {
    compare_all<Pass, Two, Policy>();
}
