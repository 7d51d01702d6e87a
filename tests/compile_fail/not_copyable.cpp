// SPDX-License-Identifier: BSL-1.0
// expect: larder: the entity must be copyable: rows are handed out and kept as copies
#include <larder/larder.hpp>

#include <boost/describe/class.hpp>

#include <cstdint>

struct Book {
    Book() = default;
#ifdef LARDER_EXPECT_OK
    Book(const Book&) = default;
    Book& operator=(const Book&) = default;
#else
    Book(Book&&) = default;
    Book& operator=(Book&&) = default;
#endif

    std::int64_t id = 0;
};
BOOST_DESCRIBE_STRUCT(Book, (), (id))

template <>
struct larder::entity_traits<Book> : larder::schema<"books", larder::primary<&Book::id>> {};

using Books = larder::CachedRepository<Book, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>>;

static_assert(sizeof(Books) > 0);
