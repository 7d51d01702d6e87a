// SPDX-License-Identifier: BSL-1.0
// expect: larder: the fourth argument must be an environment (larder/environment.hpp)
#include <larder/larder.hpp>
#include <larder/testing/sample.hpp>

using larder::testing::Pass;

#ifdef LARDER_EXPECT_OK
using Env = larder::SystemEnvironment<larder::Metrics>;
#else
using Env = larder::Metrics;
#endif
using Passes = larder::CachedRepository<Pass, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>, larder::Hybrid, Env>;

static_assert(sizeof(Passes) > 0);
