// SPDX-License-Identifier: BSL-1.0
// expect: larder: the revoked column must be a std::optional time point
#include <larder/larder.hpp>

#include <boost/describe/class.hpp>

#include <cstdint>
#include <optional>

struct Card {
    std::int64_t id = 0;
    std::uint64_t version = 0;
#ifdef LARDER_EXPECT_OK
    std::optional<larder::TimePoint> revoked;
#else
    bool revoked = false;
#endif
};
BOOST_DESCRIBE_STRUCT(Card, (), (id, version, revoked))

template <>
struct larder::entity_traits<Card>
    : larder::schema<"cards", larder::primary<&Card::id>, larder::version<&Card::version>, larder::revoked<&Card::revoked>> {};

using Cards = larder::CachedRepository<Card, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>>;

static_assert(sizeof(Cards) > 0);
