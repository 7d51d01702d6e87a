// SPDX-License-Identifier: BSL-1.0
#include "puppet.hpp"

#include <larder/engine/run.hpp>
#include <larder/engine/single_flight.hpp>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/thread_pool.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <thread>
#include <utility>
#include <vector>

using namespace engine_tests;
using larder::detail::Driver;

namespace {

using Table = larder::detail::SingleFlight<int, Answer>;

struct Shared {
    Table table;
    std::atomic<int> truth{0};
    std::atomic<std::size_t> loads{0};
    std::atomic<std::size_t> shared{0};
};

/// Loads the truth, sharing the load with others. \param give_up whether a leader walks away instead of loading.
Task<Answer> load(Shared& shared, Driver& driver, int key, bool give_up) {
    for (;;) {
        auto joining = Table::Join(shared.table, driver, key);
        auto joined = co_await joining;
        if (!joined.leader) {
            ++shared.shared;
            co_return *joined.answer;
        }
        auto leader = std::move(*joined.leader);
        if (std::exchange(give_up, false)) continue;
        leader.begin();
        ++shared.loads;
        const Answer answer(shared.truth.load());
        std::this_thread::yield();
        leader.finish(answer, false);
        co_return answer;
    }
}

} // namespace

TEST_CASE("whoever shares a load, from whatever thread, gets what was true after it asked") {
    constexpr int threads = 6;
    constexpr int rounds = 3000;
    Shared shared;
    std::latch start(threads);
    std::atomic<int> old_answers{0};
    std::vector<std::thread> callers;
    for (int caller = 0; caller < threads; ++caller)
        callers.emplace_back([&, caller] {
            start.arrive_and_wait();
            for (int i = 0; i < rounds; ++i) {
                const int before = caller == 0 ? ++shared.truth : shared.truth.load();
                const Answer answer = larder::detail::run_blocking<Answer>([&](Driver& driver) { return load(shared, driver, i % 2, (i + caller) % 7 == 0); });
                if (answer.error() || answer.value < before) ++old_answers;
            }
        });
    for (auto& caller : callers) caller.join();
    CHECK(old_answers == 0);
    CHECK(shared.loads + shared.shared == std::size_t{threads} * rounds);
    CHECK(shared.table.size() == 0);
    CHECK(shared.table.waiting() == 0);
}

TEST_CASE("a pool that goes away while its tasks lead and wait leaves the others their loads") {
    for (int round = 0; round < 40; ++round) {
        Shared shared;
        std::atomic<int> answered{0};
        {
            boost::asio::thread_pool pool(2);
            for (int i = 0; i < 60; ++i)
                larder::detail::run_async<Answer>(
                    pool.get_executor(), [&](Driver& driver) { return load(shared, driver, 0, i % 3 == 0); },
                    boost::asio::bind_executor(pool.get_executor(), [&](const larder::Error&, const Answer&) { ++answered; }));
            const Answer answer = larder::detail::run_blocking<Answer>([&](Driver& driver) { return load(shared, driver, 0, false); });
            CHECK(!answer.error());
            pool.stop();
        }
        CHECK(shared.table.size() == 0);
        CHECK(shared.table.waiting() == 0);
    }
}
