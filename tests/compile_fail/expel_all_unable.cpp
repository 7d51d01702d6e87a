// SPDX-License-Identifier: BSL-1.0
// expect: larder: the nearest tier of this stack cannot drop a group
#include <larder/larder.hpp>
#include <larder/testing/sample.hpp>

using larder::testing::Pass;

template <class Entity, class Env>
struct Plain : larder::MemoryCache<Entity, Env> {
    using larder::MemoryCache<Entity, Env>::MemoryCache;
    void expel_group() = delete;
};

#ifdef LARDER_EXPECT_OK
using Stack = larder::Stack<larder::MemoryCache, larder::MemoryDatabase>;
#else
using Stack = larder::Stack<Plain, larder::MemoryDatabase>;
#endif
using Passes = larder::CachedRepository<Pass, Stack>;

bool expel(Passes& passes) { return static_cast<bool>(passes.expel_by<&Pass::code>("late")) && static_cast<bool>(passes.expel_all_by<&Pass::holder_id>(1)); }
