// SPDX-License-Identifier: BSL-1.0
// expect: larder: a database makes rows, so the entity needs a default constructor
#include <larder/database/sqlite.hpp>

#include <boost/describe/class.hpp>

#include <cstdint>

struct Book {
#ifdef LARDER_EXPECT_OK
    Book() = default;
#endif
    explicit Book(std::int64_t number) : id(number) {}

    std::int64_t id = 0;
};
BOOST_DESCRIBE_STRUCT(Book, (), (id))

template <>
struct larder::entity_traits<Book> : larder::schema<"books", larder::primary<&Book::id>> {};

using Books = larder::SqliteDatabase<Book>;

bool load(Books& books) { return books.load(1, larder::ReadMode::plain).has_value(); }
