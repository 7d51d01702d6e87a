// SPDX-License-Identifier: BSL-1.0
// expect: larder: find_all_by needs a field that the schema declares as larder::group
#include <larder/larder.hpp>
#include <larder/testing/sample.hpp>

#include <utility>

using larder::testing::Pass;
using Passes = larder::CachedRepository<Pass, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>>;

#ifdef LARDER_EXPECT_OK
using Answer = decltype(std::declval<Passes&>().find_all_by<&Pass::holder_id>(7));
#else
using Answer = decltype(std::declval<Passes&>().find_all_by<&Pass::code>("late"));
#endif
