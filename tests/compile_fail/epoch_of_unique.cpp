// SPDX-License-Identifier: BSL-1.0
// expect: larder: this policy stamps rows with the epoch of a group that the schema does not declare
#include <larder/larder.hpp>
#include <larder/testing/sample.hpp>

using larder::testing::Pass;

#ifdef LARDER_EXPECT_OK
using Source = larder::group_epoch_of<&Pass::holder_id>;
#else
using Source = larder::group_epoch_of<&Pass::code>;
#endif
using Passes = larder::CachedRepository<Pass, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>, larder::Versioned<Source>>;

static_assert(sizeof(Passes) > 0);
