// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/testing/detail/cache_probe.hpp>

#include <utility>

namespace larder {
inline namespace v0 {
namespace testing {
namespace cache_suite {

/// The rules of lifetimes and fallbacks. \param add takes a name and a function of a `Probe&`.
template <class Probe, class Add>
void add_time_rules(const Add& add) {
    add("a value is served until its time and no longer", [](Probe& probe) {
        probe.store(1, probe.short_life());
        probe.pass(2);
        probe.expect_hit(1);
        probe.pass(4);
        const auto found = probe.look();
        probe.expect_answer(found, Answer::miss);
        expect(!found.has_fallback, "a value with no fallback time is no fallback");
        probe.expect_fill(probe.fill(found.lease, 1), FillOutcome::stored);
        probe.expect_hit(1);
    });
    add("a published value is served until its time and no longer", [](Probe& probe) {
        probe.fence(7);
        probe.publish(1, 7, probe.short_life());
        probe.pass(2);
        probe.expect_hit(1);
        probe.pass(4);
        probe.expect_miss();
    });
    add("a lifetime that is over already ends the lease and keeps nothing", [](Probe& probe) {
        for (const Lifetime& over : {Lifetime{}, Lifetime{.serve = -probe.units(1)}, Lifetime{.serve = Duration::zero(), .fallback = probe.units(1000)}}) {
            const LeaseToken lease = probe.expect_miss();
            probe.expect_fill(probe.fill(lease, 1, over), FillOutcome::stored);
            probe.expect_fill(probe.fill(lease, 1), FillOutcome::lost);
            expect(!probe.peek().has_fallback, "there is no fallback either");
        }
        const LeaseToken lease = probe.expect_miss();
        probe.expect_fill(probe.fill(lease, 1, probe.short_life(), probe.units(5)), FillOutcome::stored);
        probe.expect_fill(probe.fill(lease, 1), FillOutcome::lost);
        probe.expect_miss();
    });
    if constexpr (Probe::versioned)
        add("a lifetime that is over already ends an older value", [](Probe& probe) {
            probe.store(1);
            const LeaseToken lease = probe.expect_hit(1, probe.look({.refresh = true, .lease_for = probe.units(1000)})).lease;
            probe.expect_fill(probe.fill(lease, 2, Lifetime{}), FillOutcome::stored);
            probe.expect_miss();
        });
    add("a lease can be given back: a fill of nothing, with no lifetime, ends nothing else", [](Probe& probe) {
        const auto give_back = [&probe](LeaseToken lease) {
            FillRequest<typename Probe::Value> nothing;
            nothing.lease = lease;
            static_cast<void>(answer_of(probe.tier().template fill<Probe::Space>(Probe::key(), std::move(nothing))));
        };
        give_back(probe.expect_miss());
        Lifetime lifetime = probe.short_life();
        lifetime.fallback = probe.units(1000);
        probe.store(1, lifetime);
        give_back(probe.look({.refresh = true, .lease_for = probe.units(1000)}).lease);
        probe.expect_hit(1);
        probe.pass(6);
        give_back(probe.expect_miss());
        expect(probe.peek().has_fallback, "the fallback stays");
        probe.store(2);
        probe.fence(7, 2);
        probe.pass(4);
        give_back(probe.expect_miss());
        expect(probe.peek().unsettled, "the record stays unsettled");
        expect(probe.expect_miss() != 0, "another lease is given");
    });
    add("a publish whose lifetime is over keeps nothing", [](Probe& probe) {
        probe.fence(7);
        probe.publish(1, 7);
        probe.expect_hit(1);
        probe.fence(8);
        probe.publish(2, 8, Lifetime{});
        const auto found = probe.look();
        probe.expect_answer(found, Answer::miss);
        expect(!found.has_fallback, "what was published replaces what was there all the same");
        if constexpr (Probe::versioned) probe.expect_fill(probe.fill(found.lease, 1), FillOutcome::outdated);
    });
    add("from its refresh-ahead age on, a hit says so", [](Probe& probe) {
        Lifetime lifetime = probe.long_life();
        lifetime.refresh_after = probe.units(4);
        probe.store(1, lifetime);
        expect(!probe.expect_hit(1).refresh_due, "it is not due at once");
        probe.pass(6);
        expect(probe.expect_hit(1).refresh_due, "it is due later");
        const LeaseToken lease = probe.look({.refresh = true, .lease_for = probe.units(1000)}).lease;
        probe.expect_fill(probe.fill(lease, 2, lifetime), FillOutcome::stored);
        expect(!probe.expect_hit(2).refresh_due, "a new value is not");
    });
    add("past its time a value is a fallback, until its fallback time", [](Probe& probe) {
        Lifetime lifetime = probe.short_life();
        lifetime.fallback = probe.units(6);
        probe.store(1, lifetime);
        expect(!probe.expect_hit(1).has_fallback, "a hit is no fallback");
        probe.pass(6);
        auto found = probe.look({.lease_for = probe.units(1)});
        probe.expect_answer(found, Answer::miss);
        expect(found.has_fallback && probe.is_edition(found.value, 1) && found.version == probe.version(1), "the miss comes with the fallback");
        expect(found.lease != 0, "and with a lease");
        expect(found.age >= probe.units(6), "the fallback says its age");
        probe.pass(2);
        if constexpr (Probe::versioned) {
            found = probe.look({.min_version = 2, .want_lease = false});
            expect(!found.has_fallback, "there is no fallback older than min_version");
        }
        expect(probe.peek().has_fallback, "looking does not use it up");
        probe.pass(4);
        found = probe.peek();
        probe.expect_answer(found, Answer::miss);
        expect(!found.has_fallback, "the fallback has ended");
    });
    add("a fallback ends in its time though a load is under way", [](Probe& probe) {
        Lifetime lifetime = probe.short_life();
        lifetime.fallback = probe.units(4);
        probe.store(1, lifetime);
        probe.pass(6);
        expect(probe.look().has_fallback, "the value is a fallback");
        expect(probe.peek().has_fallback, "for those who wait, too");
        probe.pass(4);
        expect(!probe.peek().has_fallback, "the fallback has ended");
    });
    add("a fill replaces the fallback", [](Probe& probe) {
        Lifetime lifetime = probe.short_life();
        lifetime.fallback = probe.units(1000);
        probe.store(1, lifetime);
        probe.pass(6);
        probe.store(2);
        probe.expect_hit(2);
    });
    add("expire makes a fallback of a value, and ends its lease", [](Probe& probe) {
        Lifetime lifetime = probe.long_life();
        lifetime.fallback = probe.units(1000);
        probe.store(1, lifetime);
        const LeaseToken lease = probe.look({.refresh = true, .lease_for = probe.units(1000)}).lease;
        probe.expire();
        probe.expect_fill(probe.fill(lease, 2), FillOutcome::lost);
        const auto found = probe.look();
        probe.expect_answer(found, Answer::miss);
        expect(found.has_fallback && probe.is_edition(found.value, 1), "the value is a fallback now");
        probe.expect_fill(probe.fill(found.lease, 2), FillOutcome::stored);
        probe.expect_hit(2);
    });
    add("expire does not lengthen a fallback's time", [](Probe& probe) {
        Lifetime lifetime = probe.short_life();
        lifetime.fallback = probe.units(2);
        probe.store(1, lifetime);
        probe.expire();
        expect(probe.peek().has_fallback, "the value is a fallback now");
        probe.pass(4);
        probe.expire();
        probe.pass(4);
        expect(!probe.peek().has_fallback, "the fallback ends when it would have");
    });
    add("expire drops a value that may be no fallback", [](Probe& probe) {
        probe.store(1);
        probe.expire();
        const auto found = probe.look();
        probe.expect_answer(found, Answer::miss);
        expect(!found.has_fallback, "a value with no fallback time is no fallback");
    });
    add("expire leaves fences and unknown keys alone", [](Probe& probe) {
        probe.expire();
        probe.fence(7);
        probe.expire();
        probe.expect_bypass();
    });
    add("what is expired while a fence stands is not brought back by what the fence's owner publishes", [](Probe& probe) {
        probe.fence(7);
        probe.expire();
        probe.publish(1, 7);
        probe.expect_answer(probe.peek(), Answer::miss);
        probe.store(2);
    });
}

} // namespace cache_suite
} // namespace testing
} // namespace v0
} // namespace larder
