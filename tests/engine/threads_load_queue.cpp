// SPDX-License-Identifier: BSL-1.0
#include <larder/engine/load_queue.hpp>
#include <larder/engine/requests.hpp>
#include <larder/engine/run.hpp>
#include <larder/testing/manual_environment.hpp>
#include <larder/testing/sample.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

using larder::Outcome;
using larder::ReadMode;
using larder::testing::Holder;
using larder::testing::ManualEnvironment;
using larder::testing::sample_row;

namespace {

using Row = Outcome<std::optional<Holder>>;

/// A database that answers on the threads of a pool.
struct Pooled {
    explicit Pooled(boost::asio::thread_pool& threads) : pool(threads) {}

    template <class Handler>
    void async_load(std::int64_t key, ReadMode, Handler handler) {
        ++queries;
        boost::asio::post(pool, [key, handler = std::move(handler)]() mutable { handler(Row(sample_row<Holder>(key))); });
    }
    template <class Handler>
    void async_load_many(std::span<const std::int64_t> keys, ReadMode, Handler handler) {
        ++queries;
        boost::asio::post(pool, [keys, handler = std::move(handler)]() mutable {
            std::vector<std::optional<Holder>> rows;
            for (const auto key : keys) rows.push_back(sample_row<Holder>(key));
            handler(Outcome<std::vector<std::optional<Holder>>>(std::move(rows)));
        });
    }

    boost::asio::thread_pool& pool;
    std::atomic<int> queries{0};
};

} // namespace

TEST_CASE("loads of many threads are each answered, once and with their own row") {
    using Queue = larder::detail::LoadQueue<Holder, ManualEnvironment, Pooled>;
    using Ops = larder::detail::requests<Holder>;
    boost::asio::thread_pool pool(2);
    ManualEnvironment environment;
    Pooled database(pool);
    Queue queue(environment, database, 1, 5);
    constexpr int loaders = 8, rounds = 200;
    std::atomic<int> right{0};
    std::vector<std::thread> threads;
    for (int number = 0; number < loaders; ++number)
        threads.emplace_back([&, number] {
            for (int round = 0; round < rounds; ++round) {
                const std::int64_t key = number * rounds + round + 1;
                const auto task = [](Queue& through, larder::detail::Driver& driver, const std::int64_t& which) -> larder::detail::Task<Row> {
                    using Load = decltype(Ops::load(which, ReadMode::plain));
                    auto asked = larder::detail::Ask<Queue, Load>(driver, through, Ops::load(which, ReadMode::plain));
                    co_return co_await asked;
                };
                const Row row = larder::detail::run_blocking<Row>([&](larder::detail::Driver& driver) { return task(queue, driver, key); });
                if (row && *row && (*row)->id == key) ++right;
            }
        });
    for (auto& thread : threads) thread.join();
    pool.join();
    CHECK(right == loaders * rounds);
    CHECK_MESSAGE(database.queries < loaders * rounds, "some of them shared a query");
}
