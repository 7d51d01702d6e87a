// SPDX-License-Identifier: BSL-1.0
// expect: larder: this projection does not hold that field: add it to larder::warm<...> or ask for the whole row
#include <larder/larder.hpp>
#include <larder/testing/sample.hpp>

using larder::testing::Pass;
using Passes = larder::CachedRepository<Pass, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>>;

#ifdef LARDER_EXPECT_OK
constexpr auto field = &Pass::holder_id;
#else
constexpr auto field = &Pass::note;
#endif

bool has_default(Passes& passes) {
    const auto found = passes.find_warm(1);
    return found && found.get<field>() == larder::detail::member_t<field>{};
}
