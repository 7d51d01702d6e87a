// SPDX-License-Identifier: BSL-1.0
// expect: larder: the repositories of a unit of work must be kept in one database
#include "own_database.hpp"

#include <larder/larder.hpp>
#include <larder/repository/unit_of_work.hpp>

struct OwnTransaction : larder::MemoryTransaction {};

template <class Entity>
struct Other : larder::MemoryDatabase<Entity> {
    using larder::MemoryDatabase<Entity>::MemoryDatabase;
    using Transaction = OwnTransaction;
    larder::Outcome<Transaction> begin(larder::Isolation);
    bool takes(const Transaction&) const;
    larder::MemoryDatabase<Entity> within(Transaction&) const;
};

using Books = larder::CachedRepository<Book, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>>;
#ifdef LARDER_EXPECT_OK
using Others = Books;
#else
using Others = larder::CachedRepository<Book, larder::Stack<larder::MemoryCache, Other>>;
#endif

bool erase(Books& books, Others& others) {
    return static_cast<bool>(larder::in_one_transaction(std::tie(books, others), [&](auto& unit) { unit.erase(books, 1); }));
}
