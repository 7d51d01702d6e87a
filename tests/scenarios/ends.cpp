// SPDX-License-Identifier: BSL-1.0
#include "scenario.hpp"

using namespace scenarios;

namespace {

/// A's copy of a valid row is refreshed in the background: v1 is loaded, B revokes the row, v1 is filled; C reads.
struct Refreshed {
    std::string fill;
    Absence absence = Absence::none;
};

Refreshed revoked_during_refresh(Under under, Off off = {}) {
    Stage stage(under, off, [](larder::Options& options) { options.refresh_ahead = 0.5; });
    stage.plant("k", "c1");
    REQUIRE(stage.a.find("k").get());
    stage.pass(Stage::ttl / 2 + 1s);
    const auto fill = stage.a.hold("fill row k v1");
    CHECK(stage.a.find("k").get());
    REQUIRE(fill.there());
    REQUIRE(stage.b.revoke("k")->effective());
    fill.go();
    return {fill.answer(), stage.c.find("k")->absence()};
}

} // namespace

TEST_CASE("scenario 20: a revocation during a background refresh: the refresh is lost") {
    under_each(caching_rows, [](Under under) {
        const auto refreshed = revoked_during_refresh(under);
        CHECK(refreshed.fill == "lost");
        CHECK(refreshed.absence == Absence::revoked);
    });
    CHECK(revoked_during_refresh(Under::write_through, {Guard::lease_on_fill}).fill == "outdated");
    const auto unguarded = revoked_during_refresh(Under::write_through, {Guard::lease_on_fill, Guard::floor_on_fill});
    CHECK(unguarded.fill == "stored");
    CHECK_MESSAGE(unguarded.absence == Absence::none, "else the revoked row is valid again");
}

TEST_CASE("scenario 20, of an alias: a rotation during the background refresh of the row that it leads to") {
    under_each(caching_rows, [](Under under) {
        Stage stage(under, {}, [](larder::Options& options) { options.refresh_ahead = 0.5; });
        stage.plant("k", "c1");
        REQUIRE(stage.a.find_by("c1").get());
        stage.pass(Stage::ttl / 2 + 1s);
        const auto fill = stage.a.hold("fill code c1 v1");
        CHECK(stage.a.find("k").get());
        REQUIRE(fill.there());
        REQUIRE(stage.b.rotate("k", "c2")->effective());
        fill.go();
        CHECK(fill.answer() == "lost");
        CHECK(stage.kept_code("c1").answer != larder::Answer::hit);
        CHECK_FALSE(stage.c.find_by("c1").get());
        CHECK(stage.c.find_by("c2")->version() == 2);
    });
}

TEST_CASE("scenario 21: the database is down, the session revoked: denied, never served stale") {
    under_each({Under::write_through, Under::row_probe, Under::hybrid, Under::group_epoch}, [](Under under) {
        for (const bool whole_group : {false, true}) {
            Stage stage(under, {}, [](larder::Options& options) { options.stale_if_error = 1h; });
            stage.plant("k", "c1");
            stage.plant("l", "d1");
            REQUIRE(stage.a.find_by("c1").get());
            if (whole_group) {
                REQUIRE(stage.b.revoke_all("o")->effective());
            } else {
                REQUIRE(stage.b.revoke("k")->effective());
                REQUIRE(stage.a.find("l").get());
            }
            stage.gate.set_down(Server::database, true);
            for (const Duration later : {Duration(0ms), Duration(Stage::ttl), Duration(30min)}) {
                stage.pass(later);
                CHECK_FALSE(stage.a.find("k").get());
                CHECK_FALSE(stage.c.find_by("c1").get());
            }
            const bool keeps_rows = under == Under::write_through || under == Under::row_probe;
            if (!whole_group && keeps_rows) CHECK_MESSAGE(stage.a.find("l")->stale() == larder::StaleCause::database_failed, "what is not revoked is served, and called stale");
        }
    });
}

namespace {

/// All of o is revoked by a writer that dies before any tier hears of it; then the database goes down; C reads.
bool served_after_group_revocation(Off off = {}) {
    Stage stage(Under::group_epoch, off, [](larder::Options& options) { options.stale_if_error = 1h; });
    stage.plant("k", "c1");
    REQUIRE(stage.a.find("k").get());
    const auto publish = stage.b.hold("publish");
    stage.b.revoke_all("o");
    REQUIRE(publish.there());
    stage.b.die();
    stage.gate.set_down(Server::database, true);
    return static_cast<bool>(stage.c.find("k").get());
}

} // namespace

TEST_CASE("scenario 21, a copy whose group was revoked: its mark bars it") {
    CHECK_FALSE(served_after_group_revocation());
    CHECK(served_after_group_revocation({Guard::stale_bar}));
}

TEST_CASE("scenario 23: the clock is stepped an hour forwards: no expired session lives on") {
    under_each(each_kind, [](Under under) {
        Stage stage(under);
        Ticket row = stage.row("k", "c1");
        row.expires_at = std::chrono::time_point_cast<larder::TimePoint::duration>(stage.wall_now() + 30min);
        stage.plant(row);
        CHECK(stage.a.find_by("c1").get());
        stage.step_wall_clock(1h);
        CHECK(stage.a.find("k")->absence() == Absence::expired);
        CHECK(stage.a.find_by("c1")->absence() == Absence::expired);
        CHECK(stage.c.find("k")->absence() == Absence::expired);
        stage.step_wall_clock(-1h);
        CHECK(stage.a.find("k").get());
    });
}

TEST_CASE("scenario 23: the clock is stepped an hour back: no copy lives on beyond the time that its row had left") {
    Stage stage(Under::write_through);
    Ticket row = stage.row("k", "c1");
    row.expires_at = std::chrono::time_point_cast<larder::TimePoint::duration>(stage.wall_now() + 5min);
    stage.plant(row);
    CHECK(stage.a.find("k").get());
    stage.step_wall_clock(-1h);
    stage.pass(5min - 1ms);
    CHECK(stage.c.find("k")->source() == Level::shared);
    stage.pass(1ms);
    CHECK_MESSAGE(stage.c.find("k")->source() == Level::database, "from here on the database says what the row is");
    stage.step_wall_clock(1h);
    CHECK(stage.c.find("k")->absence() == Absence::expired);
}

TEST_CASE("scenario 23: the clock is stepped an hour either way: TTLs are unaffected") {
    for (const Duration step : {Duration(1h), Duration(-1h)}) {
        Stage stage(Under::write_through);
        stage.plant("k", "c1");
        CHECK(stage.a.find("k").get());
        stage.step_wall_clock(step);
        CHECK(stage.c.find("k")->source() == Level::shared);
        stage.pass(Stage::ttl - 1ms);
        CHECK(stage.c.find("k")->source() == Level::shared);
        stage.pass(1ms);
        CHECK(stage.c.find("k")->source() == Level::database);
    }
}
