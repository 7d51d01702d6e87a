// SPDX-License-Identifier: BSL-1.0
// expect: larder: find_by needs a field that the schema declares as larder::primary or larder::unique
#include <larder/larder.hpp>
#include <larder/testing/sample.hpp>

using larder::testing::Pass;
using Passes = larder::CachedRepository<Pass, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>>;

#ifdef LARDER_EXPECT_OK
constexpr auto field = &Pass::code;
#else
constexpr auto field = &Pass::note;
#endif

bool find(Passes& passes) { return static_cast<bool>(passes.find_by<field>("late")); }
