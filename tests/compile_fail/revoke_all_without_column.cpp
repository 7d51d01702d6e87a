// SPDX-License-Identifier: BSL-1.0
// expect: larder: the schema declares no revoked column: add larder::revoked<&Entity::field>
#include <larder/larder.hpp>
#include <larder/testing/sample.hpp>

#include <string>

using larder::testing::Pass;
using larder::testing::Setting;
template <class Entity>
using Rows = larder::CachedRepository<Entity, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>>;

#ifdef LARDER_EXPECT_OK
void revoke(Rows<Pass>& passes) { passes.revoke_all_by<&Pass::holder_id>(1); }
#else
void revoke(Rows<Setting>& settings) { settings.revoke_all_by<&Setting::section>("colours"); }
#endif
