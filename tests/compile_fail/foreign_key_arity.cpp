// SPDX-License-Identifier: BSL-1.0
// expect: larder: embed<> must name as many members of the foreign key as the embedded entity's primary key has (its scope first)
#include <larder/larder.hpp>

#include <boost/describe/class.hpp>

#include <cstdint>
#include <string>

struct Author {
    std::int64_t country = 0;
    std::int64_t number = 0;
    std::string name;
};
BOOST_DESCRIBE_STRUCT(Author, (), (country, number, name))

struct Book {
    std::int64_t id = 0;
    std::int64_t author_country = 0;
    std::int64_t author_number = 0;
    Author author;
};
BOOST_DESCRIBE_STRUCT(Book, (), (id, author_country, author_number, author))

template <>
struct larder::entity_traits<Author> : larder::schema<"authors", larder::primary<&Author::country, &Author::number>> {};

template <>
struct larder::entity_traits<Book> : larder::schema<"books", larder::primary<&Book::id>,
#ifdef LARDER_EXPECT_OK
                                                    larder::embed<&Book::author, &Book::author_country, &Book::author_number>
#else
                                                    larder::embed<&Book::author, &Book::author_number>
#endif
                                                    > {
};

using Books = larder::CachedRepository<Book, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>>;

bool find(Books& books) { return static_cast<bool>(books.find(1)); }
