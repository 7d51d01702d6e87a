// SPDX-License-Identifier: BSL-1.0
// expect: larder: the version column must be a std::uint64_t
#include <larder/larder.hpp>

#include <boost/describe/class.hpp>

#include <cstdint>

struct Book {
    std::int64_t id = 0;
#ifdef LARDER_EXPECT_OK
    std::uint64_t version = 0;
#else
    std::int32_t version = 0;
#endif
};
BOOST_DESCRIBE_STRUCT(Book, (), (id, version))

template <>
struct larder::entity_traits<Book> : larder::schema<"books", larder::primary<&Book::id>, larder::version<&Book::version>> {};

using Books = larder::CachedRepository<Book, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>>;

static_assert(sizeof(Books) > 0);
