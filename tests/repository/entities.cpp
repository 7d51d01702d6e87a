// SPDX-License-Identifier: BSL-1.0
#include "world.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

using namespace repository_tests;

TEST_CASE("keys of several members and a scope: no tenant sees another's row") {
    World world;
    const auto readings = world.repository_of<Reading>();
    const auto row = [](const char* tenant, std::int64_t station, std::int64_t number) {
        return Reading{.tenant = tenant, .station = station, .number = number, .label = "label " + std::to_string(station) + "." + std::to_string(number), .batch = "batch", .value = 1, .version = 0};
    };
    for (const char* tenant : {"a", "b"})
        for (int number = 0; number < 3; ++number) CHECK(readings->insert(row(tenant, 1, number)));
    for (int round = 0; round < 2; ++round) {
        CHECK(readings->find({"a", 1, 2})->tenant == "a");
        CHECK(readings->find_by<&Reading::label>({"b", "label 1.2"})->tenant == "b");
        CHECK(!readings->find({"c", 1, 2}));
        CHECK(!readings->find_by<&Reading::label>({"c", "label 1.2"}));
        CHECK(readings->find_all_by<&Reading::station>({"a", 1}).size() == 3);
        CHECK(readings->find_all_by<&Reading::batch>({"b", "batch"}).size() == 3);
        CHECK(readings->find_all_by<&Reading::batch>({"c", "batch"}).empty());
    }
    CHECK(readings->update({"a", 1, 2}, [](Reading& changed) { changed.batch.reset(), changed.label = "moved"; }));
    CHECK(!readings->find_by<&Reading::label>({"a", "label 1.2"}));
    CHECK(readings->find_by<&Reading::label>({"b", "label 1.2"}));
    CHECK(readings->find_all_by<&Reading::batch>({"a", "batch"}).size() == 2);
    const std::vector<primary_key_t<Reading>> keys{{"b", 1, 0}, {"a", 1, 0}, {"a", 9, 9}};
    const auto many = readings->find_many(keys);
    CHECK(many[0]->tenant == "b");
    CHECK(many[1]->tenant == "a");
    CHECK(!many[2]);
    CHECK(readings->erase({"a", 1, 0}));
    CHECK(!readings->find({"a", 1, 0}));
    CHECK(readings->find({"b", 1, 0}));
}

TEST_CASE("a natural key that comes back goes on with its versions, so that no older copy can pass for the new row") {
    World world;
    const auto coupons = world.repository_of<Coupon>();
    Version last = 0;
    for (int life = 0; life < 3; ++life) {
        const auto inserted = coupons->insert({"spring", 10 + life, 0});
        REQUIRE(succeeds(inserted));
        CHECK(inserted.version() > last);
        CHECK(coupons->find("spring")->percent == 10 + life);
        CHECK(coupons->update("spring", [](Coupon& coupon) { coupon.percent += 50; }));
        CHECK(coupons->find("spring")->percent == 60 + life);
        const auto erased = coupons->erase("spring");
        CHECK(erased.effective());
        last = erased.version();
        CHECK(!coupons->find("spring"));
        CHECK(coupons->find("spring", at_least(inserted.token())).absence() == Absence::never_was);
    }
    SUBCASE("also if the row comes back while it is being loaded") {
        CHECK(coupons->insert({"summer", 1, 0}));
        coupons->expel("summer");
        world.database->once(QueryKind::load, Stage::after, [&] {
            CHECK(coupons->erase("summer"));
            CHECK(coupons->insert({"summer", 2, 0}));
        });
        coupons->find("summer");
        CHECK(coupons->find("summer")->percent == 2);
    }
}

TEST_CASE("an entity without a version: a load that a write overtakes fills nothing") {
    World world;
    const auto settings = world.repository_of<Setting>();
    CHECK(settings->insert({"theme", "looks", "t", "dark"}).effective());
    for (const bool alias : {false, true}) {
        settings->expel("theme");
        settings->expel_by<&Setting::alias>("t");
        const std::string value = alias ? "light" : "blue";
        world.database->once(alias ? QueryKind::load_by : QueryKind::load, Stage::after, [&] { CHECK(settings->update("theme", [&](Setting& setting) { setting.value = value; }).effective()); });
        if (alias)
            settings->find_by<&Setting::alias>("t");
        else
            settings->find("theme");
        CHECK(settings->find("theme")->value == value);
        CHECK(settings->find_by<&Setting::alias>("t")->value == value);
    }
    CHECK(MemoryDatabase<Setting>(world.tables).update({"theme", "looks", "t", "behind"}, 0, {}).has_value());
    CHECK(settings->refresh("theme")->value == "behind");
    CHECK(settings->find("theme")->value == "behind");
    SUBCASE("a copy that is not replaced goes") {
        const auto forgetful = world.repository_of<Setting>([](Options& options) { options.negative_ttl = 0s; });
        CHECK(forgetful->find("theme"));
        CHECK(MemoryDatabase<Setting>(world.tables).erase("theme", 0, {}).has_value());
        CHECK(!forgetful->refresh("theme"));
        CHECK(!forgetful->find("theme"));
    }
}

TEST_CASE("an empty UUID is replaced by a random one, an own one is kept") {
    World world;
    const auto crates = world.repository_of<testing::Crate>();
    testing::Crate crate;
    crate.label = "first";
    crate.token = Hashed<std::string>(typename Hashed<std::string>::Digest{std::byte{1}});
    const auto first = crates->insert(crate).or_throw().key();
    crate.label = "second";
    crate.token = Hashed<std::string>(typename Hashed<std::string>::Digest{std::byte{2}});
    const auto second = crates->insert(crate).or_throw().key();
    CHECK(!first.is_nil());
    CHECK(first != second);
    CHECK((first.begin()[6] & 0xF0) == 0x40);
    CHECK((first.begin()[8] & 0xC0) == 0x80);
    crate.label = "third";
    crate.token = Hashed<std::string>(typename Hashed<std::string>::Digest{std::byte{3}});
    crate.id.begin()[0] = 7;
    CHECK(crates->insert(crate).or_throw().key() == crate.id);
    CHECK(world.queries_of([&] { CHECK(crates->find(first)->label == "first"); }) == 0);
    CHECK(crates->find_by<&testing::Crate::token>(crate.token)->label == "third");
    CHECK(crates->find_by<&testing::Crate::owner, &testing::Crate::label>({Uuid{}, "second"})->id == second);
}

TEST_CASE("an optional relation is there or not, and a row of it may come later") {
    World world;
    const auto crates = world.repository_of<testing::Crate>();
    const Pass pass = world.insert(1);
    testing::Crate crate;
    crate.label = "crate";
    const auto id = crates->insert(crate).or_throw().key();
    CHECK(!crates->find(id)->pass);
    CHECK(crates->update(id, [&](testing::Crate& changed) { changed.pass_id = pass.id; }));
    for (int round = 0; round < 2; ++round) {
        REQUIRE(crates->find(id)->pass);
        CHECK(crates->find(id)->pass->code == pass.code);
        CHECK(crates->find(id)->pass->holder.name == "holder");
    }
}
