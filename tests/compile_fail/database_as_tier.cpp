// SPDX-License-Identifier: BSL-1.0
// expect: larder: all but the last of a stack's members must be cache tiers: lookup, fill, fence, publish, expel
#include <larder/larder.hpp>
#include <larder/testing/sample.hpp>

using larder::testing::Pass;

#ifdef LARDER_EXPECT_OK
using Stack = larder::Stack<larder::MemoryCache, larder::MemoryDatabase>;
#else
using Stack = larder::Stack<larder::MemoryDatabase, larder::MemoryDatabase>;
#endif
using Passes = larder::CachedRepository<Pass, Stack>;

static_assert(sizeof(Passes) > 0);
