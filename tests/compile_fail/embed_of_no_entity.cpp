// SPDX-License-Identifier: BSL-1.0
// expect: larder: what larder::embed names must hold an entity: specialise larder::entity_traits for its type, too
// errors: 2
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

#ifdef LARDER_EXPECT_OK
template <>
struct larder::entity_traits<Author> : larder::schema<"authors", larder::primary<&Author::id>> {};
#endif

template <>
struct larder::entity_traits<Book> : larder::schema<"books", larder::primary<&Book::id>, larder::embed<&Book::author, &Book::author_id>> {};

using Books = larder::CachedRepository<Book, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>>;

bool find(Books& books) { return static_cast<bool>(books.find(1)); }
