// SPDX-License-Identifier: BSL-1.0
#include "scenario.hpp"

using namespace scenarios;

namespace {

/// What is read while the fence of a dead writer stands, and after.
struct Healed {
    Version at_once = 0;
    Version after = 0;
};

/// Everybody has v1; B commits v2 and dies before it publishes.
Healed dead_before_publish(Under under, Off off = {}) {
    Stage stage(under, off);
    stage.plant("k", "c1");
    CHECK(stage.a.find("k")->version() == 1);
    const auto publish = stage.b.hold("publish");
    const auto written = stage.b.rotate("k", "c2");
    REQUIRE(publish.there());
    stage.b.die();
    CHECK_FALSE(written.done());
    const Version at_once = stage.a.find("k")->version();
    stage.pass(Stage::fence_for);
    const Version after = stage.a.find("k")->version();
    CHECK(stage.free("k", "c2"));
    return {at_once, after};
}

} // namespace

TEST_CASE("scenario 4: a writer dies between commit and publish: fresh by the fence's end") {
    under_each(each_kind, [](Under under) {
        const auto read = dead_before_publish(under);
        CHECK(read.at_once == 2);
        CHECK(read.after == 2);
    });
    CHECK_MESSAGE(dead_before_publish(Under::write_through, {Guard::fence}).after == 1, "without the fence the old row stays");
    CHECK(dead_before_publish(Under::row_probe, {Guard::fence}).after == 2);
}

namespace {

/// B commits v2; C fences; B publishes; C commits v3 and dies before it publishes. What A reads when C's fence has ended.
Version dead_behind_another(Off off = {}) {
    Stage stage(Under::write_through, off);
    stage.plant("k", "c1");
    const auto publish = stage.b.hold("publish");
    const auto second = stage.b.rotate("k", "c2");
    const auto update = stage.c.hold("update of v2");
    stage.c.rotate("k", "c3");
    REQUIRE(update.there());
    publish.go();
    REQUIRE(second->effective());
    CHECK(stage.a.find("k")->version() == 2);
    const auto last_publish = stage.c.hold("publish");
    update.go();
    REQUIRE(last_publish.there());
    stage.c.die();
    stage.pass(Stage::fence_for);
    return stage.a.find("k")->version();
}

} // namespace

TEST_CASE("scenario 4, behind another writer's publish, which lifts its own fence alone") {
    CHECK(dead_behind_another() == 3);
    CHECK_MESSAGE(dead_behind_another({Guard::fence_owner}) == 2, "else the tier keeps what the second write made old");
}

namespace {

/// Everybody has v1; B's update is judged in time and its commit is in flight when B dies and the fence ends; A reads; B's
/// transaction commits v2. Whether A was answered before that, and what A and then C see.
struct InFlight {
    bool waited = false;
    Version read = 0;
    Version next = 0;
};

InFlight commit_in_flight(Under under, Off off = {}) {
    Stage stage(under, off);
    stage.plant("k", "c1");
    CHECK(stage.a.find("k")->version() == 1);
    const auto update = stage.b.hold("update");
    stage.b.rotate("k", "c2");
    REQUIRE(update.there());
    stage.b.die();
    // From here on the test plays the part of B's transaction: it has the row's lock.
    std::function<void()> unlock;
    stage.database().locked("k", [&](std::function<void()> end) { unlock = std::move(end); });
    stage.pass(Stage::fence_for);
    const auto read = stage.a.find("k");
    const bool waited = !read.done();
    stage.write_behind("k", "c2");
    unlock();
    stage.settle();
    return {waited, read->version(), stage.c.find("k")->version()};
}

} // namespace

TEST_CASE("scenario 4, with the commit in flight at the fence's end: the first fill waits for it") {
    const auto seen = commit_in_flight(Under::write_through);
    CHECK(seen.waited);
    CHECK(seen.read == 2);
    CHECK(seen.next == 2);
    const auto unguarded = commit_in_flight(Under::write_through, {Guard::settle_after_fence});
    CHECK_FALSE(unguarded.waited);
    CHECK_MESSAGE(unguarded.next == 1, "else it keeps the old row, and nobody tells of the new one");
    under_each({Under::row_probe, Under::hybrid}, [](Under under) { CHECK(commit_in_flight(under).next == 2); });
}

TEST_CASE("scenario 5: a writer dies between fence and commit: the old value is served again, nothing leaks") {
    under_each(each_kind, [](Under under) {
        Stage stage(under);
        stage.plant("k", "c1");
        CHECK(stage.a.find_by("c1")->version() == 1);
        const auto update = stage.b.hold("update");
        stage.b.rotate("k", "c2");
        REQUIRE(update.there());
        stage.b.die();
        const bool fenced = under == Under::write_through;
        const auto during = stage.a.find("k");
        CHECK(during->version() == 1);
        CHECK(stage.free("k", "c1") != fenced);
        stage.pass(Stage::fence_for);
        CHECK(stage.a.find("k")->version() == 1);
        CHECK(stage.gate.count("settled load of row k") == (fenced ? 1 : 0));
        CHECK(stage.a.find_by("c1")->version() == 1);
        CHECK(stage.free("k", "c1"));
        CHECK(stage.free("k", "c2"));
        const auto after = stage.c.find("k");
        CHECK(after->version() == 1);
        CHECK(after->source() == (under == Under::hybrid ? Level::database : Level::shared));
        CHECK_FALSE(stage.c.find_by("c2").get());
    });
}

namespace {

struct Paused {
    larder::Error error;
    Version committed = 0;
    Version next = 0;
};

/// B stands still with its update unsent until its fence has ended and A has filled v1 again; then the update goes out. If B dies
/// there, nobody publishes what it does.
Paused paused_beyond_fence(bool dies, Off off = {}) {
    Stage stage(Under::write_through, off);
    stage.plant("k", "c1");
    CHECK(stage.a.find("k")->version() == 1);
    const auto update = stage.b.hold("update");
    const auto written = stage.b.rotate("k", "c2");
    REQUIRE(update.there());
    stage.pass(Stage::fence_for + 1ms);
    CHECK(stage.a.find("k")->version() == 1);
    if (dies) stage.b.die();
    update.go();
    CHECK(stage.free("k", "c2"));
    return {dies ? larder::Error() : written->error(), stage.truth("k").version, stage.c.find("k")->version()};
}

} // namespace

TEST_CASE("scenario 6: a writer paused beyond its fence: the database aborts it, or nothing is reported effective") {
    const auto paused = paused_beyond_fence(false);
    CHECK(paused.error == larder::errc::deadline_passed);
    CHECK(paused.committed == 1);
    CHECK(paused.next == 1);
    const auto dead = paused_beyond_fence(true);
    CHECK(dead.committed == 1);
    CHECK(dead.next == 1);
    const auto unguarded = paused_beyond_fence(true, {Guard::write_deadline});
    CHECK_MESSAGE(unguarded.committed == 2, "without a deadline it commits what no fence protects any more");
    CHECK_MESSAGE(unguarded.next == 1, "and the old row is served");
}

TEST_CASE("scenario 6, paused after the commit: by the time that it is reported effective, it is") {
    Stage stage(Under::write_through);
    stage.plant("k", "c1");
    CHECK(stage.a.find("k")->version() == 1);
    const auto publish = stage.b.hold("publish");
    const auto written = stage.b.rotate("k", "c2");
    stage.pass(Stage::fence_for + 1ms);
    CHECK(stage.a.find("k")->version() == 2);
    CHECK(stage.gate.count("settled load of row k -> v2") == 1);
    publish.go();
    CHECK(written->effective());
    CHECK(stage.c.find("k")->version() == 2);
    CHECK(stage.free("k", "c2"));
}

TEST_CASE("scenario 7: the publish's reply is lost: the retry is idempotent, one version") {
    under_each(each_kind, [](Under under) {
        Stage stage(under);
        stage.plant("k", "c1");
        CHECK(stage.a.find("k")->version() == 1);
        const auto publish = stage.b.hold("publish");
        const auto written = stage.b.rotate("k", "c2");
        publish.lose_answer();
        CHECK(written->effective());
        CHECK(written->version() == 2);
        CHECK(stage.gate.count("2: publish v2 -> done") == 2);
        CHECK(stage.gate.count("update of v1 -> v2") == 1);
        CHECK(stage.truth("k").version == 2);
        const auto read = stage.c.find("k");
        CHECK(read->version() == 2);
        CHECK(read->source() == (under == Under::hybrid ? Level::database : Level::shared));
        CHECK(stage.free("k", "c2"));
    });
}

namespace {

/// B publishes v2 and loses the answer; C writes v3; B publishes v2 once more.
Version retry_after_newer(Under under, Off off = {}) {
    Stage stage(under, off);
    stage.plant("k", "c1");
    const auto publish = stage.b.hold("publish");
    const auto second = stage.b.rotate("k", "c2");
    const auto retry = stage.b.hold("publish");
    publish.lose_answer();
    REQUIRE(retry.there());
    REQUIRE(stage.c.rotate("k", "c3")->effective());
    retry.go();
    CHECK(second->effective());
    return stage.a.find("k")->version();
}

} // namespace

TEST_CASE("scenario 7, a newer write between the two: the retry undoes nothing") {
    under_each(each_kind, [](Under under) { CHECK(retry_after_newer(under) == 3); });
    CHECK(retry_after_newer(Under::write_through, {Guard::floor_on_publish}) == 2);
}
