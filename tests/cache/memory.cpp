// SPDX-License-Identifier: BSL-1.0
#include <larder/cache/memory.hpp>
#include <larder/entity/hashed.hpp>
#include <larder/entity/schema.hpp>
#include <larder/testing/manual_environment.hpp>
#include <larder/testing/sample.hpp>

#include <boost/describe/class.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace cache_of_tokens {

/// A row whose key has a hash of which only a piece is used, so that keys can be made that collide.
struct Token {
    larder::Hashed<std::string> id{};
    larder::Hashed<std::string> twin{};
};
BOOST_DESCRIBE_STRUCT(Token, (), (id, twin))

} // namespace cache_of_tokens

template <>
struct larder::entity_traits<cache_of_tokens::Token>
    : larder::schema<"tokens", larder::primary<&cache_of_tokens::Token::id>, larder::unique<&cache_of_tokens::Token::twin>> {};

namespace {

using namespace larder;
using namespace std::chrono_literals;
using cache_of_tokens::Token;
using testing::EventLog;
using testing::ManualEnvironment;
using testing::Pass;
using testing::Reading;
using testing::sample_row;
using testing::Setting;

template <class Entity>
using Cache = MemoryCache<Entity, ManualEnvironment>;

static_assert(cache_tier<Cache<Pass>, Pass>);
static_assert(cache_tier<Cache<Reading>, Reading>);
static_assert(cache_tier<Cache<Setting>, Setting>);
static_assert(!cache_tier<Cache<Pass>, Setting>);

constexpr std::size_t code = space_of_v<Pass, &Pass::code>;
constexpr std::size_t holder = space_of_v<Pass, &Pass::holder_id>;

template <class Entity>
CachedRow<Entity> whole(const Entity& row) { return {std::make_shared<const Entity>(row), nullptr, 0}; }

template <std::size_t Space, class Entity, class Key>
FillOutcome fill(Cache<Entity>& cache, const Key& key, space_value_t<Entity, Space> value, Version version = 1, Lifetime lifetime = {.serve = 1h}) {
    const auto lease = cache.template lookup<Space>(key, Demand{.max_age = Duration(-1)}).lease;
    return cache.template fill<Space>(key, {.lease = lease, .version = version, .value = std::move(value), .age = {}, .lifetime = lifetime});
}

FillOutcome fill_row(Cache<Pass>& cache, std::int64_t number, Lifetime lifetime = {.serve = 1h}) {
    return fill<0>(cache, number, whole(sample_row<Pass>(number)), 1, lifetime);
}

bool has_row(Cache<Pass>& cache, std::int64_t number) { return cache.lookup<0>(number, Demand{.want_lease = false}).answer == Answer::hit; }

template <class Config>
std::string refusal(Config config) {
    ManualEnvironment env;
    try {
        Cache<Pass> cache(config, env);
    } catch (const Failure& failure) {
        CHECK(failure.error() == errc::invalid_options);
        return failure.error().text;
    }
    return "";
}

TEST_CASE("a bound that can hold nothing is refused, with the reason") {
    using Config = Cache<Pass>::Config;
    CHECK(refusal(Config{}).empty());
    CHECK(refusal(Config{.max_entries = 1, .shards = 1024}).empty());
    CHECK(refusal(Config{.max_entries = 0}) == "MemoryCache of passes: max_entries is 0; it must be at least 1");
    CHECK(refusal(Config{.max_bytes = 0}).find("max_bytes is 0; it must be at least") != std::string::npos);
    CHECK(refusal(Config{.max_bytes = 100}).find("passes: max_bytes is 100") != std::string::npos);
    CHECK(refusal(Config{.shards = 3}).find("shards is 3; it must be a power of two") != std::string::npos);
    CHECK(refusal(Config{.shards = std::size_t{1} << 20}).find("it must be at most") != std::string::npos);
}

/// Keys that differ, with the same hash.
Hashed<std::string> colliding(int number) {
    Hashed<std::string>::Digest digest{};
    digest.back() = static_cast<std::byte>(number);
    return Hashed<std::string>(digest);
}

TEST_CASE("keys with the same hash are told apart, whichever way they are asked for") {
    constexpr std::size_t twin = space_of_v<Token, &Token::twin>;
    ManualEnvironment env;
    Cache<Token> cache({}, env);
    REQUIRE(hash_key(colliding(1)) == hash_key(colliding(2)));
    const std::uint64_t hash = hash_key(colliding(1));
    const auto hits = [&](int number) {
        const auto now = env.now();
        const auto key = colliding(number);
        const auto of = [&](const WholeRow<Token>& found) { return !found.row ? 0 : found.row->id == key ? 1 : -1; };
        Lookup<CachedRow<Token>> by_key, by_twin;
        static_cast<void>(cache.hit<0>(key, hash, 0, Duration::max(), now, by_key));
        static_cast<void>(cache.hit_by<twin>(key, hash, 0, Duration::max(), now, by_twin));
        return std::vector<int>{of(cache.whole_hit(key, hash, 0, Duration::max(), now)), of(cache.whole_hit_by<twin>(key, hash, 0, Duration::max(), now)),
                                of({by_key.value.full}), of({by_twin.value.full})};
    };
    using Hits = std::vector<int>;
    CHECK(hits(1) == Hits{0, 0, 0, 0});
    CHECK(fill<0>(cache, colliding(1), whole(Token{colliding(1), colliding(1)})) == FillOutcome::stored);
    CHECK(fill<twin>(cache, colliding(1), std::optional(colliding(1))) == FillOutcome::stored);
    CHECK(hits(1) == Hits{1, 1, 1, 1});
    CHECK(hits(2) == Hits{0, 0, 0, 0});
    CHECK(cache.lookup<0>(colliding(2), Demand{.want_lease = false}).answer == Answer::miss);
    CHECK(fill<0>(cache, colliding(2), whole(Token{colliding(2), colliding(2)})) == FillOutcome::stored);
    CHECK(fill<twin>(cache, colliding(2), std::optional(colliding(2))) == FillOutcome::stored);
    // By the hash alone one of two alternate keys is found; the other one takes the way of the exact key, and nobody the other's row.
    for (const int number : {1, 2}) {
        const auto found = hits(number);
        CHECK(std::none_of(found.begin(), found.end(), [](int one) { return one < 0; }));
        CHECK(found[0] == 1);
        CHECK(found[2] == 1);
        CHECK(found[3] == 1);
        CHECK(cache.lookup<0>(colliding(number), Demand{.want_lease = false}).value.full->id == colliding(number));
    }
    CHECK(hits(1)[1] + hits(2)[1] == 1);
}

TEST_CASE("a row is found under the key that it is kept under, also where it spells that otherwise") {
    ManualEnvironment env;
    Cache<testing::Setting> cache({}, env);
    const std::string name = "NAME";
    auto row = sample_row<testing::Setting>(1);
    row.name = "name";
    REQUIRE(fill<0>(cache, name, whole(row)) == FillOutcome::stored);
    REQUIRE(fill<space_of_v<testing::Setting, &testing::Setting::alias>>(cache, row.alias, std::optional(name)) == FillOutcome::stored);
    const auto found = cache.whole_hit(name, hash_key(name), 0, Duration::max(), env.now());
    REQUIRE(found.row);
    CHECK(found.row->name == "name");
    const auto followed =
        cache.whole_hit_by<space_of_v<testing::Setting, &testing::Setting::alias>>(row.alias, hash_key(row.alias), 0, Duration::max(), env.now());
    CHECK(followed.row == found.row);
    CHECK_FALSE(cache.whole_hit(row.name, hash_key(row.name), 0, Duration::max(), env.now()).row);
}

TEST_CASE("so many entries are held as were asked for, and no more") {
    for (const std::size_t shards : {0U, 1U, 8U, 64U})
        for (const std::size_t capacity : {1U, 2U, 3U, 10U, 100U}) {
            CAPTURE(shards);
            CAPTURE(capacity);
            ManualEnvironment env;
            Cache<Pass> cache({.max_entries = capacity, .shards = shards}, env);
            for (std::int64_t number = 1; number <= 300; ++number) {
                REQUIRE(fill_row(cache, number) == FillOutcome::stored);
                REQUIRE(has_row(cache, number));
                REQUIRE(cache.usage().entries == std::min(capacity, static_cast<std::size_t>(number)));
                const std::string text = sample_row<Pass>(number).code;
                REQUIRE(fill<code>(cache, text, number) == FillOutcome::stored);
                REQUIRE(cache.usage().aliases == std::min(capacity, static_cast<std::size_t>(number)));
            }
        }
}

TEST_CASE("keys that are only leased count as well") {
    ManualEnvironment env;
    Cache<Pass> cache({.max_entries = 10}, env);
    for (std::int64_t number = 1; number <= 10; ++number) fill_row(cache, number);
    const std::size_t full = cache.usage().bytes;
    for (std::int64_t number = 11; number <= 1000; ++number) REQUIRE(cache.lookup<0>(number, Demand{}).lease != 0);
    CHECK(cache.usage().bytes <= full);
}

TEST_CASE("bytes are held up to the bound and never beyond") {
    for (const std::size_t shards : {1U, 16U}) {
        CAPTURE(shards);
        ManualEnvironment env;
        constexpr std::size_t bound = 100'000;
        Cache<Pass> cache({.max_bytes = bound, .weigher = [](const Pass& pass) { return pass.note.size(); }, .shards = shards}, env);
        for (std::int64_t number = 1; number <= 500; ++number) {
            Pass row = sample_row<Pass>(number);
            row.note.assign(static_cast<std::size_t>(number * 7919 % 5000), 'x');
            REQUIRE(fill<0>(cache, number, whole(row)) == FillOutcome::stored);
            REQUIRE(has_row(cache, number));
            REQUIRE(fill<code>(cache, row.code, number) == FillOutcome::stored);
            REQUIRE(cache.usage().bytes <= bound);
        }
        CHECK(cache.usage().bytes > bound - 8000);
        Pass huge = sample_row<Pass>(1000);
        huge.note.assign(bound - 5000, 'x');
        CHECK(fill<0>(cache, huge.id, whole(huge)) == FillOutcome::stored);
        CHECK(has_row(cache, huge.id));
        CHECK(cache.usage().bytes <= bound);
        huge.note.assign(bound, 'x');
        CHECK(fill<0>(cache, huge.id, whole(huge), 2) == FillOutcome::refused);
        CHECK_FALSE(has_row(cache, huge.id));
    }
}

TEST_CASE("rows and their alternate keys share the bytes") {
    ManualEnvironment env;
    Cache<Pass> cache({.max_bytes = 200'000, .weigher = [](const Pass&) { return std::size_t{500}; }}, env);
    for (std::int64_t number = 1; number <= 2000; ++number) {
        fill_row(cache, number);
        fill<code>(cache, sample_row<Pass>(number).code, number);
    }
    const TierUsage usage = cache.usage();
    CHECK(usage.entries > 80);
    CHECK(usage.aliases > 80);
    CHECK(usage.aliases < usage.entries + 20);
    for (std::int64_t number = 2001; number <= 6000; ++number) fill<code>(cache, sample_row<Pass>(number).code, number);
    CHECK(cache.usage().entries > usage.entries / 2);
}

TEST_CASE("fenced records may exceed the bound, until they are published") {
    ManualEnvironment env;
    Cache<Pass> cache({.max_entries = 4}, env);
    KeySet<Pass> keys;
    std::vector<Publication<Pass>> publications;
    for (std::int64_t number = 1; number <= 20; ++number) {
        keys.add<0>(number);
        auto& publication = publications.emplace_back();
        publication.primary = number;
        publication.version = 1;
        publication.row = whole(sample_row<Pass>(number));
        publication.lifetime.serve = 1h;
        publication.owner = 7;
    }
    cache.fence(keys, 7, 1h);
    for (std::int64_t number = 1; number <= 20; ++number) CHECK(cache.lookup<0>(number, Demand{}).answer == Answer::bypass);
    cache.publish(std::span<const Publication<Pass>>(publications));
    CHECK(cache.usage().entries == 4);
}

TEST_CASE("the default weigher counts what a row and its embedded row own") {
    ManualEnvironment env;
    Cache<Pass> cache({}, env);
    const auto weight = [&](const Pass& row) {
        cache.clear();
        fill<0>(cache, row.id, whole(row));
        return cache.usage().bytes;
    };
    Pass row = sample_row<Pass>(1);
    const std::size_t light = weight(row);
    CHECK(light >= sizeof(Pass));
    row.note = std::string(1000, 'x');
    CHECK(weight(row) >= light + 1000);
    row.badge = std::string(1000, 'x');
    CHECK(weight(row) >= light + 2000);
    row.holder.name = std::string(1000, 'x');
    row.holder.motto = std::string(1000, 'x');
    CHECK(weight(row) >= light + 4000);
    CHECK(weight(row) < light + 4200);

    cache.clear();
    fill<code>(cache, std::string(1000, 'x'), 1);
    CHECK(cache.usage().bytes >= 1000);
}

TEST_CASE("a weigher that throws keeps the row out and is told of") {
    ManualEnvironment env;
    Cache<Pass> cache({.weigher = [](const Pass&) -> std::size_t { throw std::runtime_error("no scales"); }}, env);
    CHECK(fill_row(cache, 1) == FillOutcome::refused);
    CHECK_FALSE(has_row(cache, 1));
    const auto failures = env.observer().all<EventLog::HiddenFailure>();
    REQUIRE(failures.size() == 1);
    CHECK(failures[0].level == Level::memory);
    CHECK(failures[0].error == errc::exception_thrown);
    CHECK(failures[0].error.text == "the weigher of passes threw: no scales");
}

TEST_CASE("giving a lease back leaves the value and its weight") {
    ManualEnvironment env;
    Cache<Pass> cache({}, env);
    fill_row(cache, 1);
    const std::size_t bytes = cache.usage().bytes;
    const LeaseToken lease = cache.lookup<0>(1, Demand{.refresh = true}).lease;
    CHECK(cache.fill<0>(1, {.lease = lease}) == FillOutcome::stored);
    CHECK(cache.usage().bytes == bytes);
    CHECK(cache.expel_group<holder>(sample_row<Pass>(1).holder_id) == 1);
}

TEST_CASE("an epoch is its own version, whatever version it is filled with") {
    ManualEnvironment env;
    Cache<Pass> cache({}, env);
    CHECK(fill<holder>(cache, 1, 5, 0) == FillOutcome::stored);
    const auto found = cache.lookup<holder>(1, Demand{.min_version = 5});
    CHECK(found.answer == Answer::hit);
    CHECK(found.version == 5);
}

TEST_CASE("a publication of version 0 stores nothing of a row that has versions") {
    ManualEnvironment env;
    Cache<Pass> cache({}, env);
    const Pass row = sample_row<Pass>(1);
    KeySet<Pass> keys;
    keys.add_all_of(row);
    keys.add<holder>(row.holder_id);
    cache.fence(keys, 7, 1h);
    Publication<Pass> publication;
    publication.primary = row.id;
    publication.row = whole(row);
    publication.aliases.add_all_of(row);
    publication.epoch_keys = keys;
    publication.lifetime.serve = 1h;
    publication.owner = 7;
    cache.publish(std::span(&publication, 1));
    CHECK(cache.lookup<0>(row.id, Demand{}).answer == Answer::miss);
    CHECK(cache.lookup<code>(row.code, Demand{}).answer == Answer::miss);
    CHECK(cache.lookup<holder>(row.holder_id, Demand{}).answer == Answer::miss);
}

TEST_CASE("a published row that is too large makes no room for itself") {
    ManualEnvironment env;
    Cache<Pass> cache({.max_bytes = 100'000, .weigher = [](const Pass& pass) { return pass.note.size(); }}, env);
    for (std::int64_t number = 1; number <= 20; ++number) fill_row(cache, number);
    Publication<Pass> publication;
    publication.primary = 1;
    publication.version = 2;
    Pass row = sample_row<Pass>(1, 2);
    row.note.assign(100'000, 'x');
    publication.row = whole(row);
    publication.lifetime.serve = 1h;
    cache.publish(std::span(&publication, 1));
    CHECK_FALSE(has_row(cache, 1));
    CHECK(cache.usage().entries == 19);
}

TEST_CASE("evictions are told of, by cause") {
    ManualEnvironment env;
    const auto causes = [&] {
        std::size_t rows[eviction_cause_count]{};
        for (const auto& evicted : env.observer().all<event::Evicted>()) {
            CHECK(evicted.level == Level::memory);
            CHECK(evicted.bytes > 0);
            rows[static_cast<std::size_t>(evicted.cause)] += evicted.entries;
        }
        env.observer().clear();
        return std::vector(std::begin(rows), std::end(rows));
    };
    Cache<Pass> few({.max_entries = 10}, env);
    for (std::int64_t number = 1; number <= 25; ++number) fill_row(few, number);
    CHECK(causes() == std::vector<std::size_t>{15, 0, 0});
    env.advance(2h);
    for (std::int64_t number = 1; number <= 10; ++number) fill_row(few, number);
    CHECK(causes() == std::vector<std::size_t>{0, 0, 10});
    Cache<Pass> small({.max_bytes = 50'000, .weigher = [](const Pass&) { return std::size_t{5000}; }}, env);
    for (std::int64_t number = 1; number <= 25; ++number) fill_row(small, number);
    const std::size_t kept = small.usage().entries;
    CHECK(kept >= 5);
    CHECK(causes() == std::vector<std::size_t>{0, 25 - kept, 0});
    KeySet<Pass> keys;
    keys.add<0>(25);
    small.expel(keys);
    CHECK(causes() == std::vector<std::size_t>{0, 0, 0});
}

TEST_CASE("records that have ended are removed by later changes, a few at a time") {
    ManualEnvironment env;
    Cache<Pass> cache({.shards = 1}, env);
    for (std::int64_t number = 1; number <= 100; ++number) fill_row(cache, number, {.serve = 1s});
    for (std::int64_t number = 101; number <= 200; ++number) fill_row(cache, number, {.serve = 1s, .fallback = 1h});
    for (std::int64_t number = 201; number <= 300; ++number) static_cast<void>(cache.lookup<0>(number, Demand{.lease_for = 1s}));
    env.advance(2s);
    CHECK(cache.usage().entries == 200);
    std::size_t before = 200;
    for (int i = 0; i < 200; ++i) {
        static_cast<void>(cache.lookup<0>(1000, Demand{}));
        const std::size_t now = cache.usage().entries;
        CHECK(before - now <= 2);
        before = now;
    }
    CHECK(before == 100);
    env.advance(2h);
    for (int i = 0; i < 100; ++i) static_cast<void>(cache.lookup<0>(1000, Demand{}));
    CHECK(cache.usage().entries == 0);
}

TEST_CASE("a hit by view is what a lookup would answer") {
    ManualEnvironment env;
    Cache<Reading> cache({}, env);
    const Reading row = sample_row<Reading>(1, 5);
    fill<0>(cache, primary_key_of(row), whole(row), 5, {.serve = 10s, .fallback = {}, .refresh_after = 4s});
    const space_view_t<Reading> view(std::string_view("tenant"), row.station, row.number);
    Lookup<CachedRow<Reading>> out;
    const auto hit = [&](Version min_version, Duration max_age) { return cache.hit<0>(view, hash_key(view), min_version, max_age, env.now(), out); };
    env.advance(3s);
    REQUIRE(hit(0, Duration::max()));
    CHECK(*out.value.full == row);
    CHECK(out.answer == Answer::hit);
    CHECK(out.version == 5);
    CHECK(out.age == 3s);
    CHECK(out.remaining == 7s);
    CHECK_FALSE(out.refresh_due);
    CHECK(hit(5, 3s));
    CHECK_FALSE(hit(6, Duration::max()));
    CHECK(out.value.absent());
    CHECK(out.answer == Answer::miss);
    CHECK_FALSE(hit(0, 2s));
    env.advance(1s);
    CHECK(hit(0, Duration::max()));
    CHECK(out.refresh_due);
    env.advance(6s);
    CHECK_FALSE(hit(0, Duration::max()));

    fill<0>(cache, primary_key_of(row), whole(row), 5);
    KeySet<Reading> keys;
    keys.add<0>(primary_key_of(row));
    CHECK(hit(0, Duration::max()));
    cache.fence(keys, 7, 1h);
    CHECK_FALSE(hit(0, Duration::max()));
    const space_view_t<Reading> other(std::string_view("tenant"), row.station, row.number + 1);
    CHECK_FALSE(cache.hit<0>(other, hash_key(other), 0, Duration::max(), env.now(), out));
}

TEST_CASE("a hit of a whole row is what a lookup would answer, if that is one") {
    ManualEnvironment env;
    Cache<Pass> cache({}, env);
    const Pass row = sample_row<Pass>(1, 5);
    const auto hit = [&](Version min_version = 0, Duration max_age = Duration::max()) { return cache.whole_hit(1, hash_key(std::int64_t{1}), min_version, max_age, env.now()); };
    CHECK(hit().row == nullptr);
    CachedRow<Pass> stamped = whole(row);
    stamped.stamp = 77;
    fill<0>(cache, 1, stamped, 5, {.serve = 10s, .fallback = {}, .refresh_after = 4s});
    env.advance(3s);
    const auto found = hit(5, 3s);
    REQUIRE(found.row != nullptr);
    CHECK(*found.row == row);
    CHECK(found.stamp == 77);
    CHECK(found.version == 5);
    CHECK(found.age == 3s);
    CHECK(found.remaining == 7s);
    CHECK_FALSE(found.refresh_due);
    CHECK(hit(6).row == nullptr);
    CHECK(hit(0, 2s).row == nullptr);
    env.advance(1s);
    CHECK(hit().refresh_due);
    env.advance(6s);
    CHECK(hit().row == nullptr);

    fill<0>(cache, 1, whole(row), 5);
    CHECK(hit().row != nullptr);
    KeySet<Pass> keys;
    keys.add<0>(1);
    cache.fence(keys, 7, 1h);
    CHECK(hit().row == nullptr);
    fill<0>(cache, 2, {nullptr, std::make_shared<const WarmRow<Pass>>(sample_row<Pass>(2)), 0}, 1);
    fill<0>(cache, 3, {}, 0);
    Lookup<CachedRow<Pass>> out;
    for (const std::int64_t key : {2, 3}) {
        CHECK(cache.hit<0>(key, hash_key(key), 0, Duration::max(), env.now(), out));
        CHECK(cache.whole_hit(key, hash_key(key), 0, Duration::max(), env.now()).row == nullptr);
    }
}

TEST_CASE("a row that was hit stays as it was, whatever becomes of its record") {
    ManualEnvironment env;
    Cache<Pass> cache({.max_entries = 4}, env);
    const auto hit = [&] { return cache.whole_hit(1, hash_key(std::int64_t{1}), 0, Duration::max(), env.now()); };
    const auto outlives = [&](auto&& what_happens) {
        auto stored = whole(sample_row<Pass>(1, 5));
        const std::weak_ptr<const Pass> watched = stored.full;
        fill<0>(cache, 1, std::move(stored), 5);
        auto found = hit();
        REQUIRE(found.row != nullptr);
        what_happens();
        REQUIRE_FALSE(watched.expired());
        CHECK(*found.row == sample_row<Pass>(1, 5));
        CHECK(found.version == 5);
        CHECK(hit().row != found.row);
        found.row.reset();
        CHECK(watched.expired());
        cache.clear();
    };
    KeySet<Pass> keys;
    keys.add<0>(1);
    outlives([&] { cache.clear(); });
    outlives([&] { cache.expel(keys); });
    outlives([&] {
        for (std::int64_t number = 2; number <= 40; ++number)
            for (int times = 0; times < 3; ++times) {
                fill_row(cache, number);
                static_cast<void>(cache.lookup<0>(number, Demand{}));
            }
        CHECK(hit().row == nullptr);
    });
    outlives([&] {
        const auto lease = cache.lookup<0>(1, Demand{.refresh = true}).lease;
        REQUIRE(cache.fill<0>(1, {.lease = lease, .version = 6, .value = whole(sample_row<Pass>(1, 6)), .age = {}, .lifetime = {.serve = 1h}}) == FillOutcome::stored);
        const auto replaced = hit();
        CHECK(*replaced.row == sample_row<Pass>(1, 6));
        CHECK(replaced.version == 6);
    });
}

TEST_CASE("a whole row is followed to through an alternate key, and is under it") {
    ManualEnvironment env;
    Cache<Pass> cache({}, env);
    const Pass row = sample_row<Pass>(1, 5);
    const auto hit = [&](std::string_view text, Version min_version = 0) { return cache.whole_hit_by<code>(text, hash_key(text), min_version, Duration::max(), env.now()); };
    CHECK(hit(row.code).row == nullptr);
    fill<code>(cache, row.code, 1, 1);
    CHECK(hit(row.code).row == nullptr);
    fill<0>(cache, 1, whole(row), 5);
    REQUIRE(hit(row.code, 5).row != nullptr);
    CHECK(*hit(row.code).row == row);
    CHECK(hit(row.code).version == 5);
    CHECK(hit(row.code, 6).row == nullptr);

    const std::string former = "a code that the row had before";
    fill<code>(cache, former, 1, 1);
    CHECK(hit(former).row == nullptr);
    fill<code>(cache, "nobody's", std::nullopt, 0);
    CHECK(hit("nobody's").row == nullptr);
    env.disable(Guard::alias_verification);
    CHECK(hit(former).row != nullptr);
    CHECK(hit(row.code).row != nullptr);
}

TEST_CASE("a hit through an alternate key needs the key and the row") {
    ManualEnvironment env;
    Cache<Pass> cache({}, env);
    const Pass row = sample_row<Pass>(1, 5);
    Lookup<CachedRow<Pass>> out;
    const std::string_view text = row.code;
    const auto hit = [&](Version min_version = 0, Duration max_age = Duration::max()) {
        return cache.hit_by<code>(text, hash_key(text), min_version, max_age, env.now(), out);
    };
    CHECK_FALSE(hit());
    fill<code>(cache, row.code, 1, 1, {.serve = 10s});
    CHECK_FALSE(hit());
    env.advance(2s);
    fill<0>(cache, row.id, whole(row), 5, {.serve = 100s});
    REQUIRE(hit());
    CHECK(*out.value.full == row);
    CHECK(out.version == 5);
    CHECK(out.age == 0s);
    CHECK(hit(5, 0s));
    CHECK_FALSE(hit(6));
    env.advance(1s);
    CHECK_FALSE(hit(0, 0s));
    KeySet<Pass> keys;
    keys.add<0>(row.id);
    cache.expel(keys);
    CHECK_FALSE(hit());
    fill<0>(cache, row.id, whole(row), 5);
    CHECK(hit());
    env.advance(8s);
    CHECK_FALSE(hit());

    fill<code>(cache, row.code, std::nullopt, 0, {.serve = 10s});
    env.advance(1s);
    REQUIRE(hit());
    CHECK(out.value.absent());
    CHECK(out.answer == Answer::hit);
    CHECK(out.version == 0);
    CHECK(out.age == 1s);
    CHECK(out.remaining == 9s);
    CHECK_FALSE(hit(1));
    CHECK_FALSE(hit(0, 0s));
}

TEST_CASE("whole rows that were hit are due for refresh before they end, the first to end first") {
    ManualEnvironment env;
    Cache<Pass> cache({.shards = 4}, env);
    for (std::int64_t number = 1; number <= 400; ++number) fill_row(cache, number, {.serve = std::chrono::seconds(500 - number)});
    fill<0>(cache, 500, CachedRow<Pass>{nullptr, std::make_shared<const WarmRow<Pass>>(sample_row<Pass>(500)), 0}, 1, {.serve = 5s});
    fill<0>(cache, 501, CachedRow<Pass>{}, 0, {.serve = 5s});
    CHECK(cache.due_for_refresh(1h, 10).empty());
    for (std::int64_t number = 2; number <= 400; number += 2) CHECK(has_row(cache, number));
    CHECK(has_row(cache, 500));
    CHECK(has_row(cache, 501));
    CHECK(cache.due_for_refresh(50s, 100).empty());
    CHECK(cache.due_for_refresh(105s, 100) == std::vector<std::int64_t>{400, 398, 396});
    CHECK(cache.due_for_refresh(105s, 2) == std::vector<std::int64_t>{400, 398});
    CHECK(cache.due_for_refresh(1h, 1000).size() == 200);
    CHECK(cache.due_for_refresh(1h, 50).size() == 50);
    CHECK(cache.due_for_refresh(Duration::max(), 0).empty());
    fill_row(cache, 398, {.serve = 1s});
    CHECK(cache.due_for_refresh(105s, 100) == std::vector<std::int64_t>{400, 396});
    CHECK(has_row(cache, 398));
    CHECK(cache.due_for_refresh(105s, 100) == std::vector<std::int64_t>{398, 400, 396});
    env.advance(2s);
    CHECK(cache.due_for_refresh(105s, 100) == std::vector<std::int64_t>{400, 396, 394});
}

TEST_CASE("rows that end at the same moment are all due") {
    ManualEnvironment env;
    Cache<Pass> cache({}, env);
    for (std::int64_t number = 1; number <= 1000; ++number) {
        fill_row(cache, number, {.serve = 10s});
        CHECK(has_row(cache, number));
    }
    CHECK(cache.due_for_refresh(10s, 2000).size() == 1000);
    CHECK(cache.due_for_refresh(9s, 2000).empty());
}

TEST_CASE("a group's rows are expelled together, and no others") {
    ManualEnvironment env;
    Cache<Pass> cache({.shards = 4}, env);
    for (std::int64_t number = 1; number <= 1000; ++number) {
        Pass row = sample_row<Pass>(number);
        row.holder_id = number % 10;
        fill<0>(cache, number, number % 3 != 0 ? whole(row) : CachedRow<Pass>{nullptr, std::make_shared<const WarmRow<Pass>>(row), 0});
    }
    for (std::int64_t number = 1001; number <= 1100; ++number) fill<0>(cache, number, CachedRow<Pass>{}, 0);
    const LeaseToken lease = cache.lookup<0>(13, Demand{.refresh = true}).lease;
    CHECK(cache.expel_group<holder>(3) == 100);
    CHECK(cache.expel_group<holder>(3) == 0);
    CHECK(cache.expel_group<holder>(42) == 0);
    CHECK(cache.usage().entries == 1000);
    for (std::int64_t number = 1; number <= 1100; ++number) REQUIRE(has_row(cache, number) == (number > 1000 || number % 10 != 3));
    CHECK(cache.fill<0>(13, {.lease = lease, .version = 1, .value = whole(sample_row<Pass>(13)), .age = {}, .lifetime = {.serve = 1h}}) == FillOutcome::lost);
}

TEST_CASE("a row belongs to the groups of the value that is there now") {
    ManualEnvironment env;
    Cache<Reading> cache({}, env);
    constexpr std::size_t batch = space_of_v<Reading, &Reading::batch>;
    const auto in_batch = [](const std::string& name) { return std::tuple(std::string("tenant"), name); };
    Reading row = sample_row<Reading>(1);
    row.batch = "first";
    const auto key = primary_key_of(row);
    fill<0>(cache, key, whole(row));
    row.batch = "second";
    fill<0>(cache, key, whole(row), 2);
    CHECK(cache.expel_group<batch>(in_batch("first")) == 0);
    CHECK(cache.expel_group<batch>(in_batch("second")) == 1);
    row.batch.reset();
    fill<0>(cache, key, whole(row), 3);
    CHECK(cache.expel_group<batch>(in_batch("second")) == 0);
    CHECK(cache.usage().entries == 1);
    Publication<Reading> publication;
    publication.primary = key;
    publication.version = 4;
    row.batch = "third";
    publication.row = whole(row);
    publication.lifetime.serve = 1h;
    cache.publish(std::span(&publication, 1));
    CHECK(cache.expel_group<batch>(in_batch("third")) == 1);
}

TEST_CASE("what is dropped is destroyed without a lock held") {
    ManualEnvironment env;
    Cache<Pass> cache({.max_entries = 4}, env);
    std::size_t destroyed = 0;
    const auto watched = [&](std::int64_t number) {
        return CachedRow<Pass>{std::shared_ptr<const Pass>(new Pass(sample_row<Pass>(number)),
                                                           [&](const Pass* pass) {
                                                               static_cast<void>(cache.usage());
                                                               static_cast<void>(cache.lookup<0>(pass->id, Demand{}));
                                                               ++destroyed;
                                                               delete pass;
                                                           }),
                               nullptr, 0};
    };
    KeySet<Pass> keys;
    keys.add<0>(1);
    const auto drops = [&](const auto& act) {
        cache.clear();
        REQUIRE(fill<0>(cache, 1, watched(1), 1, {.serve = 1h}) == FillOutcome::stored);
        destroyed = 0;
        act();
        CHECK(destroyed == 1);
    };
    drops([&] { fill_row(cache, 1); });
    drops([&] { cache.expel(keys); });
    drops([&] { cache.expire(keys); });
    drops([&] { cache.fence(keys, 7, 1s); });
    drops([&] { cache.clear(); });
    drops([&] { cache.expel_group<holder>(sample_row<Pass>(1).holder_id); });
    drops([&] {
        Publication<Pass> publication;
        publication.primary = 1;
        publication.version = 2;
        cache.publish(std::span(&publication, 1));
    });
    drops([&] {
        for (std::int64_t number = 2; number <= 20; ++number) fill_row(cache, number);
    });
    drops([&] {
        env.advance(2h);
        static_cast<void>(cache.lookup<0>(2, Demand{}));
        static_cast<void>(cache.lookup<0>(3, Demand{}));
    });
    drops([&] {
        Lookup<CachedRow<Pass>> out;
        REQUIRE(cache.hit<0>(1, hash_key(std::int64_t{1}), 0, Duration::max(), env.now(), out));
        cache.expel(keys);
        CHECK(destroyed == 0);
        CHECK_FALSE(cache.hit<0>(1, hash_key(std::int64_t{1}), 0, Duration::max(), env.now(), out));
    });
}

TEST_CASE("the weigher runs without a lock held") {
    ManualEnvironment env;
    Cache<Pass>* self = nullptr;
    Cache<Pass> cache({.weigher = [&](const Pass&) { return self->usage().bytes * 0 + 100; }}, env);
    self = &cache;
    CHECK(fill_row(cache, 1) == FillOutcome::stored);
    Publication<Pass> publication;
    publication.primary = 1;
    publication.version = 2;
    publication.row = whole(sample_row<Pass>(1, 2));
    publication.lifetime.serve = 1h;
    cache.publish(std::span(&publication, 1));
    CHECK(cache.lookup<0>(1, Demand{}).version == 2);
}

TEST_CASE("a hit by view counts as an access and as a visit") {
    ManualEnvironment env;
    Cache<Pass> cache({.max_entries = 10}, env);
    const std::string text = sample_row<Pass>(2).code;
    fill_row(cache, 1);
    fill_row(cache, 2);
    fill<code>(cache, text, 2);
    Lookup<CachedRow<Pass>> out;
    const auto hit_both = [&] {
        return cache.hit<0>(1, hash_key(std::int64_t{1}), 0, Duration::max(), env.now(), out) && cache.hit_by<code>(text, hash_key(text), 0, Duration::max(), env.now(), out);
    };
    CHECK(cache.due_for_refresh(2h, 10).empty());
    CHECK(hit_both());
    CHECK(cache.due_for_refresh(2h, 10).size() == 2);
    for (std::int64_t number = 3; number <= 100; ++number) {
        fill_row(cache, number);
        fill<code>(cache, sample_row<Pass>(number).code, number);
        REQUIRE(hit_both());
    }
}

TEST_CASE("a record that lost its row weighs no more than itself") {
    ManualEnvironment env;
    Cache<Pass> cache({.weigher = [](const Pass&) { return std::size_t{10'000}; }}, env);
    Publication<Pass> publication;
    publication.primary = 1;
    publication.version = 5;
    cache.publish(std::span(&publication, 1)); // a floor, so that the record stays
    const std::size_t floor_alone = cache.usage().bytes;
    CHECK(floor_alone > 0);
    CHECK(fill<0>(cache, 1, whole(sample_row<Pass>(1, 5)), 5) == FillOutcome::stored);
    CHECK(cache.usage().bytes == floor_alone + 10'000);
    KeySet<Pass> keys;
    keys.add<0>(1);
    cache.expel(keys);
    CHECK(cache.usage().bytes == floor_alone);
}

TEST_CASE("what is hit again and again outlives a scan") {
    ManualEnvironment env;
    Cache<Pass> cache({.max_entries = 100}, env);
    for (std::int64_t number = 1; number <= 50; ++number) fill_row(cache, number);
    for (std::int64_t number = 1000; number < 3000; ++number) {
        for (std::int64_t hot = 1; hot <= 50; ++hot) REQUIRE(has_row(cache, hot));
        fill_row(cache, number);
    }
}

} // namespace
