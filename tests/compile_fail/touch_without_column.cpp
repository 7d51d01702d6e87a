// SPDX-License-Identifier: BSL-1.0
// expect: larder: the schema declares no touch column: add larder::touch<&Entity::field>
#include <larder/larder.hpp>
#include <larder/testing/sample.hpp>

#ifdef LARDER_EXPECT_OK
using Entity = larder::testing::Pass;
#else
using Entity = larder::testing::Holder;
#endif
using Rows = larder::CachedRepository<Entity, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>>;

void touch(Rows& rows) { rows.touch(1); }
