// SPDX-License-Identifier: BSL-1.0
#include "scenario.hpp"

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>

#include <cstddef>
#include <vector>

using namespace scenarios;

TEST_CASE("scenario 24: 10,000 concurrent misses: one fill for each lease, bounded waiters") {
    Stage stage(Under::write_through, {}, {}, 20);
    stage.plant("k", "c1");
    const auto load = stage.a.hold("load of row k");
    std::vector<Pending<Found<Ticket>>> reads;
    for (Stage::Client& client : stage.clients()) {
        for (int i = 0; i < 500; ++i) reads.push_back(client.begin_find("k"));
        stage.pass(1ms);
    }
    REQUIRE(load.there());
    stage.pass(30ms);
    CHECK_MESSAGE(stage.gate.count("load of row k") == 0, "who waits for a lease loads nothing");
    load.go();
    stage.pass(64ms);
    int answered = 0;
    for (const auto& each : reads) answered += each.done() && each->version() == 1;
    CHECK(answered == 10000);
    CHECK(stage.gate.count("load of row k") == 1);
    CHECK(stage.gate.count("fill row k") == 1);
    CHECK(stage.gate.count("fill row k v1 -> stored") == 1);
    CHECK_MESSAGE(stage.gate.count("1: lookup row k -> miss with a lease") == 1, "one caller asks for all of its process");
    CHECK_MESSAGE(stage.gate.count("lookup row k -> wait") <= 19 * 6, "and polls ever more slowly while another process fills");
    CHECK(stage.gate.count("lookup row k") <= 1 + 19 * 7);
    CHECK(stage.free("k", "c1"));
}

namespace {

/// A has the lease and dies with it; B and C wait for it.
struct Inherited {
    std::size_t loads = 0;
    std::size_t stored = 0;
    Level next = Level::database;
};

Inherited dead_lease_holder(Off off = {}) {
    Stage stage(Under::write_through, off);
    stage.plant("k", "c1");
    const auto load = stage.a.hold("load of row k");
    stage.a.find("k");
    REQUIRE(load.there());
    std::vector<Pending<Found<Ticket>>> reads;
    for (int i = 0; i < 100; ++i) reads.push_back((i % 2 == 0 ? stage.b : stage.c).begin_find("k"));
    stage.settle();
    stage.a.die();
    stage.pass(Stage::lease_for - 1ms);
    CHECK(stage.gate.count("load of row k") == 0);
    stage.pass(Stage::lease_for);
    for (const auto& each : reads) CHECK(each->version() == 1);
    const std::size_t loads = stage.gate.count("load of row k");
    const auto next = stage.c.find("k");
    stage.pass(2 * Stage::lease_for);
    return {loads, stage.gate.count("fill row k v1 -> stored"), next->source()};
}

} // namespace

TEST_CASE("scenario 24, the holder of the lease dies: one waiter has the next lease when that one ends") {
    const auto inherited = dead_lease_holder();
    CHECK_MESSAGE(inherited.loads <= 2, "a process that has waited for as long as a lease lasts loads without filling");
    CHECK(inherited.stored == 1);
    CHECK(inherited.next == Level::shared);
    const auto unguarded = dead_lease_holder({Guard::lease_expiry});
    CHECK_MESSAGE(unguarded.stored == 0, "a lease without an end lets nobody fill any more");
    CHECK(unguarded.next == Level::database);
}

TEST_CASE("scenario 25: one waiter is cancelled: the others get their answer") {
    under_each(each_kind, [](Under under) {
        for (const std::size_t cancelled : {std::size_t{0}, std::size_t{1}, std::size_t{3}}) {
            Stage stage(under);
            stage.plant("k", "c1");
            const auto load = stage.a.hold("load of row k");
            std::vector<boost::asio::cancellation_signal> signals(4);
            std::vector<Pending<Found<Ticket>>> reads;
            for (auto& signal : signals) reads.push_back(stage.a.begin_find("k", signal.slot()));
            stage.settle();
            REQUIRE(load.there());
            signals[cancelled].emit(boost::asio::cancellation_type::terminal);
            stage.settle();
            CHECK(reads[cancelled]->error().code == boost::asio::error::operation_aborted);
            for (std::size_t i = 0; i < reads.size(); ++i) CHECK(reads[i].done() == (i == cancelled));
            load.go();
            for (std::size_t i = 0; i < reads.size(); ++i)
                if (i != cancelled) CHECK(reads[i]->version() == 1);
            CHECK_MESSAGE(stage.gate.count("load of row k -> v1") == (under == Under::hybrid ? 2 : 1), "whoever led");
            CHECK(stage.free("k", "c1"));
        }
    });
}
