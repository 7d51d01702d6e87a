// SPDX-License-Identifier: BSL-1.0
#include "worlds.hpp"

#include <larder/database/memory.hpp>
#include <larder/testing/database_sample.hpp>
#include <larder/testing/sample.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <new>
#include <optional>
#include <string>
#include <vector>

using namespace larder_tests;
using larder::testing::Coupon;
using larder::testing::Crate;
using larder::testing::Holder;
using larder::testing::Pass;

namespace {

using Passes = MemoryDatabase<Pass>;
constexpr auto of_holder = space_of_v<Pass, &Pass::holder_id>;

/// A number for whose copies there may be no memory.
struct Heavy {
    std::int64_t number = 0;

    Heavy() = default;
    Heavy(std::int64_t value) noexcept : number(value) {} // NOLINT: as a number
    Heavy(const Heavy& other) : number(other.number) { count(); }
    Heavy& operator=(const Heavy& other) {
        count();
        number = other.number;
        return *this;
    }

    /// How many more copies there is memory for; negative: for all. After the one that fails there is again.
    static inline int left = -1;
    static void count() {
        if (left >= 0 && left-- == 0) throw std::bad_alloc();
    }
};
struct Load {
    std::int64_t id = 0;
    std::int64_t cart = 0;
    Heavy weight;
    std::optional<TimePoint> revoked_at;
    std::uint64_t version = 0;
};
BOOST_DESCRIBE_STRUCT(Load, (), (id, cart, weight, revoked_at, version))

} // namespace

template <>
struct larder::value_traits<Heavy> {
    static constexpr Storage storage = Storage::integer;
    using Stored = std::int64_t;
    using View = std::int64_t;
    static Stored to(const Heavy& value) noexcept { return value.number; }
    static bool from(Stored stored, Heavy& value) noexcept {
        value.number = stored;
        return true;
    }
    static std::size_t heap(const Heavy&) noexcept { return 0; }
};
template <>
struct larder::entity_traits<Load>
    : larder::schema<"loads", larder::primary<&Load::id>, larder::group<&Load::cart>, larder::version<&Load::version>, larder::revoked<&Load::revoked_at>, larder::reusable> {};

static_assert(database<Passes, Pass>);
static_assert(loads_by<Passes, Pass, space_of_v<Pass, &Pass::code>>);
static_assert(!loads_by<Passes, Pass, of_holder>);
static_assert(lists_groups<Passes, Pass, of_holder>);
static_assert(!lists_groups<Passes, Pass, 0>);
static_assert(probes_versions<Passes, Pass>);
static_assert(!probes_versions<MemoryDatabase<larder::testing::Setting>, larder::testing::Setting>);
static_assert(keeps_epochs<Passes, Pass, of_holder>);
static_assert(revokes_groups<Passes, Pass, of_holder>);
static_assert(touches_rows<Passes, Pass>);
static_assert(!touches_rows<MemoryDatabase<Coupon>, Coupon>);
static_assert(lists_parents<Passes, Pass, &Pass::holder>);
static_assert(tells_time<Passes>);
static_assert(!database<Passes, Coupon>);
static_assert(!database<int, Coupon>);

TEST_CASE("databases of one store see each other's rows, those of another do not") {
    const MemoryTables tables;
    MemoryDatabase<Coupon> first(tables), second(tables), other;
    REQUIRE(succeeds(first.insert({"a", 1, 0})));
    CHECK(second.load("a", ReadMode::plain)->has_value());
    CHECK(!other.load("a", ReadMode::plain)->has_value());
}

TEST_CASE("a row that others refer to is not removed") {
    const MemoryTables tables;
    MemoryDatabase<Holder> holders(tables);
    MemoryDatabase<Pass> passes(tables);
    MemoryDatabase<Crate> crates(tables);
    const auto holder = holders.insert({.id = 0, .name = "x", .motto = {}, .version = 0});
    REQUIRE(succeeds(holder));
    Pass row;
    row.holder_id = holder->id;
    const auto pass = passes.insert(row);
    REQUIRE(succeeds(pass));
    Crate crate;
    crate.pass_id = pass->id;
    const auto stored = crates.insert(crate);
    REQUIRE(succeeds(stored));
    check_fails(holders.erase(holder->id, 1, {}), errc::missing_relation, "holders");
    check_fails(passes.erase(pass->id, 1, {}), errc::missing_relation, "passes");
    crate.pass_id = pass->id + 1;
    check_fails(crates.update(crate, 1, {}), errc::missing_relation, ".pass");
    crate.pass_id.reset();
    REQUIRE(succeeds(crates.update(crate, 1, {})));
    CHECK(succeeds(passes.erase(pass->id, 1, {})));
    CHECK(succeeds(holders.erase(holder->id, 1, {})));
}

TEST_CASE("without a clock time stands still, and with one deadlines are judged by it") {
    MemoryDatabase<Coupon> still;
    CHECK(*still.clock() == DatabaseTime{});
    REQUIRE(succeeds(still.insert({"a", 1, 0})));
    CHECK(succeeds(still.update({"a", 2, 1}, 1, {DatabaseTime{}})));

    DatabaseTime now{std::chrono::seconds(100)};
    MemoryDatabase<Coupon> clocked{MemoryTables({.clock = [&] { return now; }})};
    REQUIRE(succeeds(clocked.insert({"a", 1, 0})));
    const WriteCondition condition{now};
    CHECK(succeeds(clocked.update({"a", 2, 1}, 1, condition)));
    now += std::chrono::microseconds(1);
    check_fails(clocked.update({"a", 3, 2}, 2, condition), errc::deadline_passed, "coupons");
}

TEST_CASE("a hook sees each operation before and after, and can fail it either way") {
    std::vector<std::string> seen;
    Error before, after;
    MemoryDatabase<Coupon> coupons{MemoryTables({.hook = [&](const MemoryOperation& operation) {
        seen.push_back(std::string(operation.table) + "." + std::string(name_of(operation.kind)) + (operation.done ? " done" : ""));
        return operation.done ? after : before;
    }})};
    REQUIRE(succeeds(coupons.insert({"a", 1, 0})));
    CHECK(seen == std::vector<std::string>{"coupons.insert", "coupons.insert done"});

    before = {errc::database_unavailable, "not now"};
    check_fails(coupons.update({"a", 2, 1}, 1, {}), errc::database_unavailable, "not now");
    before = {};
    CHECK((*coupons.load("a", ReadMode::plain))->percent == 1);

    after = {errc::outcome_unknown, "the answer was lost"};
    check_fails(coupons.update({"a", 2, 1}, 1, {}), errc::outcome_unknown, "lost");
    after = {};
    CHECK((*coupons.load("a", ReadMode::plain))->percent == 2);

    seen.clear();
    check_fails(coupons.update({"a", 3, 1}, 1, {}), errc::version_conflict, "coupons");
    CHECK(seen == std::vector<std::string>{"coupons.update"});
}

TEST_CASE("an operation of a transaction that runs out of memory leaves nothing for others to see") {
    using Act = std::function<void(MemoryDatabase<Load>&, MemoryTransaction&)>;
    const std::vector<Act> acts{
        [](auto& inside, auto&) { static_cast<void>(inside.load(1, ReadMode::plain)); },
        [](auto& inside, auto&) { static_cast<void>(inside.insert({.id = 5, .cart = 1, .weight = 5, .revoked_at = {}, .version = 0})); },
        [](auto& inside, auto&) { static_cast<void>(inside.update({.id = 2, .cart = 1, .weight = 7, .revoked_at = {}, .version = 1}, 1, {})); },
        [](auto& inside, auto&) { static_cast<void>(inside.erase(1, 2, {})); },
        [](auto& inside, auto&) {
            static_cast<void>(inside.template revoke_all<space_of_v<Load, &Load::cart>>(1, {.id = 0, .cart = 0, .weight = 0, .revoked_at = TimePoint(), .version = 0}, schema_of<Load>::revoked_members{}));
        },
        [](auto&, auto& transaction) { static_cast<void>(transaction.commit({})); },
    };
    for (std::size_t act = 0; act < acts.size(); ++act) {
        CAPTURE(act);
        int failures = 0;
        for (int copies = 0; copies < 60; ++copies) {
            CAPTURE(copies);
            const MemoryTables tables;
            MemoryDatabase<Load> database(tables);
            for (std::int64_t id = 1; id <= 3; ++id) REQUIRE(database.insert({.id = id, .cart = 1, .weight = id, .revoked_at = {}, .version = 0}).has_value());
            bool failed = false;
            {
                auto transaction = database.begin(Isolation::rows).value();
                auto inside = database.within(transaction);
                REQUIRE(inside.update({.id = 1, .cart = 1, .weight = 10, .revoked_at = {}, .version = 1}, 1, {}).has_value());
                REQUIRE(inside.erase(3, 1, {}).has_value());
                REQUIRE(inside.insert({.id = 4, .cart = 1, .weight = 4, .revoked_at = {}, .version = 0}).has_value());
                Heavy::left = copies;
                try {
                    acts[act](inside, transaction);
                } catch (const std::bad_alloc&) {
                    failed = true;
                }
                Heavy::left = -1;
            }
            if (!failed) continue;
            ++failures;
            const auto rows = database.list<space_of_v<Load, &Load::cart>>(1);
            REQUIRE(rows->size() == 3);
            for (std::int64_t id = 1; id <= 3; ++id) {
                CHECK((*rows)[static_cast<std::size_t>(id - 1)].version == 1);
                CHECK((*database.load(id, ReadMode::plain))->weight.number == id);
            }
            CHECK(database.insert({.id = 4, .cart = 1, .weight = 4, .revoked_at = {}, .version = 0})->version == 1);
        }
        CHECK(failures > 0);
    }
}

TEST_CASE("a hook may use the database that it watches") {
    MemoryDatabase<Coupon>* database = nullptr;
    bool interleave = false;
    MemoryDatabase<Coupon> coupons{MemoryTables({.hook = [&](const MemoryOperation& operation) {
        if (operation.kind == QueryKind::update && !operation.done && std::exchange(interleave, false)) CHECK(succeeds(database->update({"a", 7, 1}, 1, {})));
        return Error();
    }})};
    database = &coupons;
    REQUIRE(succeeds(coupons.insert({"a", 1, 0})));
    interleave = true;
    check_fails(coupons.update({"a", 2, 1}, 1, {}), errc::version_conflict, "coupons");
    CHECK((*coupons.load("a", ReadMode::plain))->percent == 7);
}
