// SPDX-License-Identifier: BSL-1.0
#include <larder/repository/refresher.hpp>

#include "fixture.hpp"

#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

using namespace larder_tests;

namespace {

/// An in-memory database that answers asynchronous verbs on a thread pool.
template <class Entity>
class PooledDatabase : public MemoryDatabase<Entity> {
public:
    struct Config {
        MemoryTables tables;
        boost::asio::any_io_executor executor;
    };
    explicit PooledDatabase(Config config) : MemoryDatabase<Entity>(std::move(config.tables)), executor_(std::move(config.executor)) {}
    boost::asio::any_io_executor executor() const { return executor_; }

private:
    boost::asio::any_io_executor executor_;
};

} // namespace

TEST_CASE("a refresher on several threads, beside readers and writers, until it is stopped") {
    constexpr std::int64_t rows = 50;
    Tables tables;
    REQUIRE(MemoryDatabase<Holder>(tables.tables).insert(sample_row<Holder>(1)).has_value());
    for (std::int64_t id = 1; id <= rows; ++id) {
        Pass row = sample_row<Pass>(id);
        row.holder_id = 1;
        REQUIRE(MemoryDatabase<Pass>(tables.tables).insert(row).has_value());
    }
    boost::asio::thread_pool queries(2);
    boost::asio::thread_pool refreshes(2);
    ManualEnvironment env;
    CachedRepository<Pass, Stack<MemoryCache, PooledDatabase>, WriteThrough, ManualEnvironment> repository(
        {{}, {tables.tables, queries.get_executor()}}, {.ttl = 60s, .jitter = 0, .sole_writer = true}, {}, env);

    const auto once = [&](auto&& stop) {
        tables.forget();
        std::optional<Refresher<decltype(repository)>> refresher(std::in_place, repository, refreshes.get_executor(),
                                                                 RefresherOptions{.ahead = 30s, .every = 1ms, .batch = 7, .concurrency = 3});
        std::atomic<bool> done{false};
        std::atomic<std::size_t> wrong{0};
        std::vector<std::thread> threads;
        for (std::int64_t offset : {0, 1})
            threads.emplace_back([&, offset] {
                for (std::int64_t step = 0; !done; ++step) {
                    const std::int64_t id = (step + offset) % rows + 1;
                    const auto found = repository.find(id);
                    if (!found || found->id != id) ++wrong;
                    if (step % 100 == offset) repository.update(id, [](Pass& row) { row.note += "."; });
                }
            });
        // Time passes while the others work, until the refresher has done some of it.
        while (tables.queries(QueryKind::load_many) < 20) {
            env.advance(1s);
            std::this_thread::yield();
        }
        stop(refresher);
        const std::size_t asked = tables.queries(QueryKind::load_many);
        env.advance(40s);
        for (std::int64_t id = 1; id <= rows; ++id) CHECK(repository.find(id));
        done = true;
        for (auto& thread : threads) thread.join();
        CHECK(tables.queries(QueryKind::load_many) == asked);
        CHECK(wrong == 0);
    };
    SUBCASE("async_stop") { once([](auto& refresher) { refresher->async_stop(boost::asio::use_future).get(); }); }
    SUBCASE("stop, and then what was under way") {
        once([](auto& refresher) {
            refresher->stop();
            refresher->async_stop(boost::asio::use_future).get();
        });
    }
    SUBCASE("destruction in a worker's way") {
        once([&](auto& refresher) {
            refresher.reset();
            queries.join(); // what was under way ends
        });
    }
}
