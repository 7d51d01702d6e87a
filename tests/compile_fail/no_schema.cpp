// SPDX-License-Identifier: BSL-1.0
// expect: larder: describe the entity first: specialise larder::entity_traits<Entity> deriving from larder::schema<...>
#include <larder/larder.hpp>

#include <boost/describe/class.hpp>

#include <cstdint>

struct Book {
    std::int64_t id = 0;
};
BOOST_DESCRIBE_STRUCT(Book, (), (id))

#ifdef LARDER_EXPECT_OK
template <>
struct larder::entity_traits<Book> : larder::schema<"books", larder::primary<&Book::id>> {};
#endif

using Books = larder::CachedRepository<Book, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>>;

static_assert(sizeof(Books) > 0);
