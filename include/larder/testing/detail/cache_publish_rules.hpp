// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/testing/detail/cache_probe.hpp>

namespace larder {
inline namespace v0 {
namespace testing {
namespace cache_suite {

/// The rules of publish for one key. \param add takes a name and a function of a `Probe&`.
template <class Probe, class Add>
void add_publish_rules(const Add& add) {
    add("a publish ends the lease", [](Probe& probe) {
        const LeaseToken lease = probe.expect_miss();
        probe.publish(2);
        probe.expect_fill(probe.fill(lease, 1), FillOutcome::lost);
        probe.expect_fill(probe.fill(lease, 2), FillOutcome::lost);
    });
    add("a publish ends the lease of a refresh", [](Probe& probe) {
        probe.store(1);
        const LeaseToken lease = probe.look({.refresh = true, .lease_for = probe.units(1000)}).lease;
        probe.publish(2);
        probe.expect_fill(probe.fill(lease, 3), FillOutcome::lost);
    });
    if constexpr (Probe::versioned)
        add("a publish raises the floor under every fill", [](Probe& probe) {
            probe.publish(5);
            const LeaseToken lease = probe.expect_miss();
            probe.expect_fill(probe.fill(lease, 4), FillOutcome::outdated);
            probe.expect_fill(probe.fill(lease, 5), FillOutcome::lost);
            probe.store(5);
            probe.expect_hit(5);
        });
    if constexpr (Probe::versioned)
        add("a publish replaces an older value, fence or no fence", [](Probe& probe) {
            probe.store(1);
            probe.publish(2);
            probe.expect_hit(2);
            probe.publish(4);
            const auto found = probe.expect_hit(4);
            expect(found.age < probe.units(1), "a published value is new");
        });
    if constexpr (Probe::versioned)
        add("a publish below the floor changes nothing but the lease", [](Probe& probe) {
            probe.fence(7);
            probe.publish(5, 7);
            const LeaseToken lease = probe.look({.refresh = true, .lease_for = probe.units(1000)}).lease;
            probe.publish(4);
            probe.expect_hit(5);
            probe.expect_fill(probe.fill(lease, 6), FillOutcome::lost);
            if constexpr (!Probe::is_epoch) {
                probe.withdraw(4);
                probe.expect_hit(5);
            }
        });
    if constexpr (Probe::versioned)
        add("a publish below the value that is there leaves it", [](Probe& probe) {
            probe.store(5);
            probe.publish(4);
            probe.expect_hit(5);
            probe.expel();
            probe.expect_fill(probe.fill(probe.expect_miss(), 3), FillOutcome::outdated);
        });
    if constexpr (Probe::versioned)
        add("a publish below the floor still ends its own fence", [](Probe& probe) {
            probe.fence(7);
            probe.publish(5, 7);
            probe.fence(8);
            probe.publish(4, 8);
            probe.expect_fill(probe.fill(probe.expect_miss(), 4), FillOutcome::outdated);
        });
    add("a late publish does not bring back what was forgotten", [](Probe& probe) {
        probe.fence(7);
        probe.publish(5, 7);
        probe.forget();
        probe.publish(4);
        probe.expect_miss();
    });
    add("nor does a late publish that is repeated, or a later one", [](Probe& probe) {
        probe.publish(4);
        probe.publish(4);
        probe.expect_answer(probe.peek(), Answer::miss);
        probe.publish(5);
        probe.expect_answer(probe.peek(), Answer::miss);
        probe.publish(5);
        probe.expect_answer(probe.peek(), Answer::miss);
        probe.store(6);
        if constexpr (Probe::versioned) {
            probe.publish(7);
            probe.expect_hit(7);
        }
    });
    add("a late publish does not take the place of a load", [](Probe& probe) {
        static_cast<void>(probe.expect_miss());
        probe.publish(4);
        probe.expect_answer(probe.peek(), Answer::miss);
        probe.publish(4);
        probe.expect_answer(probe.peek(), Answer::miss);
    });
    add("a late publish of an expired fence keeps nothing", [](Probe& probe) {
        probe.fence(7, 2);
        probe.pass(4);
        probe.store(5);
        probe.forget();
        probe.publish(4, 7);
        probe.expect_miss();
    });
    if constexpr (Probe::versioned)
        add("a publish is idempotent", [](Probe& probe) {
            probe.fence(7);
            probe.publish(5, 7);
            probe.publish(5, 7);
            probe.expect_hit(5);
            probe.fence(8);
            probe.publish(5, 7);
            probe.expect_bypass();
            probe.publish(6, 8);
            probe.publish(5, 7);
            probe.expect_hit(6);
        });
    if constexpr (Probe::versioned)
        add("after an expel a publish is kept only if its own fence, or a load, says that it is the newest", [](Probe& probe) {
            probe.fence(7);
            probe.publish(5, 7);
            probe.expel();
            probe.publish(6);
            probe.expect_answer(probe.peek(), Answer::miss);
            probe.fence(8);
            probe.publish(7, 8);
            probe.expect_hit(7);
            probe.expel();
            probe.store(8);
            probe.publish(9);
            probe.expect_hit(9);
        });
    if constexpr (Probe::versioned)
        add("a publish older than a value that was there is not kept, though the value has gone", [](Probe& probe) {
            probe.fence(7);
            probe.publish(5, 7);
            const LeaseToken lease = probe.look({.refresh = true, .lease_for = probe.units(1000)}).lease;
            probe.expect_fill(probe.fill(lease, 8), FillOutcome::stored);
            probe.expel();
            probe.publish(6);
            probe.expect_answer(probe.peek(), Answer::miss);
        });
    if constexpr (!Probe::is_epoch)
        add("a publish with nothing to keep drops what is kept", [](Probe& probe) {
            probe.store(1);
            probe.withdraw(2);
            const LeaseToken lease = probe.expect_miss();
            if constexpr (Probe::versioned) probe.expect_fill(probe.fill(lease, 1), FillOutcome::outdated);
        });
    if constexpr (!Probe::is_epoch)
        add("a publish with nothing to keep ends its own fence and no other", [](Probe& probe) {
            probe.fence(7);
            probe.fence(8);
            probe.withdraw(2, 7);
            probe.expect_bypass();
            probe.withdraw(3, 8);
            probe.expect_miss();
        });
    if constexpr (!Probe::versioned)
        add("without a version only a publish under its own fence is kept", [](Probe& probe) {
            probe.publish(1);
            probe.expect_answer(probe.peek(), Answer::miss);
            probe.fence(7);
            probe.publish(1, 7);
            probe.expect_hit(1);
            probe.publish(2);
            probe.expect_miss();
        });
}

/// The rules of the knowledge that there is no row, under a primary or an alternate key.
template <class Probe, class Add>
void add_absence_rules(const Add& add) {
    add("that there is no row can be filled, hit, and ended by an insert", [](Probe& probe) {
        const auto none = [](const typename Probe::Value& value) {
            if constexpr (Probe::is_row)
                return value.absent();
            else
                return !value.has_value();
        };
        probe.expect_fill(answer_of(probe.tier().template fill<Probe::Space>(
                              Probe::key(), {.lease = probe.expect_miss(), .version = 0, .value = {}, .age = {}, .lifetime = probe.long_life()})),
                          FillOutcome::stored);
        const auto found = probe.look();
        probe.expect_answer(found, Answer::hit);
        expect(none(found.value) && found.version == 0, "the hit says that there is no row");
        if constexpr (Probe::versioned) probe.expect_answer(probe.look({.min_version = 1, .want_lease = false}), Answer::miss);
        probe.publish(1);
        probe.expect_answer(probe.peek(), Answer::miss);
        probe.fence(7);
        probe.publish(2, 7);
        probe.expect_hit(2);
    });
    if constexpr (Probe::is_row && Probe::versioned)
        add("after a tombstone nothing older comes back", [](Probe& probe) {
            probe.store(4);
            Publication<typename Probe::Entity> tombstone;
            tombstone.primary = Probe::key();
            tombstone.version = 5;
            tombstone.row.emplace();
            tombstone.lifetime = probe.long_life();
            const LeaseToken lease = probe.look({.refresh = true, .lease_for = probe.units(1000)}).lease;
            probe.publish(tombstone);
            const auto found = probe.look();
            probe.expect_answer(found, Answer::hit);
            expect(found.value.absent() && found.version == 5, "the hit says that there is no row any more");
            probe.expect_fill(probe.fill(lease, 4), FillOutcome::lost);
            probe.publish(4);
            expect(probe.look().value.absent(), "an older publish changes nothing");
            probe.publish(tombstone);
            expect(probe.look().value.absent() && probe.look().answer == Answer::hit, "a tombstone may be published twice");
            probe.expel();
            probe.expect_fill(probe.fill(probe.expect_miss(), 4), FillOutcome::outdated);
        });
}

} // namespace cache_suite
} // namespace testing
} // namespace v0
} // namespace larder
