// SPDX-License-Identifier: BSL-1.0
// expect: larder: a key of the schema names a member that is not a described field of this entity
#include <larder/larder.hpp>

#include <boost/describe/class.hpp>

#include <cstdint>
#include <string>

struct Author {
    std::int64_t id = 0;
    std::string name;
};
BOOST_DESCRIBE_STRUCT(Author, (), (id, name))

struct Book {
    std::int64_t id = 0;
    std::string title;
};
BOOST_DESCRIBE_STRUCT(Book, (), (id, title))

template <>
struct larder::entity_traits<Book> : larder::schema<"books", larder::primary<&Book::id>,
#ifdef LARDER_EXPECT_OK
                                                    larder::unique<&Book::title>
#else
                                                    larder::unique<&Author::name>
#endif
                                                    > {
};

using Books = larder::CachedRepository<Book, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>>;

static_assert(sizeof(Books) > 0);
