// SPDX-License-Identifier: BSL-1.0
#include "world.hpp"

#include <doctest/doctest.h>

#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <type_traits>

using namespace session_tests;
using larder::Absence;
using larder::errc;
using larder::Level;
using larder::QueryKind;
using larder::Session;

namespace {

std::uint64_t looked_up(const larder::MetricsSnapshot& counted, std::uint64_t larder::RecordsAndAliases<std::uint64_t>::*which) {
    std::uint64_t sum = 0;
    for (const auto& outcome : counted.lookups[Level::memory].values) sum += outcome.*which;
    return sum;
}

std::uint64_t aliases(const larder::MetricsSnapshot& counted) { return looked_up(counted, &larder::RecordsAndAliases<std::uint64_t>::aliases); }
std::uint64_t records(const larder::MetricsSnapshot& counted) { return looked_up(counted, &larder::RecordsAndAliases<std::uint64_t>::records); }

/// The queries of a request that knows no session by its caches.
template <class Policy>
constexpr std::uint64_t cold_queries() {
    // The first row of a group is marked with the group's epoch, which must have been read before the row.
    return std::is_same_v<Policy, ByEpoch> ? 3 : 1;
}

/// The queries of a request whose session is in the caches.
template <class Policy>
constexpr std::uint64_t warm_queries() {
    return Policy::guarantee.current_reads ? 1 : 0;
}

} // namespace

TEST_CASE_TEMPLATE("a session is found by each of its keys, with its user", W, SOME_SESSION_WORLDS) {
    W world;
    const auto ann = world.add_user("ann");
    const auto login = world.sessions.insert(world.session(ann, "a"));
    REQUIRE(login);
    CHECK(login.effective());
    CHECK(login.version() == 1);
    for (int round = 0; round < 2; ++round) {
        const auto by_id = world.sessions.find(login.key());
        REQUIRE(by_id);
        CHECK(by_id->user.username == "ann");
        CHECK(by_id->user.email == "ann@example.org");
        CHECK(by_id->ip_address == "192.0.2.1");
        CHECK(by_id->user_agent == "test");
        CHECK(*world.by_jti("a") == *by_id);
        CHECK(*world.by_token("a") == *by_id);
    }
    const auto all = world.sessions.template find_all_by<&Session::user_id>(ann);
    REQUIRE(all.size() == 1);
    CHECK(all[0]->id == login.key());
    CHECK(world.by_jti("b").absence() == Absence::never_was);
    CHECK(world.by_token("b").absence() == Absence::never_was);
}

TEST_CASE_TEMPLATE("a session that repeats a key, or has no user, is not begun", W, SOME_SESSION_WORLDS) {
    W world;
    const auto ann = world.add_user("ann");
    REQUIRE(world.sessions.insert(world.session(ann, "a")));
    auto same_token = world.session(ann, "b");
    same_token.refresh_token = world.hash("refresh a");
    const auto refused = world.sessions.insert(same_token);
    CHECK(refused.error() == errc::duplicate_key);
    CHECK(refused.error().text.find("refresh_token") != std::string::npos);
    CHECK(world.by_jti("b").absence() == Absence::never_was);

    CHECK(world.sessions.insert(world.session(ann + 1, "c")).error() == errc::missing_relation);
    CHECK(world.by_jti("c").absence() == Absence::never_was);
}

TEST_CASE_TEMPLATE("a session is not valid for longer than its refresh token", W, SOME_SESSION_WORLDS) {
    W world;
    const auto login = world.sessions.insert(world.session(world.add_user("ann"), "a"));
    world.environment.advance(24h - 1s);
    CHECK(world.by_jti("a"));
    world.environment.advance(1s);
    CHECK(world.by_jti("a").absence() == Absence::expired);
    CHECK(world.sessions.find(login.key()).absence() == Absence::expired);
}

TEST_CASE_TEMPLATE("refresh token, then jti, then id in one request: one look-up of a key, one query at the most", W, SOME_SESSION_WORLDS) {
    using Policy = typename W::Policy;
    W world;
    const auto ann = world.add_user("ann");
    // Logged in at another server, so that these caches know nothing yet.
    typename W::Sessions elsewhere{{{}, world.place.tables}, world.options, {}, world.environment};
    const auto login = elsewhere.insert(world.session(ann, "a"));

    const auto request = [&] {
        auto scope = world.sessions.scope();
        const auto by_token = scope.template find_by<&Session::refresh_token>(world.hash("refresh a"));
        REQUIRE(by_token);
        const auto after_first_key = world.count([&] {
            CHECK(scope.template find_by<&Session::jti>("jti a")->id == login.key());
            CHECK(scope.find(login.key())->jti == "jti a");
        });
        CHECK(aliases(after_first_key) + records(after_first_key) == 0);
        CHECK(after_first_key.database_queries() == 0);
    };

    const auto cold = world.count(request);
    CHECK(cold.database_queries() == cold_queries<Policy>());
    const auto warm = world.count(request);
    CHECK(warm.database_queries() == warm_queries<Policy>());
    constexpr bool reads_epoch = std::is_same_v<Policy, ByEpoch>;
    CHECK(aliases(warm) == (reads_epoch ? 2 : 1));
    CHECK(records(warm) == (Policy::caches_rows ? 1 : 0));
}

TEST_CASE_TEMPLATE("whether a session is valid can be told from its warm fields", W, SOME_SESSION_WORLDS) {
    W world;
    const auto ann = world.add_user("ann");
    const auto login = world.sessions.insert(world.session(ann, "a"));
    const auto warm = world.sessions.template find_warm_by<&Session::jti>("jti a");
    REQUIRE(warm);
    CHECK(warm.template get<&Session::user_id>() == ann);
    CHECK(warm.template get<&Session::access_expires_at>() == world.now() + 15min);
    CHECK(warm.template get<&Session::last_seen_at>() == world.now());
    REQUIRE(world.sessions.revoke(login.key(), because(larder::EndReason::replaced)));
    CHECK(world.sessions.template find_warm_by<&Session::jti>("jti a").absence() == Absence::revoked);
}

TEST_CASE("a session's verbs have asynchronous forms") {
    boost::asio::thread_pool pool(1);
    larder::SqliteOptions options;
    options.executor = pool.get_executor();
    World<larder::WriteThrough, InSqlite> world{InSqlite(":memory:", options)};
    const auto ann = world.add_user("ann");
    using boost::asio::use_future;

    const auto login = world.sessions.async_insert(world.session(ann, "a"), use_future).get();
    CHECK(world.sessions.async_update(login.key(), [](Session& session) { session.jti = "jti b"; }, use_future).get());
    const auto found = world.by_jti("b");
    REQUIRE(found);
    CHECK(!world.sessions.async_touch(found, use_future).get().changed());
    world.environment.advance(2min);
    CHECK(world.sessions.async_touch(found, use_future).get().changed());
    CHECK(world.sessions.async_revoke(login.key(), because(larder::EndReason::token_reused), larder::Effect::required, use_future).get().effective());
    CHECK(world.by_jti("b").row()->revoked_why == larder::EndReason::token_reused);
    REQUIRE(world.sessions.insert(world.session(ann, "d")));
    CHECK(world.sessions.async_revoke_all_by<&Session::user_id>(ann, because(larder::EndReason::logged_out_everywhere), use_future).get().rows() == 1);
}
