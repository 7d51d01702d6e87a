// SPDX-License-Identifier: BSL-1.0
// expect: larder: a field's type cannot be stored: specialise larder::value_traits for it, or embed it
#include <larder/larder.hpp>

#include <boost/describe/class.hpp>

#include <cstdint>
#include <map>
#include <string>

struct Book {
    std::int64_t id = 0;
#ifdef LARDER_EXPECT_OK
    std::string notes;
#else
    std::map<int, std::string> notes;
#endif
};
BOOST_DESCRIBE_STRUCT(Book, (), (id, notes))

template <>
struct larder::entity_traits<Book> : larder::schema<"books", larder::primary<&Book::id>> {};

using Books = larder::CachedRepository<Book, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>>;

static_assert(sizeof(Books) > 0);
