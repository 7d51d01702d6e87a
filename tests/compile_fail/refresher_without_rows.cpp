// SPDX-License-Identifier: BSL-1.0
// expect: larder: a Refresher keeps cached rows fresh, but this policy keeps none
#include <larder/larder.hpp>
#include <larder/repository/refresher.hpp>
#include <larder/testing/sample.hpp>

#ifdef LARDER_EXPECT_OK
using Policy = larder::WriteThrough;
#else
using Policy = larder::Hybrid;
#endif
using Passes = larder::CachedRepository<larder::testing::Pass, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>, Policy>;

static_assert(sizeof(larder::Refresher<Passes>) > 0);
