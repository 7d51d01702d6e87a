// SPDX-License-Identifier: BSL-1.0
// expect: larder: this policy stamps rows with a group's epoch, but the schema declares no larder::group
#include <larder/larder.hpp>
#include <larder/testing/sample.hpp>

#ifdef LARDER_EXPECT_OK
using Entity = larder::testing::Pass;
#else
using Entity = larder::testing::Holder;
#endif
using Rows = larder::CachedRepository<Entity, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>, larder::Versioned<larder::group_epoch>>;

static_assert(sizeof(Rows) > 0);
