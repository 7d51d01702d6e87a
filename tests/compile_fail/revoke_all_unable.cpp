// SPDX-License-Identifier: BSL-1.0
// expect: larder: this database cannot revoke a whole group at once: it needs revoke_all<Space>(key, pattern, members)
#include <larder/larder.hpp>
#include <larder/testing/sample.hpp>

using larder::testing::Pass;

template <class Entity>
struct Plain : larder::MemoryDatabase<Entity> {
    using larder::MemoryDatabase<Entity>::MemoryDatabase;
    void revoke_all() = delete;
};

#ifdef LARDER_EXPECT_OK
using Stack = larder::Stack<larder::MemoryCache, larder::MemoryDatabase>;
#else
using Stack = larder::Stack<larder::MemoryCache, Plain>;
#endif
using Passes = larder::CachedRepository<Pass, Stack>;

bool revoke(Passes& passes) { return static_cast<bool>(passes.revoke_all_by<&Pass::holder_id>(1)); }
