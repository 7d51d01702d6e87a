// SPDX-License-Identifier: BSL-1.0
// expect: larder: this policy asks for a row's version alone, which this database cannot: it needs load_version(key)
#include <larder/larder.hpp>
#include <larder/testing/sample.hpp>

template <class Entity>
struct Plain : larder::MemoryDatabase<Entity> {
    using larder::MemoryDatabase<Entity>::MemoryDatabase;
    void load_version() = delete;
};

#ifdef LARDER_EXPECT_OK
using Policy = larder::WriteThrough;
#else
using Policy = larder::Versioned<larder::row_probe>;
#endif
using Passes = larder::CachedRepository<larder::testing::Pass, larder::Stack<larder::MemoryCache, Plain>, Policy>;

static_assert(sizeof(Passes) > 0);
