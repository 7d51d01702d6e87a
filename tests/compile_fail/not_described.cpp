// SPDX-License-Identifier: BSL-1.0
// expect: larder: the entity needs BOOST_DESCRIBE_STRUCT(Entity, (), (fields...)), in its own namespace
#include <larder/larder.hpp>

#include <boost/describe/class.hpp>

#include <cstdint>

struct Book {
    std::int64_t id = 0;
};
#ifdef LARDER_EXPECT_OK
BOOST_DESCRIBE_STRUCT(Book, (), (id))
#endif

template <>
struct larder::entity_traits<Book> : larder::schema<"books", larder::primary<&Book::id>> {};

using Books = larder::CachedRepository<Book, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>>;

static_assert(sizeof(Books) > 0);
