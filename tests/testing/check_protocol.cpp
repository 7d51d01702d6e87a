// SPDX-License-Identifier: BSL-1.0
#include <larder/testing/check_protocol.hpp>

#include <larder/cache/memory.hpp>
#include <larder/database/memory.hpp>
#include <larder/policy/write_through.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <utility>

using namespace larder;
using namespace larder::testing;

namespace {

/// Repositories whose own tiers are put to the test.
using Embedded = CachedRepository<Ticket, Stack<MemoryCache, MemoryDatabase>, WriteThrough>;
using Front = SimParts<ReferenceTier, MemoryDatabase, MemoryCache>;

ProtocolOptions without(Guard guard, std::uint64_t schedules) {
    ProtocolOptions options;
    options.schedules = schedules;
    options.shrink_attempts = 300;
    options.disabled.add(guard);
    return options;
}

} // namespace

TEST_CASE("check_protocol: policies and tiers that ship keep their promises under every fault") {
    ProtocolOptions options;
    options.schedules = 200;
    ProtocolReport report;
    SUBCASE("WriteThrough, with a tier in front") { report = check_protocol<WriteThrough, true>(options); }
    SUBCASE("a repository's own tier and database") { report = check_protocol<Embedded>(options); }
    CHECK_MESSAGE(report, fmt::format("{}", report));
    CHECK(report.schedules == options.schedules);
    CHECK(report.operations > options.schedules * 10);
    CHECK(report.faults.injected(Fault::request_lost) > 0);
    CHECK(report.faults.injected(Fault::crash) > 0);
    CHECK(report.faults.injected(Fault::commit_stall) > 0);
    CHECK(fmt::format("{}", report).ends_with("no violation"));
}

TEST_CASE("check_protocol: a guard that is switched off is missed") {
    ProtocolReport report;
    SUBCASE("the fence") { report = check_protocol<WriteThrough, true>(without(Guard::fence, 2000)); }
    SUBCASE("the expiry of leases") { report = check_protocol<WriteThrough, true>(without(Guard::lease_expiry, 1000)); }
    SUBCASE("the verification of aliases") { report = check_protocol<WriteThrough, true>(without(Guard::alias_verification, 1000)); }
    SUBCASE("the floor, in a repository's own tier") { report = check_protocol<Embedded>(without(Guard::floor_on_fill, 1000)); }
    REQUIRE(report.violation);
    CHECK(!report.trace.empty());
    const std::string told = fmt::format("{}", report);
    CHECK(told.find(report.violation->what) != std::string::npos);
    CHECK(told.find(report.trace.back()) != std::string::npos);
    CHECK(told.find(text_of(report.choices)) != std::string::npos);
}

TEST_CASE("check_protocol: a violation is replayed by what its report says") {
    ProtocolOptions options = without(Guard::fence, 2000);
    const auto first = check_protocol<WriteThrough, true>(options);
    REQUIRE(first.violation);
    options.order = first.order;
    options.replay = record_of(text_of(first.choices));
    const auto again = check_protocol<WriteThrough, true>(options);
    REQUIRE(again.violation);
    CHECK(again.schedules == 1);
    CHECK(again.violation->what == first.violation->what);
    CHECK(again.trace == first.trace);

    options.disabled = {};
    CHECK(check_protocol<WriteThrough, true>(options));
}

TEST_CASE("check_protocol: the same choices make the same run, and others another") {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        const auto hash_of = [](Choices& choices, Order order) {
            WorldOptions options;
            options.order = order;
            return World<WriteThrough, Front>(choices, std::move(options)).run().hash;
        };
        for (const Order order : {Order::uniform, Order::pct}) {
            Choices first(seed), second(seed), other(seed + 1000);
            const auto hash = hash_of(first, order);
            CHECK(hash_of(second, order) == hash);
            CHECK(hash_of(other, order) != hash);
            Choices replay(first.record());
            CHECK(hash_of(replay, order) == hash);
        }
    }
}

TEST_CASE("faults: a class has its own kinds, and all of them have one") {
    for (std::size_t kind = 0; kind < fault_class_count; ++kind) {
        const Faults faults = Faults::of(static_cast<FaultClass>(kind));
        for (std::size_t i = 0; i < fault_count; ++i) {
            const auto fault = static_cast<Fault>(i);
            CHECK(faults.allows(fault) == (static_cast<FaultClass>(kind) == FaultClass::all || class_of(fault) == static_cast<FaultClass>(kind)));
            CHECK(class_of(fault) != FaultClass::all);
            CHECK(class_of(fault) != FaultClass::none);
        }
    }
}

TEST_CASE("faults: each has a rate of its own") {
    const auto injected = [](std::uint32_t times) {
        WorldOptions options;
        options.faults = Faults().allow(Fault::reply_lost).once_in(Fault::reply_lost, times);
        std::uint64_t sum = 0;
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            Choices choices(seed);
            sum += World<WriteThrough, Front>(choices, options).run().faults.injected(Fault::reply_lost);
        }
        return sum;
    };
    const auto rare = injected(200);
    CHECK(rare > 0);
    CHECK(injected(10) > 5 * rare);
    CHECK(Faults().rarity(Fault::crash) < Faults().rarity(Fault::request_lost));
}
