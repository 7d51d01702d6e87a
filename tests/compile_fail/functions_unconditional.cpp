// SPDX-License-Identifier: BSL-1.0
// expect: larder: this database cannot write conditionally on a version, so only Hybrid or a fenced policy (WriteThrough) keeps its promise
#include <larder/database/functions.hpp>
#include <larder/larder.hpp>
#include <larder/testing/sample.hpp>

#ifdef LARDER_EXPECT_OK
using Policy = larder::WriteThrough;
#else
using Policy = larder::Versioned<larder::schema_constant>;
#endif
using Passes = larder::CachedRepository<larder::testing::Pass, larder::Stack<larder::MemoryCache, larder::FunctionDatabase>, Policy>;

static_assert(sizeof(Passes) > 0);
