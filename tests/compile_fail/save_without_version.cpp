// SPDX-License-Identifier: BSL-1.0
// expect: larder: save is conditional on the version that the row was read at, but the schema declares none
#include <larder/larder.hpp>
#include <larder/testing/sample.hpp>

#ifdef LARDER_EXPECT_OK
using Entity = larder::testing::Holder;
#else
using Entity = larder::testing::Setting;
#endif
using Rows = larder::CachedRepository<Entity, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>>;

void save(Rows& rows, const Entity& row) { rows.save(row); }
