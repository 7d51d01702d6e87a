// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/testing/detail/cache_probe.hpp>

namespace larder {
inline namespace v0 {
namespace testing {
namespace cache_suite {

/// The rules of fence and expel. \param add takes a name and a function of a `Probe&`.
template <class Probe, class Add>
void add_fence_rules(const Add& add) {
    add("a fence drops the value and its fallback", [](Probe& probe) {
        Lifetime lifetime = probe.long_life();
        lifetime.fallback = probe.units(1000);
        probe.store(1, lifetime);
        probe.fence(7);
        probe.expect_bypass();
        probe.lift(7);
        const auto found = probe.look();
        probe.expect_answer(found, Answer::miss);
        expect(!found.has_fallback, "a fence leaves no fallback");
    });
    add("a fence ends the lease, and none is given while it stands", [](Probe& probe) {
        const LeaseToken lease = probe.expect_miss();
        probe.fence(7);
        probe.expect_fill(probe.fill(lease, 1), FillOutcome::lost);
        probe.expect_bypass();
        probe.expect_answer(probe.peek(), Answer::bypass);
        probe.expect_answer(probe.look({.refresh = true}), Answer::bypass);
        probe.lift(7);
        probe.expect_fill(probe.fill(lease, 1), FillOutcome::lost);
        expect(probe.expect_miss() != lease, "the lease does not come back");
    });
    add("a fence's own publish ends it", [](Probe& probe) {
        probe.fence(7);
        probe.publish(1, 7);
        probe.expect_hit(1);
    });
    add("a fence whose write did not commit is lifted without a trace", [](Probe& probe) {
        probe.store(5);
        probe.fence(7);
        probe.lift(7);
        const auto found = probe.look();
        probe.expect_answer(found, Answer::miss);
        expect(!found.unsettled, "the record is settled");
        probe.expect_fill(probe.fill(found.lease, 5), FillOutcome::stored);
        probe.expect_hit(5);
    });
    add("nobody else's publish ends a fence", [](Probe& probe) {
        probe.fence(7);
        probe.publish(1, 8);
        probe.expect_bypass();
        probe.publish(2, 0);
        probe.expect_bypass();
        probe.publish(3, 7);
        probe.expect_hit(3);
    });
    add("the fences of two writers each end with their own publish", [](Probe& probe) {
        probe.fence(7);
        probe.fence(8);
        probe.publish(1, 7);
        probe.expect_bypass();
        probe.publish(2, 8);
        probe.expect_hit(2);
    });
    if constexpr (Probe::versioned)
        add("the older of two writers cannot bring its version back", [](Probe& probe) {
            probe.fence(7);
            probe.fence(8);
            probe.publish(6, 7);
            probe.expect_bypass();
            probe.publish(5, 8);
            const LeaseToken lease = probe.expect_miss();
            probe.expect_fill(probe.fill(lease, 5), FillOutcome::outdated);
            probe.store(6);
            probe.expect_hit(6);
        });
    add("fencing twice is one fence, the longer one", [](Probe& probe) {
        probe.fence(7, 1000);
        probe.fence(7, 2);
        probe.pass(4);
        probe.expect_bypass();
        probe.publish(1, 7);
        probe.expect_hit(1);
        probe.fence(7, 2);
        probe.fence(7, 1000);
        probe.pass(4);
        probe.expect_bypass();
        probe.lift(7);
        probe.expect_miss();
    });
    add("a fence that ends unpublished leaves the record unsettled until a fill is stored", [](Probe& probe) {
        probe.fence(7, 4);
        probe.pass(2);
        probe.expect_bypass();
        probe.pass(4);
        auto found = probe.look({.lease_for = probe.units(2)});
        probe.expect_answer(found, Answer::miss);
        expect(found.unsettled && found.lease != 0, "the miss says that it is unsettled");
        probe.pass(4);
        probe.expect_fill(probe.fill(found.lease, 1), FillOutcome::lost);
        found = probe.look();
        expect(found.unsettled, "a fill that is lost settles nothing");
        probe.expect_fill(probe.fill(found.lease, 1), FillOutcome::stored);
        expect(!probe.expect_hit(1).unsettled, "a hit is settled");
        probe.expel();
        expect(!probe.look().unsettled, "a fill that is stored settles it");
    });
    add("a record stays unsettled however long nobody looks", [](Probe& probe) {
        probe.fence(7, 2);
        probe.pass(40);
        expect(probe.peek().unsettled, "the record is unsettled");
    });
    add("a fence that ends while another stands leaves the record unsettled as well", [](Probe& probe) {
        probe.fence(7, 2);
        probe.fence(8);
        probe.pass(4);
        probe.expect_bypass();
        probe.publish(2, 8);
        const auto found = probe.look();
        probe.expect_answer(found, Answer::miss);
        expect(found.unsettled, "the other writer's commit may still be on its way");
    });
    add("a publish that comes after its fence's end settles nothing and keeps nothing", [](Probe& probe) {
        probe.fence(7, 2);
        probe.pass(4);
        probe.publish(2, 7);
        const auto found = probe.look();
        probe.expect_answer(found, Answer::miss);
        expect(found.unsettled, "the record is unsettled still");
        if constexpr (Probe::versioned) probe.expect_fill(probe.fill(found.lease, 1), FillOutcome::outdated);
    });
    if constexpr (Probe::versioned)
        add("a fence raises the floor to the version that it drops", [](Probe& probe) {
            probe.store(5);
            probe.fence(7);
            probe.lift(7);
            probe.expect_fill(probe.fill(probe.expect_miss(), 4), FillOutcome::outdated);
            probe.store(5);
        });
    add("a fenced record is not forgotten", [](Probe& probe) {
        probe.store(1);
        probe.fence(7);
        probe.forget();
        probe.expect_bypass();
        probe.publish(2, 7);
        probe.expect_hit(2);
    });
    add("expel drops the value, its fallback and the lease", [](Probe& probe) {
        Lifetime lifetime = probe.long_life();
        lifetime.fallback = probe.units(1000);
        probe.store(1, lifetime);
        const LeaseToken lease = probe.look({.refresh = true, .lease_for = probe.units(1000)}).lease;
        probe.expel();
        probe.expect_fill(probe.fill(lease, 2), FillOutcome::lost);
        const auto found = probe.look();
        probe.expect_answer(found, Answer::miss);
        expect(found.lease != 0 && !found.has_fallback, "nothing is left of the value");
    });
    if constexpr (Probe::versioned)
        add("expel leaves floors", [](Probe& probe) {
            probe.fence(7);
            probe.publish(5, 7);
            probe.expel();
            probe.expect_fill(probe.fill(probe.expect_miss(), 4), FillOutcome::outdated);
            probe.publish(4);
            probe.expect_miss();
        });
    add("expel leaves fences", [](Probe& probe) {
        probe.fence(7);
        probe.expel();
        probe.expect_bypass();
    });
    add("what is expelled while a fence stands is not brought back by what the fence's owner publishes", [](Probe& probe) {
        probe.fence(7);
        probe.expel();
        probe.fence(7);
        probe.publish(1, 7);
        probe.expect_answer(probe.peek(), Answer::miss);
        probe.fence(8);
        probe.publish(2, 8);
        probe.expect_hit(2);
    });
    add("expel of an unknown key is nothing", [](Probe& probe) {
        probe.expel();
        probe.store(1);
    });
}

} // namespace cache_suite
} // namespace testing
} // namespace v0
} // namespace larder
