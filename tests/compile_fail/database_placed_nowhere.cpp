// SPDX-License-Identifier: BSL-1.0
// expect: larder: this database must say where its asynchronous form runs: add executor(), the boost::asio::any_io_executor on which it may block; if it never blocks, static constexpr bool never_blocks = true
// errors: 1
#include <larder/larder.hpp>

#include "own_database.hpp"

template <class Entity>
struct Database : OwnDatabase<Entity> {
    using OwnDatabase<Entity>::OwnDatabase;
#ifdef LARDER_EXPECT_OK
    boost::asio::any_io_executor executor() { return {}; }
#endif
};

using Books = larder::CachedRepository<Book, larder::Stack<larder::MemoryCache, Database>>;

static_assert(sizeof(Books) > 0);
