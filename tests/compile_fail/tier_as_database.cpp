// SPDX-License-Identifier: BSL-1.0
// expect: larder: the last of a stack's members must be a database: load, load_many, insert, update, erase
#include <larder/larder.hpp>
#include <larder/testing/sample.hpp>

using larder::testing::Pass;

#ifdef LARDER_EXPECT_OK
using Stack = larder::Stack<larder::MemoryCache, larder::MemoryDatabase>;
#else
using Stack = larder::Stack<larder::MemoryCache, larder::MemoryCache>;
#endif
using Passes = larder::CachedRepository<Pass, Stack>;

static_assert(sizeof(Passes) > 0);
