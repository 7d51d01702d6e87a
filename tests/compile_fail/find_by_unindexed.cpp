// SPDX-License-Identifier: BSL-1.0
// expect: larder: find_by needs a field that the schema declares as larder::primary or larder::unique
#include <larder/larder.hpp>
#include <larder/testing/sample.hpp>

#include <utility>

using larder::testing::Pass;
using Passes = larder::CachedRepository<Pass, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>>;

#ifdef LARDER_EXPECT_OK
constexpr auto field = &Pass::code;
#else
constexpr auto field = &Pass::note;
#endif

using Answer = decltype(std::declval<Passes&>().find_by<field>("late"));
