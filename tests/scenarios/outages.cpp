// SPDX-License-Identifier: BSL-1.0
#include "scenario.hpp"

using namespace scenarios;

TEST_CASE("scenario 8: the cache is down at a revocation: pending with its bound") {
    Stage stage(Under::write_through);
    stage.plant("k", "c1");
    REQUIRE(stage.a.find("k").get());
    stage.gate.set_down(Server::cache, true);
    const auto written = stage.b.revoke("k");
    REQUIRE(written.get());
    CHECK_FALSE(written->effective());
    CHECK(written->pending() == Stage::ttl);
    CHECK(stage.truth("k").revoked_at.has_value());
    CHECK(stage.a.find("k")->absence() == Absence::revoked);
    stage.gate.set_down(Server::cache, false);
    CHECK_MESSAGE(stage.c.find("k").get(), "this is what 'pending' says: the copy that missed the revocation still answers");
    stage.pass(written->pending());
    CHECK(stage.c.find("k")->absence() == Absence::revoked);
    CHECK(stage.a.find("k")->absence() == Absence::revoked);
}

TEST_CASE("scenario 8, where it has to be effective: failed, and nothing is revoked") {
    Stage stage(Under::write_through);
    stage.plant("k", "c1");
    REQUIRE(stage.a.find("k").get());
    stage.gate.set_down(Server::cache, true);
    const auto written = stage.b.revoke("k", larder::Effect::required);
    CHECK(written->error() == larder::errc::cache_unavailable);
    CHECK_FALSE(stage.truth("k").revoked_at.has_value());
    stage.gate.set_down(Server::cache, false);
    CHECK(stage.c.find("k").get());
    CHECK(stage.b.revoke("k", larder::Effect::required)->effective());
    CHECK(stage.c.find("k")->absence() == Absence::revoked);
}

TEST_CASE("scenario 8, where the database confirms every answer: effective all the same") {
    under_each({Under::row_probe, Under::hybrid}, [](Under under) {
        Stage stage(under);
        stage.plant("k", "c1");
        REQUIRE(stage.a.find("k").get());
        stage.gate.set_down(Server::cache, true);
        CHECK(stage.b.revoke("k")->effective());
        stage.gate.set_down(Server::cache, false);
        CHECK(stage.c.find("k")->absence() == Absence::revoked);
    });
}

TEST_CASE("scenario 9: the cache is back after missed publishes: not trusted until caught up") {
    Stage stage(Under::write_through);
    stage.plant("k", "c1");
    stage.plant("l", "d1");
    CHECK(stage.a.find("k")->version() == 1);
    CHECK(stage.a.find("l")->version() == 1);
    stage.gate.set_down(Server::cache, true);
    const auto written = stage.b.rotate("k", "c2");
    const auto other = stage.b.rotate("l", "d2");
    stage.gate.set_down(Server::cache, false);
    CHECK(written->pending() == Stage::ttl);
    CHECK_MESSAGE(stage.c.find("k", larder::at_least(written->token()))->version() == 2, "who knows of the write is served nothing older");
    CHECK_MESSAGE(stage.c.find("k")->version() == 2, "and with that the tier has caught up");
    CHECK(stage.kept("k").version == 2);
    CHECK_MESSAGE(stage.c.find("l")->version() == 1, "who does not may be, for the bound that the write named");
    stage.pass(other->pending());
    CHECK(stage.c.find("l")->version() == 2);
}

TEST_CASE("scenario 9, where the database confirms every answer: nothing is trusted") {
    under_each({Under::row_probe, Under::hybrid}, [](Under under) {
        Stage stage(under);
        stage.plant("k", "c1");
        CHECK(stage.a.find_by("c1")->version() == 1);
        stage.gate.set_down(Server::cache, true);
        CHECK(stage.b.rotate("k", "c2")->effective());
        stage.gate.set_down(Server::cache, false);
        CHECK(stage.c.find("k")->version() == 2);
        CHECK_FALSE(stage.c.find_by("c1").get());
        CHECK(stage.c.find_by("c2")->version() == 2);
    });
}
