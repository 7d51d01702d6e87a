// SPDX-License-Identifier: BSL-1.0
// expect: larder: this database cannot list the rows that embed another: it needs parents_of<Member>(key)
#include <larder/larder.hpp>
#include <larder/testing/sample.hpp>

using larder::testing::Holder;
using larder::testing::Pass;

template <class Entity>
struct Plain : larder::MemoryDatabase<Entity> {
    using larder::MemoryDatabase<Entity>::MemoryDatabase;
    void parents_of() = delete;
};

#ifdef LARDER_EXPECT_OK
using Stack = larder::Stack<larder::MemoryCache, larder::MemoryDatabase>;
#else
using Stack = larder::Stack<larder::MemoryCache, Plain>;
#endif
using Passes = larder::CachedRepository<Pass, Stack>;
using Holders = larder::CachedRepository<Holder, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>>;

void link(Passes& passes, Holders& holders) { passes.link<&Pass::holder>(holders); }
