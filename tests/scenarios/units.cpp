// SPDX-License-Identifier: BSL-1.0
#include "scenario.hpp"

#include <string>
#include <utility>
#include <vector>

using namespace scenarios;

namespace {

using Codes = std::vector<std::pair<std::string, std::string>>;
const Codes firsts = {{"k", "c1"}, {"l", "d1"}}, seconds = {{"k", "c2"}, {"l", "d2"}};

/// Puts both rows where A has read them.
void plant_both(Stage& stage) {
    for (const auto& [key, code] : firsts) {
        stage.plant(key, code);
        CHECK(stage.a.find(key)->version() == 1);
    }
}

/// The versions of both that a process reads.
std::vector<Version> both(Stage::Client& client) {
    return {client.find("k")->version(), client.find("l")->version()};
}
std::vector<Version> each_at(Version version) {
    return {version, version};
}

bool all_free(Stage& stage) {
    return stage.free("k", "c1") && stage.free("k", "c2") && stage.free("l", "d1") && stage.free("l", "d2");
}

/// What is read while the fences of a dead unit stand, and after.
struct Healed {
    std::vector<Version> at_once, after;
};

/// Everybody has v1 of both rows; B's unit commits v2 of both and dies before it publishes.
Healed dead_before_publish(Under under, Off off = {}) {
    Stage stage(under, off);
    plant_both(stage);
    const auto publish = stage.b.hold("publish");
    const auto done = stage.b.rotate_all(seconds);
    REQUIRE(publish.there());
    stage.b.die();
    CHECK_FALSE(done.done());
    const auto at_once = both(stage.a);
    stage.pass(Stage::fence_for);
    const auto after = both(stage.a);
    CHECK(all_free(stage));
    return {at_once, after};
}

} // namespace

TEST_CASE("a unit of work, whose process dies between commit and publication: fresh by the end of its fences") {
    under_each(each_kind, [](Under under) {
        const auto read = dead_before_publish(under);
        CHECK(read.at_once == each_at(2));
        CHECK(read.after == each_at(2));
    });
    CHECK_MESSAGE(dead_before_publish(Under::write_through, {Guard::fence}).after == each_at(1), "without fences the old rows stay");
    CHECK(dead_before_publish(Under::near_tier).after == each_at(2));
    CHECK(dead_before_publish(Under::near_tier, {Guard::fence}).after == each_at(1));
}

namespace {

struct Paused {
    larder::Error error;
    bool waited = false;
    Version committed = 0;
    std::vector<Version> next;
};

/// B's unit fences k and stands still before a request, until the fence has ended and A reads k again; then it goes on. If B is to die,
/// it does so with its commit on its way, and nobody publishes what that does.
Paused paused_beyond_fence(const std::string& before, bool dies, Off off = {}) {
    Stage stage(Under::write_through, off);
    plant_both(stage);
    const auto paused = stage.b.hold(before);
    const auto done = stage.b.rotate_all(seconds);
    REQUIRE(paused.there());
    stage.pass(Stage::fence_for + 1ms);
    const auto read = stage.a.find("k");
    const bool waited = !read.done();
    const auto publish = stage.b.hold("publish");
    paused.go();
    if (publish.there()) dies ? stage.b.die() : publish.go();
    REQUIRE(read.done());
    stage.pass(Stage::fence_for);
    const auto next = both(stage.c);
    CHECK(all_free(stage));
    return {done.done() ? done->error() : larder::Error(), waited, stage.truth("k").version, next};
}

} // namespace

TEST_CASE("a unit of work, paused beyond its fence before it writes: the database aborts it") {
    for (const bool dies : {false, true}) {
        const auto paused = paused_beyond_fence("in a unit: update of v1", dies);
        if (!dies) CHECK(paused.error == larder::errc::deadline_passed);
        CHECK_FALSE(paused.waited);
        CHECK(paused.committed == 1);
        CHECK(paused.next == each_at(1));
    }
    const auto unguarded = paused_beyond_fence("in a unit: update of v1", true, {Guard::write_deadline});
    CHECK_MESSAGE(unguarded.committed == 2, "without a deadline it commits what no fence protects any more");
    CHECK_MESSAGE(unguarded.next[0] == 1, "and the old row is served");
}

TEST_CASE("a unit of work, paused beyond its fence before it commits: who reads waits for its end, and the database aborts it") {
    for (const bool dies : {false, true}) {
        const auto paused = paused_beyond_fence("commit", dies);
        if (!dies) CHECK(paused.error == larder::errc::deadline_passed);
        CHECK(paused.waited);
        CHECK(paused.committed == 1);
        CHECK(paused.next == each_at(1));
    }
    const auto late = paused_beyond_fence("commit", true, {Guard::write_deadline});
    CHECK(late.waited);
    CHECK_MESSAGE(late.next == each_at(2), "who waited knows of the commit");
    const auto unguarded = paused_beyond_fence("commit", true, {Guard::write_deadline, Guard::settle_after_fence});
    CHECK_FALSE(unguarded.waited);
    CHECK(unguarded.committed == 2);
    CHECK_MESSAGE(unguarded.next[0] == 1, "without a deadline, and if nobody waits, the old row is served");
}

TEST_CASE("a unit of work, paused beyond its first fence: what was fenced later gives it no more time") {
    Stage stage(Under::write_through);
    plant_both(stage);
    const auto load = stage.b.hold("in a unit: load of row l");
    const auto commit = stage.b.hold("commit");
    const auto done = stage.b.rotate_all(seconds);
    REQUIRE(load.there());
    stage.pass(Stage::fence_for / 2);
    load.go();
    REQUIRE(commit.there());
    stage.pass(Stage::fence_for / 2 + 1ms);
    CHECK(stage.kept("k").answer != larder::Answer::bypass);
    CHECK(stage.kept("l").answer == larder::Answer::bypass);
    commit.go();
    CHECK(done->error() == larder::errc::deadline_passed);
    CHECK(both(stage.c) == each_at(1));
    CHECK(all_free(stage));
}

namespace {

const larder::Error changed_mind{larder::errc::invalid_options, "the unit changed its mind"};

/// What A is given of both rows, and who is found by their new codes, while a unit that has written them is open.
void read_in_between(Stage& stage) {
    CHECK(both(stage.a) == each_at(1));
    CHECK(stage.c.find_by("c1")->version() == 1);
    for (const auto& [key, code] : seconds) CHECK_FALSE(stage.c.find_by(code).get());
}

} // namespace

TEST_CASE("a unit of work, rolled back: no effect, and nobody in between sees what was not committed") {
    under_each({Under::write_through, Under::near_tier, Under::row_probe, Under::hybrid}, [](Under under) {
        Stage stage(under);
        plant_both(stage);
        const auto roll_back = stage.b.hold("roll back");
        const auto done = stage.b.rotate_all(seconds, changed_mind);
        REQUIRE(roll_back.there());
        read_in_between(stage);
        roll_back.go();
        CHECK(done->error().text == changed_mind.text);
        stage.pass(Stage::negative_ttl);
        read_in_between(stage);
        CHECK(all_free(stage));
        CHECK(stage.gate.count("in a unit: update of v1 -> v2") == 2);
        CHECK_MESSAGE(stage.gate.count("v2") == 2, "no tier is told of it");
        CHECK(stage.truth("k").version == 1);
        CHECK(stage.truth("l").version == 1);
        REQUIRE_MESSAGE(!stage.c.rotate("k", "c2")->failed(), "its locks are free");
        stage.pass(Stage::fence_for);
        CHECK(stage.a.find("k")->version() == 2);
    });
}

namespace {

/// B's unit has written k; C fences k too and stands still; B is rolled back, A reads, and C commits v2 and dies before it
/// publishes. What A reads when C's fence has ended.
Version rolled_back_beside_another(Off off = {}) {
    Stage stage(Under::write_through, off);
    plant_both(stage);
    const auto roll_back = stage.b.hold("roll back");
    stage.b.rotate_all(seconds, changed_mind);
    REQUIRE(roll_back.there());
    const auto update = stage.c.hold("update of v1");
    const auto publish = stage.c.hold("publish");
    stage.c.rotate("k", "c3");
    REQUIRE(update.there());
    roll_back.go();
    CHECK(stage.a.find("k")->version() == 1);
    update.go();
    REQUIRE(publish.there());
    stage.c.die();
    stage.pass(Stage::fence_for);
    return stage.a.find("k")->version();
}

} // namespace

TEST_CASE("a unit of work, rolled back beside another writer, whose fence stays") {
    CHECK(rolled_back_beside_another() == 2);
    CHECK_MESSAGE(rolled_back_beside_another({Guard::fence_owner}) == 1, "else the tier keeps what the other write made old");
}

TEST_CASE("a unit of work, whose process dies before the commit: no effect, and its locks are free at once") {
    under_each(each_kind, [](Under under) {
        Stage stage(under);
        plant_both(stage);
        const auto update = stage.b.hold("in a unit: load of row l");
        stage.b.rotate_all(seconds);
        REQUIRE(update.there());
        stage.b.die();
        CHECK(both(stage.a) == each_at(1));
        CHECK(stage.c.rotate("k", "c3")->version() == 2);
        stage.pass(Stage::fence_for);
        CHECK((both(stage.a) == std::vector<Version>{2, 1}));
        CHECK(stage.truth("k").code == "c3");
        CHECK(all_free(stage));
    });
}

TEST_CASE("units of work that wait for each other: one is undone and says so, the other commits") {
    Stage stage(Under::write_through);
    plant_both(stage);
    const auto held = stage.b.hold("in a unit: load of row l");
    const auto first = stage.b.rotate_all(seconds);
    const auto second = stage.c.rotate_all({{"l", "d3"}, {"k", "c3"}});
    stage.pass(1ms);
    held.go();
    CHECK_FALSE(first.done());
    CHECK_FALSE(second.done());
    stage.pass(larder::testing::SimDatabaseServer<Ticket>::lock_patience);
    CHECK(second->error() == larder::errc::transaction_conflict);
    CHECK(first->effective());
    CHECK(both(stage.a) == each_at(2));
    CHECK(stage.truth("k").code == "c2");
    CHECK(stage.truth("l").code == "d2");
    CHECK(all_free(stage));
    CHECK_FALSE(stage.a.find_by("c3").get());
}
