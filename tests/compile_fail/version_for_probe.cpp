// SPDX-License-Identifier: BSL-1.0
// expect: larder: this policy compares versions, but the schema declares none: add larder::version<&Entity::field>, or use Hybrid
#include <larder/larder.hpp>
#include <larder/testing/sample.hpp>

using larder::testing::Setting;

#ifdef LARDER_EXPECT_OK
using Policy = larder::Hybrid;
#else
using Policy = larder::Versioned<larder::row_probe>;
#endif

using Settings = larder::CachedRepository<Setting, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>, Policy>;

static_assert(sizeof(Settings) > 0);
