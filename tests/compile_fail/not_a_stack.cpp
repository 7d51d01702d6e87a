// SPDX-License-Identifier: BSL-1.0
// expect: larder: the second argument must be a backend, such as larder::Stack<larder::MemoryCache, larder::SqliteDatabase>
#include <larder/larder.hpp>
#include <larder/testing/sample.hpp>

using larder::testing::Pass;

#ifdef LARDER_EXPECT_OK
using Backend = larder::Stack<larder::MemoryCache, larder::MemoryDatabase>;
#else
using Backend = larder::MemoryDatabase<Pass>;
#endif
using Passes = larder::CachedRepository<Pass, Backend>;

static_assert(sizeof(Passes) > 0);
