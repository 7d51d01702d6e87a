// SPDX-License-Identifier: BSL-1.0
// expect: larder: VersionedFunctionDatabase needs a version in the schema; without one, use FunctionDatabase
#include <larder/database/functions.hpp>
#include <larder/testing/sample.hpp>

#ifdef LARDER_EXPECT_OK
using Settings = larder::FunctionDatabase<larder::testing::Setting>;
#else
using Settings = larder::VersionedFunctionDatabase<larder::testing::Setting>;
#endif

static_assert(sizeof(Settings) > 0);
