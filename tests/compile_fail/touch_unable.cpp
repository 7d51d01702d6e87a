// SPDX-License-Identifier: BSL-1.0
// expect: larder: this database cannot touch a row: it needs touch(key, moment)
#include <larder/larder.hpp>
#include <larder/testing/sample.hpp>

using larder::testing::Pass;

template <class Entity>
struct Plain : larder::MemoryDatabase<Entity> {
    using larder::MemoryDatabase<Entity>::MemoryDatabase;
    void touch() = delete;
};

#ifdef LARDER_EXPECT_OK
using Stack = larder::Stack<larder::MemoryCache, larder::MemoryDatabase>;
#else
using Stack = larder::Stack<larder::MemoryCache, Plain>;
#endif
using Passes = larder::CachedRepository<Pass, Stack>;

bool touch(Passes& passes) { return static_cast<bool>(passes.touch(1)); }
