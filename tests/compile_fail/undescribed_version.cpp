// SPDX-License-Identifier: BSL-1.0
// expect: larder: a word of the schema names a member that is not a described field of this entity
#include <larder/larder.hpp>

#include <boost/describe/class.hpp>

#include <cstdint>

struct Book {
    std::int64_t id = 0;
    std::uint64_t version = 0;
};
#ifdef LARDER_EXPECT_OK
BOOST_DESCRIBE_STRUCT(Book, (), (id, version))
#else
BOOST_DESCRIBE_STRUCT(Book, (), (id))
#endif

template <>
struct larder::entity_traits<Book> : larder::schema<"books", larder::primary<&Book::id>, larder::version<&Book::version>> {};

using Books = larder::CachedRepository<Book, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>>;

static_assert(sizeof(Books) > 0);
