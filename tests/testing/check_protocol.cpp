// SPDX-License-Identifier: BSL-1.0
#include <larder/testing/check_protocol.hpp>

#include <larder/policy/versioned.hpp>
#include <larder/policy/write_through.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

using namespace larder;
using namespace larder::testing;

namespace {

std::string lines_of(const ProtocolReport& report) {
    std::string text = report.violation ? report.violation->what + "\n" : std::string();
    for (const auto& line : report.trace) text += line + "\n";
    return text;
}

ProtocolOptions without(Guard guard, std::uint64_t schedules) {
    ProtocolOptions options;
    options.schedules = schedules;
    options.disabled.add(guard);
    options.shrink_attempts = 50;
    return options;
}

} // namespace

TEST_CASE("check_protocol: the shipped policies keep their promises under every fault") {
    ProtocolOptions options;
    options.schedules = 200;
    ProtocolReport report;
    SUBCASE("WriteThrough, with a tier in front") { report = check_protocol<WriteThrough, true>(options); }
    SUBCASE("Versioned<group_epoch>") { report = check_protocol<Versioned<group_epoch>>(options); }
    CHECK_MESSAGE(report, lines_of(report));
    CHECK(report.schedules == options.schedules);
    CHECK(report.operations > options.schedules * 10);
    CHECK(report.faults.injected(Fault::request_lost) > 0);
    CHECK(report.faults.injected(Fault::crash) > 0);
    CHECK(report.faults.injected(Fault::commit_stall) > 0);
}

TEST_CASE("check_protocol: a guard that is switched off is missed") {
    ProtocolReport report;
    SUBCASE("the fence") { report = check_protocol<WriteThrough, true>(without(Guard::fence, 1000)); }
    SUBCASE("the expiry of leases") { report = check_protocol<WriteThrough, true>(without(Guard::lease_expiry, 1000)); }
    SUBCASE("the verification of aliases") { report = check_protocol<WriteThrough, true>(without(Guard::alias_verification, 1000)); }
    SUBCASE("who may share an answer") { report = check_protocol<Versioned<group_epoch>>(without(Guard::share_rule, 1000)); }
    REQUIRE(report.violation);
    CHECK(!report.trace.empty());
    CHECK(!report.choices.empty());
}

TEST_CASE("check_protocol: the same choices make the same run") {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        Choices first(seed);
        const WorldResult original = World<WriteThrough, true>(first, {}).run();
        Choices second(seed);
        CHECK(World<WriteThrough, true>(second, {}).run().hash == original.hash);
        Choices replay(first.record());
        CHECK(World<WriteThrough, true>(replay, {}).run().hash == original.hash);
    }
}
