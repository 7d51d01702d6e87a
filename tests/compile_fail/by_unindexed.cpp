// SPDX-License-Identifier: BSL-1.0
// expect: larder: by<...> must name members that the schema declares: an alternate key for load_by, a group for list
#include <larder/database/functions.hpp>
#include <larder/testing/sample.hpp>

#include <optional>
#include <string>

using larder::testing::Pass;

#ifdef LARDER_EXPECT_OK
constexpr auto field = &Pass::code;
#else
constexpr auto field = &Pass::note;
#endif

void give(larder::FunctionDatabase<Pass>::Config& functions) {
    functions.load_by = larder::by<field>([](const std::string&) { return std::optional<Pass>(); });
}
