// SPDX-License-Identifier: BSL-1.0
// expect: larder: this database cannot change several rows in one transaction: a unit of work needs begin(isolation), takes(transaction) and within(transaction)
// errors: 1
#include "own_database.hpp"

#include <larder/larder.hpp>
#include <larder/repository/unit_of_work.hpp>

template <class Entity>
struct Plain : OwnDatabase<Entity> {
    using OwnDatabase<Entity>::OwnDatabase;
    static constexpr bool never_blocks = true;
};

#ifdef LARDER_EXPECT_OK
using Stack = larder::Stack<larder::MemoryCache, larder::MemoryDatabase>;
#else
using Stack = larder::Stack<larder::MemoryCache, Plain>;
#endif
using Books = larder::CachedRepository<Book, Stack>;

bool erase(Books& books) {
    return static_cast<bool>(larder::in_one_transaction(std::tie(books), [&](auto& unit) { unit.erase(books, 1); }));
}
