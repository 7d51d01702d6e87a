// SPDX-License-Identifier: BSL-1.0
// expect: larder: the function of async_in_one_transaction is a coroutine that returns a larder::UnitTask
#include "own_database.hpp"

#include <larder/larder.hpp>
#include <larder/repository/unit_of_work.hpp>

using Books = larder::CachedRepository<Book, larder::Stack<larder::MemoryCache, larder::MemoryDatabase>>;

void erase(Books& books) {
    auto work = [&](auto& unit) -> larder::UnitTask<> {
        auto erased = co_await unit.erase(books, 1);
        erased.or_throw();
    };
#ifdef LARDER_EXPECT_OK
    auto& function = work;
#else
    auto function = [&](auto& unit) { static_cast<void>(work(unit)); };
#endif
    larder::async_in_one_transaction(std::tie(books), function, [](const larder::Error&, const larder::UnitResult<>&) {});
}
