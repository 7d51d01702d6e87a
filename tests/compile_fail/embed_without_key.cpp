// SPDX-License-Identifier: BSL-1.0
// expect: larder: embed<&Entity::child, &Entity::child_id> needs the members of the foreign key
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
    std::int64_t author_id = 0;
    Author author;
};
BOOST_DESCRIBE_STRUCT(Book, (), (id, author_id, author))

template <>
struct larder::entity_traits<Author> : larder::schema<"authors", larder::primary<&Author::id>> {};

template <>
struct larder::entity_traits<Book> : larder::schema<"books", larder::primary<&Book::id>,
#ifdef LARDER_EXPECT_OK
                                                    larder::embed<&Book::author, &Book::author_id>
#else
                                                    larder::embed<&Book::author>
#endif
                                                    > {
};

using Books = larder::CachedRepository<Book, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>>;

static_assert(sizeof(Books) > 0);
