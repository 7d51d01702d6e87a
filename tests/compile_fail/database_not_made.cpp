// SPDX-License-Identifier: BSL-1.0
// expect NO_CONFIG: larder: the database of this stack does not say what it is made from: add a nested type Config and the constructor (Config)
// expect NOT_FROM_CONFIG: larder: the database of this stack cannot be made from its Config: add the constructor (Config)
// errors: 1
#include <larder/larder.hpp>

#include "own_database.hpp"

template <class Entity>
struct Database : OwnDatabase<Entity> {
    using Base = OwnDatabase<Entity>;
    static constexpr bool never_blocks = true;

#if defined(NO_CONFIG)
    using Base::Base;

private:
    struct Config;
#elif defined(NOT_FROM_CONFIG)
    explicit Database(int connections);
#else
    using Base::Base;
#endif
};

using Books = larder::CachedRepository<Book, larder::Stack<larder::MemoryCache, Database>>;

static_assert(sizeof(Books) > 0);
