// SPDX-License-Identifier: BSL-1.0
// expect: larder: the third argument must be a consistency policy (larder/policy/policy.hpp)
#include <larder/larder.hpp>
#include <larder/testing/sample.hpp>

using larder::testing::Pass;

#ifdef LARDER_EXPECT_OK
using Policy = larder::Versioned<larder::row_probe>;
#else
using Policy = larder::row_probe;
#endif
using Passes = larder::CachedRepository<Pass, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>, Policy>;

static_assert(sizeof(Passes) > 0);
