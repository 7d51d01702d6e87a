// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <latch>
#include <thread>
#include <vector>

namespace session_tests {

/// Runs `work(number)` in so many threads that begin together.
template <class Work>
void together(std::size_t count, Work work) {
    std::latch start(static_cast<std::ptrdiff_t>(count));
    std::vector<std::thread> threads;
    for (std::size_t number = 0; number < count; ++number)
        threads.emplace_back([&, number] {
            start.arrive_and_wait();
            work(number);
        });
    for (auto& thread : threads) thread.join();
}

} // namespace session_tests
