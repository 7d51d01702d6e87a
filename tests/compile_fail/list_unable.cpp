// SPDX-License-Identifier: BSL-1.0
// expect: larder: this database cannot list that group: it needs list<Space>(key)
#include <larder/larder.hpp>
#include <larder/testing/sample.hpp>

using larder::testing::Pass;

template <class Entity>
struct Plain : larder::MemoryDatabase<Entity> {
    using larder::MemoryDatabase<Entity>::MemoryDatabase;
    void list() = delete;
};

#ifdef LARDER_EXPECT_OK
using Stack = larder::Stack<larder::MemoryCache, larder::MemoryDatabase>;
#else
using Stack = larder::Stack<larder::MemoryCache, Plain>;
#endif
using Passes = larder::CachedRepository<Pass, Stack>;

bool find(Passes& passes) { return passes.find_all_by<&Pass::holder_id>(1).empty(); }
