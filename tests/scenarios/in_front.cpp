// SPDX-License-Identifier: BSL-1.0
#include "scenario.hpp"

using namespace scenarios;

namespace {

using SharedClient = larder::testing::SimCache<Ticket, larder::testing::SimEnvironment>;
constexpr Duration delta = SharedClient::delta;
constexpr Duration heartbeat_every = SharedClient::heartbeat_every;

/// Reads twice, so that the second answer comes from the tier in front.
void bring_in_front(Stage::Client& client) {
    CHECK(client.find("k")->version() == 1);
    REQUIRE(client.find("k")->source() == Level::memory);
}

} // namespace

TEST_CASE("scenario 13: the cache is flushed: the tiers in front are empty too") {
    Stage stage(Under::near_tier);
    stage.plant("k", "c1");
    bring_in_front(stage.a);
    bring_in_front(stage.c);
    stage.cache().restart();
    stage.settle();
    CHECK(stage.c.find("k")->source() == Level::database);
    REQUIRE(stage.b.rotate("k", "c2").get());
    stage.settle();
    const auto read = stage.a.find("k");
    CHECK(read->version() == 2);
    CHECK(read->source() == Level::shared);
    stage.pass(delta);
    CHECK(stage.a.find("k")->version() == 2);
    CHECK_MESSAGE(stage.a.find("k")->source() == Level::memory, "it serves again once its new connection is known to be alive");
}

namespace {

struct Deaf {
    Level within = Level::database;
    Duration bound{};
    Version after = 0;
};

/// A has v1 in front; its feed dies in silence; B writes v2; A reads at once, and when B's bound is over.
Deaf dead_feed(Off off = {}) {
    Stage stage(Under::near_tier, off);
    stage.plant("k", "c1");
    bring_in_front(stage.a);
    // A heartbeat is answered, and then nothing more comes.
    stage.pass(heartbeat_every);
    stage.pass(1ms);
    stage.cache().kill_feed(stage.a.number());
    const auto written = stage.b.rotate("k", "c2");
    REQUIRE(written.get());
    const Level within = stage.a.find("k")->source();
    stage.pass(written->pending() + 1ms);
    return {within, written->pending(), stage.a.find("k")->version()};
}

} // namespace

TEST_CASE("scenario 14: the tracking connection is dead: the tier in front is off within delta") {
    const auto deaf = dead_feed();
    CHECK(deaf.bound == delta);
    CHECK_MESSAGE(deaf.within == Level::memory, "for so long it may still answer");
    CHECK(deaf.after == 2);
    CHECK_MESSAGE(dead_feed({Guard::connection_lease}).after == 1, "without the connection lease it goes on answering");
}

namespace {

/// A asks the shared tier, which answers v1; C writes v2 and A is told of that; then the answer arrives. What A reads when C's bound is over.
Version overtaken_reply(Off off = {}) {
    Stage stage(Under::near_tier, off);
    stage.plant("k", "c1");
    CHECK(stage.b.find("k")->version() == 1);
    const auto reply = stage.a.hold_answer("lookup row");
    const auto read = stage.a.find("k");
    CHECK(reply.answer() == "hit v1");
    const auto written = stage.c.rotate("k", "c2");
    REQUIRE(written.get());
    reply.go();
    CHECK(read->version() == 1);
    stage.pass(written->pending() + 1ms);
    return stage.a.find("k")->version();
}

} // namespace

TEST_CASE("scenario 15: an invalidation overtakes the reply it concerns: not kept") {
    CHECK(overtaken_reply() == 2);
    CHECK_MESSAGE(overtaken_reply({Guard::lease_on_fill}) == 1, "without a placeholder of its own the reply would be kept");
}

namespace {

/// A's fill of v1 is stored; C writes v2 and A is told of that; then A hears that its fill was stored. What A reads when C's bound is over.
Version overtaken_fill(Off off = {}) {
    Stage stage(Under::near_tier, off);
    stage.plant("k", "c1");
    const auto fill = stage.a.hold_answer("fill row k v1");
    const auto read = stage.a.find("k");
    CHECK(fill.answer() == "stored");
    const auto written = stage.c.rotate("k", "c2");
    REQUIRE(written.get());
    fill.go();
    CHECK(read->version() == 1);
    stage.pass(written->pending() + 1ms);
    return stage.a.find("k")->version();
}

} // namespace

TEST_CASE("scenario 15, of the reply to a fill: not kept either") {
    CHECK(overtaken_fill() == 2);
    CHECK(overtaken_fill({Guard::lease_on_fill}) == 1);
}

namespace {

/// A's first load is answered v1; C writes v2 and A is told of that; A's second load is answered v2; the first answer arrives, then
/// the second. What A reads when C's bound is over.
Version two_loads(Off off = {}) {
    Stage stage(Under::near_tier, off);
    stage.plant("k", "c1");
    CHECK(stage.b.find("k")->version() == 1);
    const auto first = stage.a.hold_answer("lookup row");
    const auto old_read = stage.a.find("k");
    CHECK(first.answer() == "hit v1");
    const auto written = stage.c.rotate("k", "c2");
    REQUIRE(written.get());
    const auto second = stage.a.hold_answer("lookup of many");
    const auto new_read = stage.a.find_many({"k"});
    REQUIRE(second.there());
    first.go();
    second.go();
    CHECK(old_read->version() == 1);
    CHECK((*new_read.operator->())[0].version() == 2);
    stage.pass(written->pending() + 1ms);
    return stage.a.find("k")->version();
}

} // namespace

TEST_CASE("scenario 16: two loads of one key with an invalidation between: the first may not settle in the second's place") {
    CHECK(two_loads() == 2);
    CHECK_MESSAGE(two_loads({Guard::placeholder_token}) == 1, "one placeholder for all loads would take the first for the second");
}
