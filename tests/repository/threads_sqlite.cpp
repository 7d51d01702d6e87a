// SPDX-License-Identifier: BSL-1.0
#include "fixture.hpp"

#include <larder/database/sqlite.hpp>
#include <larder/database/sqlite_schema.hpp>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <doctest/doctest.h>

#include <latch>
#include <string>
#include <thread>

using namespace larder_tests;
namespace asio = boost::asio;

namespace {

using SqlitePasses = CachedRepository<Pass, Stack<MemoryCache, SqliteDatabase>, WriteThrough, ManualEnvironment>;
using SqliteHolders = CachedRepository<Holder, Stack<MemoryCache, SqliteDatabase>, WriteThrough, ManualEnvironment>;

/// A pass in a SQLite database in memory.
std::int64_t prepare(const SqliteFile& file, const ManualEnvironment& env) {
    REQUIRE(create_tables<Holder, Pass>(file).has_value());
    SqliteHolders holders({{}, file}, Fixture::sole({}), {}, env);
    SqlitePasses passes({{}, file}, Fixture::sole({}), {}, env);
    Holder holder;
    holder.name = "ann";
    Pass pass;
    pass.holder_id = holders.insert(holder).or_throw().key();
    pass.code = "a";
    pass.expires_at = std::chrono::time_point_cast<std::chrono::milliseconds>(env.wall_now() + 24h);
    return passes.insert(pass).or_throw().key();
}

} // namespace

TEST_CASE("the asynchronous form runs SQLite on the pool that the caller owns, and the handler on the caller's executor") {
    asio::thread_pool pool(1);
    const SqliteFile file(":memory:", {.executor = pool.get_executor()});
    ManualEnvironment env;
    const auto id = prepare(file, env);
    SqlitePasses passes({{}, file}, Fixture::sole({}), {}, env);
    std::latch held(1);
    asio::post(pool, [&] { held.wait(); });
    asio::io_context context;
    std::thread::id handled_on;
    Found<Pass> answer;
    passes.async_find(id, Read{}, asio::bind_executor(context, [&](const Error&, const Found<Pass>& found) {
                          handled_on = std::this_thread::get_id();
                          answer = found;
                      }));
    context.poll();
    CHECK_FALSE(answer);
    held.count_down();
    context.run();
    REQUIRE(answer);
    CHECK(answer->holder.name == "ann");
    CHECK(handled_on == std::this_thread::get_id());
    pool.join();
}

TEST_CASE("the asynchronous form of a blocking database needs an executor, and says so") {
    const SqliteFile file(":memory:");
    ManualEnvironment env;
    const auto id = prepare(file, env);
    SqlitePasses passes({{}, file}, Fixture::sole({}), {}, env);
    asio::io_context context;
    auto future = passes.async_find(id, Read{}, asio::bind_executor(context, asio::use_future));
    context.run();
    try {
        future.get();
        FAIL("nothing was thrown");
    } catch (const Failure& failure) {
        CHECK(failure.error() == errc::no_executor);
    }
    CHECK(passes.find(id));
}

TEST_CASE("a refresh ahead runs in the background and replaces the copy") {
    asio::thread_pool pool(1);
    const SqliteFile file(":memory:", {.executor = pool.get_executor()});
    ManualEnvironment env;
    const auto id = prepare(file, env);
    auto options = Fixture::sole({.ttl = 100s, .refresh_ahead = 0.5});
    SqlitePasses passes({{}, file}, options, {}, env);
    REQUIRE(passes.find(id));
    env.advance(60s);
    CHECK(passes.find(id).source() == Level::memory);
    pool.join();
    const auto refreshed = passes.find(id);
    CHECK(refreshed.source() == Level::memory);
    CHECK(refreshed.age() == 0s);
}
