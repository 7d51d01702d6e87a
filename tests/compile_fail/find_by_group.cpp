// SPDX-License-Identifier: BSL-1.0
// expect: a field that many rows share is a larder::group, for find_all_by
#include <larder/larder.hpp>
#include <larder/testing/sample.hpp>

#include <utility>

using larder::testing::Pass;
using Passes = larder::CachedRepository<Pass, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>>;

#ifdef LARDER_EXPECT_OK
constexpr auto field = &Pass::id;
#else
constexpr auto field = &Pass::holder_id;
#endif

using Answer = decltype(std::declval<Passes&>().find_by<field>(7));
