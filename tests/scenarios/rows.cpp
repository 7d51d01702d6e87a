// SPDX-License-Identifier: BSL-1.0
#include "scenario.hpp"

#include <vector>

using namespace scenarios;

namespace {

struct Lagged {
    std::string fill;
    Version read = 0;
    Version next = 0;
};

/// Lets copies that have had their time be kept as fallbacks, beside their floors.
void with_fallbacks(larder::Options& options) {
    options.stale_if_error = 2 * Stage::ttl;
}

/// v2 was published and its copy has had its time; a replica still has v1, and A's load asks it.
Lagged lagging_replica(Under under, Off off = {}) {
    Stage stage(under, off, with_fallbacks);
    stage.plant("k", "c1");
    CHECK(stage.a.find("k")->version() == 1);
    stage.freeze_replica({"k"});
    REQUIRE(stage.b.rotate("k", "c2")->effective());
    stage.pass(Stage::ttl);
    const auto fill = stage.a.hold("fill row k v1");
    const auto read = stage.a.find("k");
    REQUIRE(fill.there());
    fill.go();
    CHECK(stage.gate.count("1: recent load of row k -> v1") == 1);
    return {fill.answer(), read->version(), stage.c.find("k")->version()};
}

} // namespace

TEST_CASE("scenario 17: a lagging replica: never fills below the required version") {
    const auto lagged = lagging_replica(Under::write_through);
    CHECK(lagged.fill == "outdated");
    CHECK_MESSAGE(lagged.read == 2, "and the primary answers in its stead");
    CHECK(lagged.next == 2);
    const auto unguarded = lagging_replica(Under::write_through, {Guard::floor_on_fill});
    CHECK(unguarded.fill == "stored");
    CHECK(unguarded.next == 1);
}

TEST_CASE("scenario 17, where no fence tells of writes under way: the replica is not asked at all") {
    under_each(caching_rows, [](Under under) {
        if (under == Under::write_through) return;
        Stage stage(under, {}, with_fallbacks);
        stage.plant("k", "c1");
        CHECK(stage.a.find("k")->version() == 1);
        stage.freeze_replica({"k"});
        REQUIRE(stage.b.rotate("k", "c2")->effective());
        stage.pass(Stage::ttl);
        CHECK(stage.a.find("k")->version() == 2);
        CHECK(stage.gate.count("recent load") == 0);
    });
}

TEST_CASE("scenario 17, where the database's own answer is promised: nor is it there") {
    Stage stage(Under::hybrid);
    stage.plant("k", "c1");
    CHECK(stage.a.find_by("c1")->version() == 1);
    stage.freeze_replica({"k"});
    REQUIRE(stage.b.rotate("k", "c2")->effective());
    CHECK(stage.a.find("k")->version() == 2);
    CHECK_FALSE(stage.a.find_by("c1").get());
    CHECK(stage.a.find_by("c2")->version() == 2);
    CHECK(stage.gate.count("recent load") == 0);
}

TEST_CASE("scenario 17, a record without a floor: nor is it there") {
    Stage stage(Under::write_through, {}, with_fallbacks);
    stage.plant("k", "c1");
    stage.freeze_replica({"k"});
    REQUIRE(stage.b.rotate("k", "c2")->effective());
    stage.cache().restart();
    stage.settle();
    CHECK(stage.a.find("k")->version() == 2);
    CHECK(stage.gate.count("recent load") == 0);
    stage.let_replica_catch_up();
    REQUIRE(stage.b.rotate("k", "c3")->effective());
    stage.pass(Stage::ttl);
    CHECK(stage.a.find("k")->version() == 3);
    CHECK_MESSAGE(stage.gate.count("recent load of row k -> v3") == 1, "one that is up to date serves");
    CHECK(stage.gate.count("fill row k v3 -> stored") == 1);
    REQUIRE(stage.b.rotate("k", "c4")->effective());
    REQUIRE(!stage.c.expel("k")->failed());
    CHECK(stage.a.find("k")->version() == 4);
    CHECK_MESSAGE(stage.gate.count("recent load of row k -> v4") == 0, "who expels may know of a newer row than the floor does");
}

namespace {

/// The alias of c1 is cached; the row gets c2 without a word to the alias; C reads by c1.
bool old_token_resolves(Under under, Off off = {}) {
    Stage stage(under, off);
    stage.plant("k", "c1");
    CHECK(stage.a.find_by("c1")->version() == 1);
    stage.write_behind("k", "c2");
    REQUIRE(!stage.b.expel("k")->failed());
    REQUIRE(stage.kept_code("c1").answer == larder::Answer::hit);
    const bool resolves = static_cast<bool>(stage.c.find_by("c1").get());
    CHECK(stage.c.find_by("c2")->version() == 2);
    return resolves;
}

} // namespace

TEST_CASE("scenario 18: a rotated refresh token: never resolves") {
    under_each(each_kind, [](Under under) {
        Stage stage(under);
        stage.plant("k", "c1");
        CHECK(stage.a.find_by("c1")->version() == 1);
        CHECK(stage.c.find_by("c1")->version() == 1);
        const auto update = stage.b.hold("update");
        const auto written = stage.b.rotate("k", "c2");
        CHECK_MESSAGE(stage.c.find_by("c1")->version() == 1, "until it is rotated it does");
        update.go();
        REQUIRE(written->effective());
        CHECK(stage.kept_code("c1").answer != larder::Answer::hit);
        CHECK(stage.c.find_by("c1")->absence() == Absence::never_was);
        CHECK(stage.a.find_by("c1")->absence() == Absence::never_was);
        CHECK(stage.a.find_by("c2")->version() == 2);
    });
}

TEST_CASE("scenario 18, the warm alias included") {
    under_each(each_kind, [](Under under) {
        CHECK_FALSE(old_token_resolves(under));
        CHECK_MESSAGE(old_token_resolves(under, {Guard::alias_verification}), "what is not compared resolves");
    });
}

TEST_CASE("scenario 19: 100 concurrent rotations: one wins") {
    under_each(each_kind, [](Under under) {
        Stage stage(under);
        stage.plant("k", "c1");
        std::vector<Pending<Written<Ticket>>> rotations;
        for (int i = 0; i < 100; ++i) {
            Stage::Client& client = i % 2 == 0 ? stage.a : stage.b;
            rotations.push_back(client.begin_update("k", [mine = "mine " + std::to_string(i)](Ticket& row) {
                if (row.code != "c1") return false;
                row.code = mine;
                return true;
            }));
        }
        stage.settle();
        int won = 0;
        for (const auto& each : rotations) {
            CHECK_FALSE(each->failed());
            if (each->changed()) {
                ++won;
                CHECK(each->row()->code == stage.truth("k").code);
            }
        }
        CHECK(won == 1);
        CHECK(stage.truth("k").version == 2);
        CHECK(stage.gate.count("update of v1 -> v2") == 1);
        CHECK_MESSAGE(stage.gate.count("update of v1 -> refused") == 99, "all of them had read the old code");
        CHECK_FALSE(stage.c.find_by("c1").get());
        CHECK(stage.c.find_by(stage.truth("k").code)->version() == 2);
        CHECK(stage.free("k", "c1"));
    });
}

namespace {

/// A reads that there is no such row; B inserts it; A fills what it read; C reads.
bool found_after_insert(Under under, bool by_code, Off off = {}) {
    Stage stage(under, off);
    const auto fill = stage.a.hold(by_code ? "fill code c1" : "fill row k");
    const auto read = by_code ? stage.a.find_by("c1") : stage.a.find("k");
    const auto written = stage.b.insert(stage.row("k", "c1"));
    REQUIRE(written->effective());
    if (fill.there()) fill.go();
    CHECK_FALSE(read.get());
    return static_cast<bool>((by_code ? stage.c.find_by("c1") : stage.c.find("k")).get());
}

/// A read by its code that there is no such row, and that is cached; B inserts it; C reads.
bool found_after_cached_absence(Under under, Off off = {}) {
    Stage stage(under, off);
    CHECK_FALSE(stage.a.find_by("c1").get());
    REQUIRE(stage.b.insert(stage.row("k", "c1"))->effective());
    return static_cast<bool>(stage.c.find_by("c1").get());
}

} // namespace

TEST_CASE("scenario 22: 'not found' racing an insert: found after the insert is acknowledged") {
    under_each(each_kind, [](Under under) {
        CHECK(found_after_insert(under, false));
        CHECK(found_after_insert(under, true));
        CHECK(found_after_cached_absence(under));
    });
}

TEST_CASE("scenario 22, the guards: leases, floors, and the publication of every key of an insert") {
    const Under under = Under::write_through;
    CHECK_FALSE(found_after_insert(under, false, {Guard::lease_on_fill, Guard::floor_on_fill}));
    CHECK_FALSE(found_after_insert(under, true, {Guard::lease_on_fill}));
    CHECK_MESSAGE(found_after_cached_absence(under, {Guard::publish_every_key}), "a fence forgets the absence as well");
    CHECK_FALSE(found_after_cached_absence(under, {Guard::publish_every_key, Guard::fence}));
}

TEST_CASE("scenario 22, an insert that arrives after its writer's death and fence: found from then on") {
    under_each(each_kind, [](Under under) {
        Stage stage(under);
        CHECK_FALSE(stage.a.find_by("c1").get());
        const auto insert = stage.b.hold("insert");
        stage.b.insert(stage.row("k", "c1"));
        REQUIRE(insert.there());
        stage.b.die();
        stage.pass(Stage::fence_for + Stage::negative_ttl);
        CHECK_FALSE(stage.a.find("k").get());
        CHECK_FALSE(stage.a.find_by("c1").get());
        CHECK_FALSE(stage.c.find("k").get());
        insert.go();
        CHECK(stage.a.find("k").get());
        CHECK(stage.c.find("k").get());
        CHECK(stage.c.find_by("c1").get());
    });
}
