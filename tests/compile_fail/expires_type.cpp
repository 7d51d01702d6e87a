// SPDX-License-Identifier: BSL-1.0
// expect: larder: the expires and touch columns must be time points of the system clock
#include <larder/larder.hpp>

#include <boost/describe/class.hpp>

#include <cstdint>

struct Card {
    std::int64_t id = 0;
#ifdef LARDER_EXPECT_OK
    larder::TimePoint valid_until{};
#else
    std::int64_t valid_until = 0;
#endif
};
BOOST_DESCRIBE_STRUCT(Card, (), (id, valid_until))

template <>
struct larder::entity_traits<Card> : larder::schema<"cards", larder::primary<&Card::id>, larder::expires<&Card::valid_until>> {};

using Cards = larder::CachedRepository<Card, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>>;

static_assert(sizeof(Cards) > 0);
