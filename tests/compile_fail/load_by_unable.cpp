// SPDX-License-Identifier: BSL-1.0
// expect: larder: this database cannot find a row by that alternate key: it needs load_by<Space>(key, mode)
#include <larder/larder.hpp>
#include <larder/testing/sample.hpp>

using larder::testing::Pass;

template <class Entity>
struct Plain : larder::MemoryDatabase<Entity> {
    using larder::MemoryDatabase<Entity>::MemoryDatabase;
    void load_by() = delete;
};

#ifdef LARDER_EXPECT_OK
using Stack = larder::Stack<larder::MemoryCache, larder::MemoryDatabase>;
#else
using Stack = larder::Stack<larder::MemoryCache, Plain>;
#endif
using Passes = larder::CachedRepository<Pass, Stack>;

bool find(Passes& passes) { return static_cast<bool>(passes.find_by<&Pass::code>("late")); }
