// SPDX-License-Identifier: BSL-1.0
// expect: larder: the nearest tier of this stack does not tell which rows are due for a refresh: it needs due_for_refresh(ahead, limit)
#include <larder/larder.hpp>
#include <larder/repository/refresher.hpp>
#include <larder/testing/sample.hpp>

template <class Entity, class Env>
struct Plain : larder::MemoryCache<Entity, Env> {
    using larder::MemoryCache<Entity, Env>::MemoryCache;
    void due_for_refresh() = delete;
};

#ifdef LARDER_EXPECT_OK
using Stack = larder::Stack<larder::MemoryCache, larder::MemoryDatabase>;
#else
using Stack = larder::Stack<Plain, larder::MemoryDatabase>;
#endif
using Passes = larder::CachedRepository<larder::testing::Pass, Stack>;

static_assert(sizeof(larder::Refresher<Passes>) > 0);
