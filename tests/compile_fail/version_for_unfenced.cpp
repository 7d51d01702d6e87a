// SPDX-License-Identifier: BSL-1.0
// expect: larder: without a version only Hybrid or a fenced policy keeps its promise
#include <larder/larder.hpp>
#include <larder/testing/sample.hpp>

using larder::testing::Setting;

#ifdef LARDER_EXPECT_OK
using Policy = larder::WriteThrough;
#else
using Policy = larder::WriteThroughUnfenced;
#endif

using Settings = larder::CachedRepository<Setting, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>, Policy>;

static_assert(sizeof(Settings) > 0);
