// SPDX-License-Identifier: BSL-1.0
// expect: larder: the schema holds something that is none of larder's words
#include <larder/larder.hpp>

#include <boost/describe/class.hpp>

#include <cstdint>

struct Book {
    std::int64_t id = 0;
    std::int64_t isbn = 0;
};
BOOST_DESCRIBE_STRUCT(Book, (), (id, isbn))

template <auto Member>
struct indexed {};

template <>
struct larder::entity_traits<Book> : larder::schema<"books", larder::primary<&Book::id>
#ifndef LARDER_EXPECT_OK
                                                    ,
                                                    indexed<&Book::isbn>
#endif
                                                    > {
};

using Books = larder::CachedRepository<Book, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>>;

static_assert(sizeof(Books) > 0);
