// SPDX-License-Identifier: BSL-1.0
// expect MISSING: larder: a world of the conformance suite needs database<Entity>() for each of the suite's entities; of those that it has none for, it says: using leaves_out = larder::testing::Entities<...>
// expect LACKING: larder: this database needs erase(const Key&, larder::Version, const larder::WriteCondition&), and it must answer larder::Outcome<larder::Version>
// errors: 2
#include <larder/database/memory.hpp>
#include <larder/testing/database_conformance.hpp>

#include <concepts>

using larder::testing::Coupon;
using larder::testing::Crate;

struct Lacking : larder::MemoryDatabase<Coupon> {
    using larder::MemoryDatabase<Coupon>::MemoryDatabase;
    void erase() = delete;
};

struct World {
#if !defined(MISSING)
    using leaves_out = larder::testing::Entities<Crate>;
#endif
#if defined(LACKING)
    using Database = Lacking;
#else
    using Database = larder::MemoryDatabase<Coupon>;
#endif

    template <std::same_as<Coupon> Entity>
    Database database() {
        return Database();
    }
};

static_assert(larder::testing::detail::world_is_sound<World, Coupon>() && larder::testing::detail::world_is_sound<World, Crate>());
