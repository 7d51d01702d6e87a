// SPDX-License-Identifier: BSL-1.0
#include <larder/cache/detail/spin_lock.hpp>

#include <doctest/doctest.h>

#include <mutex>
#include <thread>
#include <vector>

namespace {

TEST_CASE("one thread at a time holds a spin lock") {
    larder::detail::SpinLock lock;
    int count = 0;
    std::vector<std::thread> threads;
    constexpr int rounds = 20'000;
    for (int number = 0; number < 4; ++number)
        threads.emplace_back([&] {
            for (int round = 0; round < rounds; ++round) {
                const std::lock_guard guard(lock);
                ++count;
            }
        });
    for (auto& thread : threads) thread.join();
    CHECK(count == 4 * rounds);
    CHECK(lock.try_lock());
    CHECK_FALSE(lock.try_lock());
    lock.unlock();
    CHECK(lock.try_lock());
}

} // namespace
