// SPDX-License-Identifier: BSL-1.0
#include "scenario.hpp"

#include <string>

using namespace scenarios;

namespace {

/// What a late fill was answered, what its reader saw, and what the next reader sees.
struct LateFill {
    std::string fill;
    Version read = 0;
    Version next = 0;
};

enum class Meanwhile { nothing, restart, eviction };

/// A misses and reads v1; B commits v2 and publishes; something happens to the tier; A fills v1; C reads.
LateFill late_fill(Under under, Meanwhile meanwhile, Off off = {}) {
    Stage stage(under, off);
    stage.plant("k", "c1");
    const auto fill = stage.a.hold("fill row");
    const auto read = stage.a.find("k");
    REQUIRE(fill.there());
    REQUIRE(stage.b.rotate("k", "c2")->effective());
    if (meanwhile == Meanwhile::restart) stage.cache().restart();
    if (meanwhile == Meanwhile::eviction) REQUIRE(stage.cache().store().evict<0>("k"));
    stage.settle();
    fill.go();
    return {fill.answer(), read->version(), stage.c.find("k")->version()};
}

} // namespace

TEST_CASE("scenario 1: a stale set, A misses and reads v1, B commits v2 and publishes, A fills v1: lost") {
    under_each(caching_rows, [](Under under) {
        const auto seen = late_fill(under, Meanwhile::nothing);
        CHECK(seen.fill == "lost");
        CHECK(seen.read == 1);
        CHECK(seen.next == 2);
    });
}

TEST_CASE("scenario 1, the guards: the lease and the floor each see the stale set, and without both it is served") {
    CHECK(late_fill(Under::write_through, Meanwhile::nothing, {Guard::floor_on_fill}).fill == "lost");
    const auto by_floor = late_fill(Under::write_through, Meanwhile::nothing, {Guard::lease_on_fill});
    CHECK(by_floor.fill == "outdated");
    CHECK(by_floor.next == 2);
    const auto unguarded = late_fill(Under::write_through, Meanwhile::nothing, {Guard::lease_on_fill, Guard::floor_on_fill});
    CHECK(unguarded.fill == "stored");
    CHECK(unguarded.next == 1);
    CHECK_MESSAGE(late_fill(Under::row_probe, Meanwhile::nothing, {Guard::lease_on_fill, Guard::floor_on_fill}).next == 2, "a verified copy is not served all the same");
}

namespace {

/// A reads by the old code; B rotates it; something happens to the tier; A fills the alias. What the fill is answered.
std::string late_alias_fill(Under under, Meanwhile meanwhile) {
    Stage stage(under);
    stage.plant("k", "c1");
    const auto fill = stage.a.hold("fill code c1");
    const auto read = stage.a.find_by("c1");
    REQUIRE(stage.b.rotate("k", "c2")->effective());
    if (meanwhile == Meanwhile::restart) stage.cache().restart();
    if (meanwhile == Meanwhile::eviction) REQUIRE(stage.cache().store().evict<1>("c1"));
    stage.settle();
    fill.go();
    CHECK(read->version() == 1);
    CHECK_FALSE(stage.c.find_by("c1").get());
    CHECK(stage.c.find_by("c2")->version() == 2);
    return fill.answer();
}

} // namespace

TEST_CASE("scenarios 1, 10 and 12, of an alternate key: A reads by the old code, B rotates it, A fills the alias: lost") {
    under_each(each_kind, [](Under under) {
        for (const Meanwhile meanwhile : {Meanwhile::nothing, Meanwhile::restart, Meanwhile::eviction}) CHECK(late_alias_fill(under, meanwhile) == "lost");
    });
}

TEST_CASE("scenario 2: deleted first, refilled, then committed: the next read is fresh") {
    under_each(each_kind, [](Under under) {
        Stage stage(under);
        stage.plant("k", "c1");
        CHECK(stage.a.find("k")->version() == 1);
        REQUIRE(!stage.b.expel("k")->failed());
        const auto update = stage.b.hold("update");
        const auto written = stage.b.rotate("k", "c2");
        REQUIRE(update.there());
        CHECK(stage.a.find("k")->version() == 1);
        if (under == Under::write_through) {
            CHECK(stage.gate.log().back() == "1: load of row k -> v1");
            CHECK_MESSAGE(stage.gate.count("1: lookup row k -> bypass") == 1, "the fence lets nobody refill");
            CHECK(stage.gate.count("fill row k v1 -> stored") == 1);
        }
        update.go();
        CHECK(written->effective());
        CHECK(stage.a.find("k")->version() == 2);
        CHECK(stage.c.find("k")->version() == 2);
        CHECK(stage.free("k", "c2"));
    });
}

TEST_CASE("scenario 2, the control: who only deletes before the commit leaves the old row behind") {
    const auto next_read = [](Under under) {
        Stage stage(under);
        stage.plant("k", "c1");
        REQUIRE(!stage.b.expel("k")->failed());
        CHECK(stage.a.find("k")->version() == 1);
        stage.write_behind("k", "c2");
        return stage.c.find("k")->version();
    };
    CHECK(next_read(Under::write_through) == 1);
    CHECK(next_read(Under::row_probe) == 2);
    CHECK(next_read(Under::hybrid) == 2);
}

namespace {

/// What is read in the end, and whether a code that the row has no more still leads to it.
struct End {
    Version version = 0;
    bool old_code = false;
};

/// B commits v2; C commits v3 and publishes; B publishes; A reads.
End older_publish_last(Under under, Off off = {}) {
    Stage stage(under, off);
    stage.plant("k", "c1");
    const auto publish = stage.b.hold("publish v2");
    const auto second = stage.b.rotate("k", "c2");
    REQUIRE(publish.there());
    REQUIRE(stage.c.rotate("k", "c3")->effective());
    publish.go();
    REQUIRE(second->effective());
    CHECK(stage.free("k", "c3"));
    return {stage.a.find("k")->version(), static_cast<bool>(stage.a.find_by("c2").get())};
}

} // namespace

TEST_CASE("scenario 3: two writers, the older publish arrives last: ignored") {
    under_each(each_kind, [](Under under) {
        const auto end = older_publish_last(under);
        CHECK(end.version == 3);
        CHECK_FALSE(end.old_code);
    });
    const auto unguarded = older_publish_last(Under::write_through, {Guard::floor_on_publish});
    CHECK_MESSAGE(unguarded.version == 2, "without the floor it wins");
    CHECK(unguarded.old_code);
    CHECK(older_publish_last(Under::row_probe, {Guard::floor_on_publish}).version == 3);
}

TEST_CASE("scenario 10: the cache restarts during a fill: lost") {
    under_each(caching_rows, [](Under under) {
        const auto seen = late_fill(under, Meanwhile::restart);
        CHECK(seen.fill == "lost");
        CHECK(seen.next == 2);
    });
    const auto unguarded = late_fill(Under::write_through, Meanwhile::restart, {Guard::lease_on_fill});
    CHECK_MESSAGE(unguarded.fill == "stored", "the floor went with the restart: the lease alone sees it");
    CHECK(unguarded.next == 1);
}

TEST_CASE("scenario 12: the record is evicted during a fill: lost") {
    under_each(caching_rows, [](Under under) {
        const auto seen = late_fill(under, Meanwhile::eviction);
        CHECK(seen.fill == "lost");
        CHECK(seen.next == 2);
    });
    const auto unguarded = late_fill(Under::write_through, Meanwhile::eviction, {Guard::lease_on_fill});
    CHECK_MESSAGE(unguarded.fill == "stored", "the floor went with the record: the lease alone sees it");
    CHECK(unguarded.next == 1);
}

namespace {

/// Everybody has v1; a copy of the cache is made; B commits v2 and publishes; the copy takes over; C reads.
End read_after_failover(Under under, Off off = {}) {
    Stage stage(under, off);
    stage.plant("k", "c1");
    CHECK(stage.a.find_by("c1")->version() == 1);
    stage.cache().copy_to_replica();
    REQUIRE(stage.b.rotate("k", "c2")->effective());
    stage.cache().roll_back();
    stage.settle();
    return {stage.c.find("k")->version(), static_cast<bool>(stage.c.find_by("c1").get())};
}

} // namespace

TEST_CASE("scenario 11: failover to a lagging cache: no old hit") {
    under_each(each_kind, [](Under under) {
        const auto end = read_after_failover(under);
        CHECK(end.version == 2);
        CHECK_FALSE(end.old_code);
    });
    const auto unguarded = read_after_failover(Under::write_through, {Guard::identity_epoch});
    CHECK_MESSAGE(unguarded.version == 1, "what the old namespace holds would be served");
    CHECK(unguarded.old_code);
    CHECK(read_after_failover(Under::row_probe, {Guard::identity_epoch}).version == 2);
}

TEST_CASE("an answer of the database waits for no fill, neither for who loaded nor for who waited for that load from its beginning") {
    under_each(caching_rows, [](Under under) {
        Stage stage(under);
        stage.plant("k", "c1");
        const auto load = stage.a.hold("load of row k");
        const auto fill = stage.a.hold("fill row");
        const auto leader = stage.a.begin_find("k");
        const auto early = stage.a.begin_find("k");
        stage.settle();
        REQUIRE(load.there());
        const auto late = stage.a.begin_find("k");
        load.go();
        REQUIRE(fill.there());
        CHECK(leader->version() == 1);
        CHECK(early->version() == 1);
        CHECK_MESSAGE(!late.done(), "who came when the row was being read shares its answer only if the fill shows that nobody wrote meanwhile");
        fill.go();
        CHECK(late->version() == 1);
        CHECK(stage.gate.count("load of row k") == 1);
    });
}

TEST_CASE("and so with an alternate key, of which the alias and the row are filled") {
    under_each(caching_rows, [](Under under) {
        Stage stage(under);
        stage.plant("k", "c1");
        const auto fill = stage.a.hold("fill");
        const auto read = stage.a.find_by("c1");
        CHECK(read->version() == 1);
        REQUIRE(fill.there());
        fill.go();
        CHECK(stage.kept_code("c1").answer == larder::Answer::hit);
        CHECK(stage.kept("k").answer == larder::Answer::hit);
    });
}
