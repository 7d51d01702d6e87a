// SPDX-License-Identifier: BSL-1.0
// expect: larder: a member of the primary key or of the scope may not be a std::optional
#include <larder/larder.hpp>

#include <boost/describe/class.hpp>

#include <cstdint>
#include <optional>

struct Book {
#ifdef LARDER_EXPECT_OK
    std::int64_t id = 0;
#else
    std::optional<std::int64_t> id;
#endif
    std::int64_t isbn = 0;
};
BOOST_DESCRIBE_STRUCT(Book, (), (id, isbn))

template <>
struct larder::entity_traits<Book> : larder::schema<"books", larder::primary<&Book::id>> {};

using Books = larder::CachedRepository<Book, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>>;

static_assert(sizeof(Books) > 0);
