// SPDX-License-Identifier: BSL-1.0
// expect: larder: the first of two cache tiers must be an in-process tier, such as larder::MemoryCache
#include <larder/larder.hpp>
#include <larder/testing/sample.hpp>

using larder::testing::Pass;

#ifdef LARDER_EXPECT_OK
using Stack = larder::Stack<larder::MemoryCache, larder::MemoryCache, larder::MemoryDatabase>;
#else
using Stack = larder::Stack<larder::MemoryDatabase, larder::MemoryCache, larder::MemoryDatabase>;
#endif
using Passes = larder::CachedRepository<Pass, Stack>;

static_assert(sizeof(Passes) > 0);
