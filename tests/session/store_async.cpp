// SPDX-License-Identifier: BSL-1.0
#include "store_world.hpp"

#include <doctest/doctest.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <string>

using namespace session_tests;
using larder::Effect;
using larder::EndReason;
using larder::SessionState;

TEST_CASE("each operation has an asynchronous form") {
    boost::asio::thread_pool pool(1);
    larder::SqliteOptions options;
    options.executor = pool.get_executor();
    World<larder::WriteThrough, InSqlite> world{InSqlite(":memory:", options)};
    larder::SessionStore store(world.sessions, {session_key(1)}, Bytes(), {});
    const auto ann = world.add_user("ann");
    using boost::asio::use_future;

    const auto login = store.async_login({.user_id = ann}, use_future).get();
    CHECK(store.async_authenticate(login.secrets().access.reveal(), use_future).get());
    CHECK(store.async_authenticate(login.handle(), use_future).get().user_id() == ann);
    const auto rotated = store.async_rotate(login.secrets().refresh.reveal(), use_future).get();
    CHECK(rotated);
    const auto elevated = store.async_elevate(rotated.handle(), "data", use_future).get();
    CHECK(elevated);
    CHECK(store.async_list(ann, use_future).get().size() == 1);
    CHECK(store.async_rotate(login.secrets().refresh.reveal(), use_future).get().state() == SessionState::reused);

    const auto begin = [&] { return store.async_login({.user_id = ann}, use_future).get().handle(); };
    CHECK(store.async_revoke(begin(), EndReason::logged_out, Effect::required, use_future).get().count() == 1);
    const auto own = begin();
    CHECK(store.async_revoke(ann + 1, own, EndReason::logged_out, Effect::required, use_future).get().count() == 0);
    CHECK(store.async_revoke(ann, own, EndReason::logged_out, Effect::required, use_future).get().count() == 1);
    begin();
    // A moment may be finer than those of the rows, or coarser.
    CHECK(store.revoke_before(ann, larder::WallTime(world.now())).count() == 0);
    CHECK(store.revoke_before(ann, std::chrono::floor<std::chrono::days>(world.now())).count() == 0);
    CHECK(store.revoke_before(ann, larder::WallTime(world.now()) + 1us).count() == 1);
    begin();
    const auto kept = begin();
    CHECK(store.async_revoke_others(ann, kept, EndReason::logged_out, Effect::may_be_pending, use_future).get().count() == 1);
    CHECK(store.async_revoke_before(ann, world.now() + 1s, EndReason::logged_out, Effect::may_be_pending, use_future).get().count() == 1);
    CHECK(store.async_revoke_family(begin(), EndReason::logged_out, Effect::may_be_pending, use_future).get().count() == 1);
    begin();
    CHECK(store.async_revoke_all(ann, EndReason::logged_out, Effect::may_be_pending, use_future).get().count() == 1);

    begin();
    CHECK(store.async_revoke_before(world.now() + 1s, EndReason::administrator, Effect::required, use_future).get().count() == 1);
    begin();
    world.environment.advance(24h);
    const auto reaped = store.async_expire(10, use_future).get();
    CHECK(reaped.expired == 1);
    CHECK(reaped.erased > 0);

    // The arguments need not outlive the call.
    const auto in_coroutine = [&]() -> boost::asio::awaitable<bool> {
        larder::Login order{.user_id = ann};
        const auto granted = co_await store.async_login(order, boost::asio::use_awaitable);
        auto authenticating = [&] {
            const std::string access(granted.secrets().access.reveal());
            return store.async_authenticate(std::string_view(access));
        }();
        const auto who = co_await std::move(authenticating);
        co_return who.user_id() == ann;
    };
    boost::asio::io_context context;
    auto done = boost::asio::co_spawn(context, in_coroutine(), use_future);
    context.run();
    CHECK(done.get());
    pool.join();
}
