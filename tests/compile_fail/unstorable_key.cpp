// SPDX-License-Identifier: BSL-1.0
// expect: larder: a field's type cannot be stored: specialise larder::value_traits for it, or embed it
#include <larder/larder.hpp>

#include <boost/describe/class.hpp>

#include <cstdint>
#include <utility>

struct Square {
#ifdef LARDER_EXPECT_OK
    std::int64_t place = 0;
#else
    std::pair<int, int> place;
#endif
    bool mined = false;
};
BOOST_DESCRIBE_STRUCT(Square, (), (place, mined))

template <>
struct larder::entity_traits<Square> : larder::schema<"squares", larder::primary<&Square::place>> {};

using Squares = larder::CachedRepository<Square, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>>;

static_assert(sizeof(Squares) > 0);
