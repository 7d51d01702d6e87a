// SPDX-License-Identifier: BSL-1.0
// expect: larder: the schema names no primary key
#include <larder/larder.hpp>

#include <boost/describe/class.hpp>

#include <cstdint>

struct Book {
    std::int64_t id = 0;
    std::int64_t isbn = 0;
};
BOOST_DESCRIBE_STRUCT(Book, (), (id, isbn))

template <>
struct larder::entity_traits<Book> : larder::schema<"books",
#ifdef LARDER_EXPECT_OK
                                                    larder::primary<&Book::id>,
#endif
                                                    larder::unique<&Book::isbn>> {
};

using Books = larder::CachedRepository<Book, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>>;

static_assert(sizeof(Books) > 0);
