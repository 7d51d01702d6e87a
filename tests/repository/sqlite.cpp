// SPDX-License-Identifier: BSL-1.0
#include "world.hpp"

#include <larder/database/sqlite.hpp>
#include <larder/database/sqlite_schema.hpp>
#include <larder/repository/assignments.hpp>

#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <future>
#include <string>
#include <utility>
#include <vector>

using namespace repository_tests;

namespace {

using Passes = CachedRepository<Pass, Stack<MemoryCache, SqliteDatabase>, WriteThrough, ManualEnvironment>;

/// Calls verbs in their blocking form.
struct Blocking {
    Passes& passes;

    auto find(std::int64_t id, const Read& how = {}) { return passes.find(id, how); }
    auto find_by(const std::string& code) { return passes.find_by<&Pass::code>(code); }
    auto find_warm(std::int64_t id) { return passes.find_warm(id); }
    auto find_warm_by(const std::string& code) { return passes.find_warm_by<&Pass::code>(code); }
    auto peek(std::int64_t id) { return passes.peek(id); }
    auto find_many(const std::vector<std::int64_t>& keys) { return passes.find_many(keys); }
    auto find_all_by(std::int64_t holder) { return passes.find_all_by<&Pass::holder_id>(holder); }
    auto insert(Pass row) { return passes.insert(std::move(row)); }
    template <class Change>
    auto update(std::int64_t id, Change change) { return passes.update(id, std::move(change)); }
    auto save(Pass row) { return passes.save(std::move(row)); }
    auto erase(std::int64_t id) { return passes.erase(id); }
    auto revoke(std::int64_t id) { return passes.revoke(id); }
    auto revoke_also(std::int64_t id, const std::string& note) { return passes.revoke(id, set<&Pass::note>(note)); }
    auto revoke_all_by(std::int64_t holder) { return passes.revoke_all_by<&Pass::holder_id>(holder, Assignments<>()); }
    auto touch(std::int64_t id) { return passes.touch(id); }
    auto touch_found(const Found<Pass>& found) { return passes.touch(found); }
    auto wait_effective(const Written<Pass>& written) { return passes.wait_effective(written); }
    auto expel(std::int64_t id) { return passes.expel(id); }
    auto expire(std::int64_t id) { return passes.expire(id); }
    auto refresh(std::int64_t id) { return passes.refresh(id); }
    auto warm(const std::vector<std::int64_t>& keys) { return passes.warm(keys); }
    auto warm_by(std::int64_t holder) { return passes.warm_by<&Pass::holder_id>(holder); }
};

/// Calls verbs in their asynchronous form and waits for them.
struct Callbacks {
    Passes& passes;

    static auto answered(auto operation) {
        // A failure is an exception to a future; the result says it, too.
        std::promise<std::decay_t<decltype(std::declval<decltype(operation(boost::asio::use_future))>().get())>> promise;
        auto future = promise.get_future();
        operation([&](const Error& failure, auto result) {
            if (failure.code != result.error().code) result = decltype(result)(Error{errc::database_failure, "the token was given another failure than the result"});
            promise.set_value(std::move(result));
        });
        return future.get();
    }

    auto find(std::int64_t id, const Read& how = {}) { return answered([&](auto&& token) { return passes.async_find(id, how, token); }); }
    auto find_by(const std::string& code) { return answered([&](auto&& token) { return passes.async_find_by<&Pass::code>(code, Read{}, token); }); }
    auto find_warm(std::int64_t id) { return answered([&](auto&& token) { return passes.async_find_warm(id, Read{}, token); }); }
    auto find_warm_by(const std::string& code) { return answered([&](auto&& token) { return passes.async_find_warm_by<&Pass::code>(code, Read{}, token); }); }
    auto peek(std::int64_t id) { return answered([&](auto&& token) { return passes.async_peek(id, token); }); }
    auto find_many(const std::vector<std::int64_t>& keys) { return answered([&](auto&& token) { return passes.async_find_many(keys, Read{}, token); }); }
    auto find_all_by(std::int64_t holder) { return answered([&](auto&& token) { return passes.async_find_all_by<&Pass::holder_id>(holder, Read{}, token); }); }
    auto insert(Pass row) { return answered([&](auto&& token) { return passes.async_insert(row, token); }); }
    template <class Change>
    auto update(std::int64_t id, Change change) { return answered([&](auto&& token) { return passes.async_update(id, change, token); }); }
    auto save(Pass row) { return answered([&](auto&& token) { return passes.async_save(row, token); }); }
    auto erase(std::int64_t id) { return answered([&](auto&& token) { return passes.async_erase(id, token); }); }
    auto revoke(std::int64_t id) { return answered([&](auto&& token) { return passes.async_revoke(id, Effect::may_be_pending, token); }); }
    auto revoke_also(std::int64_t id, const std::string& note) { return answered([&](auto&& token) { return passes.async_revoke(id, set<&Pass::note>(note), Effect::may_be_pending, token); }); }
    auto revoke_all_by(std::int64_t holder) { return answered([&](auto&& token) { return passes.async_revoke_all_by<&Pass::holder_id>(holder, Assignments<>(), token); }); }
    auto touch(std::int64_t id) { return answered([&](auto&& token) { return passes.async_touch(id, token); }); }
    auto touch_found(const Found<Pass>& found) { return answered([&](auto&& token) { return passes.async_touch(found, token); }); }
    auto wait_effective(const Written<Pass>& written) { return answered([&](auto&& token) { return passes.async_wait_effective(written, token); }); }
    auto expel(std::int64_t id) { return answered([&](auto&& token) { return passes.async_expel(id, token); }); }
    auto expire(std::int64_t id) { return answered([&](auto&& token) { return passes.async_expire(id, token); }); }
    auto refresh(std::int64_t id) { return answered([&](auto&& token) { return passes.async_refresh(id, token); }); }
    auto warm(const std::vector<std::int64_t>& keys) { return answered([&](auto&& token) { return passes.async_warm(keys, {}, token); }); }
    auto warm_by(std::int64_t holder) { return answered([&](auto&& token) { return passes.async_warm_by<&Pass::holder_id>(holder, {}, token); }); }
};

/// One verb after the other, each with what it must answer.
template <class Verbs>
void check_every_verb() {
    boost::asio::thread_pool pool(2);
    const SqliteFile file(":memory:", {.executor = pool.get_executor()});
    REQUIRE(create_tables<Holder, Pass>(file).has_value());
    ManualEnvironment environment;
    Passes passes({{}, file}, {.jitter = 0, .sole_writer = true}, {}, environment);
    Verbs verbs{passes};
    const auto holder = SqliteDatabase<Holder>(file).insert({.id = 0, .name = "holder", .motto = std::nullopt, .version = 0}).value().id;
    const auto row = [&](int number) {
        Pass made;
        made.holder_id = holder;
        made.code = "code " + std::to_string(number);
        made.note = "first";
        made.expires_at = std::chrono::time_point_cast<TimePoint::duration>(environment.wall_now() + std::chrono::hours(1000));
        return made;
    };
    const auto id = verbs.insert(row(1)).or_throw().key();
    CHECK(verbs.insert(row(1)).error() == errc::duplicate_key);
    CHECK(verbs.find(id)->holder.name == "holder");
    CHECK(verbs.find(id).source() == Level::memory);
    CHECK(verbs.find(id, truth).source() == Level::database);
    CHECK(verbs.find_by("code 1")->id == id);
    CHECK(!verbs.find_by("none"));
    CHECK(verbs.find_warm(id).template get<&Pass::holder_id>() == holder);
    CHECK(verbs.find_warm_by("code 1").template get<&Pass::id>() == id);
    CHECK(verbs.peek(id)->note == "first");
    CHECK(verbs.update(id, [](Pass& pass) { pass.note = "second"; }).version() == 2);
    Pass saved = *verbs.find(id);
    CHECK(saved.note == "second");
    saved.note = "third";
    CHECK(verbs.save(saved));
    CHECK(verbs.save(saved).error() == errc::version_conflict);
    CHECK(verbs.touch(id).changed());
    CHECK(!verbs.touch(id).changed());
    CHECK(!verbs.touch_found(verbs.find(id)).changed());
    environment.advance(2min);
    CHECK(verbs.touch_found(verbs.find(id)).changed());
    CHECK(verbs.find(id).version() == 3);
    const auto two = verbs.insert(row(2)).or_throw();
    CHECK(verbs.wait_effective(two));
    const std::vector<std::int64_t> keys{two.key(), 999, id};
    const auto many = verbs.find_many(keys);
    CHECK((many[0] && !many[1] && many[2]));
    CHECK(many[2]->note == "third");
    CHECK(verbs.find_all_by(holder).size() == 2);
    CHECK(verbs.expel(id));
    CHECK(verbs.peek(id).absence() == Absence::not_cached);
    CHECK(verbs.warm(keys).cached == 2);
    CHECK(verbs.peek(id));
    CHECK(verbs.expire(id));
    CHECK(verbs.peek(id).absence() == Absence::not_cached);
    CHECK(verbs.warm_by(holder).cached == 2);
    CHECK(verbs.refresh(id)->note == "third");
    CHECK(verbs.revoke_also(id, "stolen").changed());
    CHECK(verbs.find(id).absence() == Absence::revoked);
    CHECK(verbs.find(id).row()->note == "stolen");
    CHECK(!verbs.revoke(id).changed());
    CHECK(verbs.update(id, [](Pass&) {}).error() == errc::revoked);
    CHECK(verbs.revoke_all_by(holder).rows() == 1);
    CHECK(verbs.find_by("code 2").absence() == Absence::revoked);
    CHECK(verbs.erase(id));
    CHECK(verbs.find(id).absence() == Absence::never_was);
    CHECK(verbs.erase(id).error() == errc::no_such_row);
    passes.shutdown();
    CHECK(verbs.find(id).error() == errc::stopped);
}

} // namespace

TEST_CASE("every verb over SQLite, blocking") { check_every_verb<Blocking>(); }
TEST_CASE("every verb over SQLite, asynchronous") { check_every_verb<Callbacks>(); }

TEST_CASE("over a blocking database without an executor an asynchronous verb says so, and leaves nothing behind") {
    const SqliteFile file(":memory:");
    REQUIRE(create_tables<Holder, Pass>(file).has_value());
    ManualEnvironment environment;
    Passes passes({{}, file}, {.sole_writer = true}, {}, environment);
    Callbacks verbs{passes};
    CHECK(verbs.find(1).error() == errc::no_executor);
    CHECK(verbs.find_by("code").error() == errc::no_executor);
    CHECK(verbs.insert(Pass()).error() == errc::no_executor);
    CHECK(verbs.find_many({1, 2}).error() == errc::no_executor);
    auto& tier = passes.core()->authority;
    CHECK(tier.lookup<0>(1, Demand{}).lease != 0);
    CHECK(tier.lookup<space_of_v<Pass, &Pass::code>>("code", Demand{}).lease != 0);
    CHECK(tier.lookup<space_of_v<Pass, &Pass::code>>("", Demand{}).lease != 0);
    CHECK(passes.find(5).absence() == Absence::never_was);
}
