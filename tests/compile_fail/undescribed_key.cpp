// SPDX-License-Identifier: BSL-1.0
// expect: larder: a key of the schema names a member that is not a described field of this entity
#include <larder/larder.hpp>

#include <boost/describe/class.hpp>

#include <cstdint>
#include <string>

struct Book {
    std::int64_t id = 0;
    std::string title;
};
#ifdef LARDER_EXPECT_OK
BOOST_DESCRIBE_STRUCT(Book, (), (id, title))
#else
BOOST_DESCRIBE_STRUCT(Book, (), (id))
#endif

template <>
struct larder::entity_traits<Book> : larder::schema<"books", larder::primary<&Book::id>, larder::unique<&Book::title>> {};

using Books = larder::CachedRepository<Book, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>>;

static_assert(sizeof(Books) > 0);
