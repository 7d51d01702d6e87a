// SPDX-License-Identifier: BSL-1.0
// expect: larder: this policy needs a database that keeps group epochs: load_epoch and revoke_all
#include <larder/larder.hpp>
#include <larder/testing/sample.hpp>

template <class Entity>
struct Plain : larder::MemoryDatabase<Entity> {
    using larder::MemoryDatabase<Entity>::MemoryDatabase;
    void load_epoch() = delete;
};

#ifdef LARDER_EXPECT_OK
using Policy = larder::WriteThrough;
#else
using Policy = larder::Versioned<larder::group_epoch>;
#endif
using Passes = larder::CachedRepository<larder::testing::Pass, larder::Stack<larder::MemoryCache, Plain>, Policy>;

static_assert(sizeof(Passes) > 0);
