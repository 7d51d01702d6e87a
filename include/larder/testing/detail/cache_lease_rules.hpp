// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/testing/detail/cache_probe.hpp>

#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {
namespace cache_suite {

/// Makes a sample row larger than so many bytes.
inline void inflate(Pass& row, std::size_t bytes) { row.note.assign(bytes, 'x'); }
inline void inflate(Reading& row, std::size_t bytes) { row.batch = std::string(bytes, 'x'); }
inline void inflate(Setting& row, std::size_t bytes) { row.value.assign(bytes, 'x'); }

/// The rules of lookup and fill. \param add takes a name and a function of a `Probe&`.
template <class Probe, class Add>
void add_lease_rules(const Add& add) {
    add("an unknown key misses, with a lease only if one is wanted", [](Probe& probe) {
        const auto peeked = probe.peek();
        probe.expect_answer(peeked, Answer::miss);
        expect(peeked.lease == 0, "there is no lease unasked");
        expect(!peeked.has_fallback && !peeked.unsettled, "an unknown key has no fallback and is settled");
        probe.expect_miss();
    });
    add("what is filled under the lease is hit", [](Probe& probe) {
        probe.expect_fill(probe.fill(probe.expect_miss(), 3), FillOutcome::stored);
        const auto found = probe.expect_hit(3);
        expect(found.lease == 0 && !found.refresh_due && !found.has_fallback, "a plain hit comes with nothing else");
        expect(found.remaining > Duration::zero() && found.remaining <= probe.long_life().serve, "a hit says how long it may still be served");
    });
    add("while a lease stands, lookups wait", [](Probe& probe) {
        const LeaseToken lease = probe.expect_miss();
        for (int i = 0; i < 3; ++i) {
            const auto found = probe.look();
            probe.expect_answer(found, Answer::wait);
            expect(found.lease == 0, "who waits gets no lease");
        }
        probe.expect_fill(probe.fill(lease, 1), FillOutcome::stored);
        probe.expect_hit(1);
    });
    add("a fill without the lease is lost", [](Probe& probe) {
        probe.expect_fill(probe.fill(0, 1), FillOutcome::lost);
        probe.expect_fill(probe.fill(4711, 1), FillOutcome::lost);
        const LeaseToken lease = probe.expect_miss();
        probe.expect_fill(probe.fill(0, 1), FillOutcome::lost);
        probe.expect_fill(probe.fill(lease + 1, 1), FillOutcome::lost);
        probe.expect_fill(probe.fill(lease, 1), FillOutcome::stored);
    });
    add("a lease is good for one fill", [](Probe& probe) {
        const LeaseToken lease = probe.expect_miss();
        probe.expect_fill(probe.fill(lease, 1), FillOutcome::stored);
        probe.expect_fill(probe.fill(lease, 2), FillOutcome::lost);
        probe.expect_fill(probe.fill(0, 2), FillOutcome::lost);
        probe.expect_hit(1);
    });
    add("a lease that has expired is lost, and another is given", [](Probe& probe) {
        const auto first = probe.look({.lease_for = probe.units(4)});
        probe.pass(6);
        probe.expect_fill(probe.fill(first.lease, 1), FillOutcome::lost);
        const LeaseToken second = probe.expect_miss();
        expect(second != first.lease, "each load has a lease of its own");
        probe.expect_fill(probe.fill(first.lease, 1), FillOutcome::lost);
        probe.expect_fill(probe.fill(second, 2), FillOutcome::stored);
        probe.expect_hit(2);
    });
    add("a lease of no length is over at once", [](Probe& probe) {
        const auto found = probe.look({.lease_for = Duration::zero()});
        probe.expect_fill(probe.fill(found.lease, 1), FillOutcome::lost);
        probe.store(1);
    });
    add("an expelled lease does not come back with the next one", [](Probe& probe) {
        const LeaseToken first = probe.expect_miss();
        probe.expel();
        probe.expect_fill(probe.fill(first, 1), FillOutcome::lost);
        const LeaseToken second = probe.expect_miss();
        expect(second != first, "each load has a lease of its own");
        probe.expect_fill(probe.fill(first, 1), FillOutcome::lost);
        probe.expect_answer(probe.look(), Answer::wait);
        probe.expect_fill(probe.fill(second, 2), FillOutcome::stored);
        probe.expect_hit(2);
    });
    add("what is forgotten takes the right to fill it along", [](Probe& probe) {
        const LeaseToken lease = probe.expect_miss();
        probe.forget();
        probe.expect_fill(probe.fill(lease, 1), FillOutcome::lost);
        probe.expect_miss();
    });
    add("a value older than min_version is a miss, and stays for others", [](Probe& probe) {
        probe.store(5);
        probe.expect_hit(5, probe.look({.min_version = probe.version(5)}));
        if constexpr (Probe::versioned) {
            const auto found = probe.look({.min_version = 6, .lease_for = probe.units(1000)});
            probe.expect_answer(found, Answer::miss);
            expect(found.lease != 0, "the miss gives a lease");
            expect(!found.has_fallback, "there is no fallback older than min_version");
            probe.expect_hit(5);
            probe.expect_answer(probe.look({.min_version = 6}), Answer::wait);
            probe.expect_fill(probe.fill(found.lease, 6), FillOutcome::stored);
            probe.expect_hit(6, probe.look({.min_version = 6}));
        }
    });
    add("a value older than max_age is a miss, and stays for others", [](Probe& probe) {
        probe.store(1);
        probe.pass(4);
        const auto peeked = probe.look({.max_age = probe.units(2), .want_lease = false});
        probe.expect_answer(peeked, Answer::miss);
        expect(peeked.lease == 0, "there is no lease unasked");
        const auto refreshed = probe.look({.max_age = probe.units(2), .want_lease = false, .refresh = true});
        expect(refreshed.answer == Answer::miss && refreshed.lease == 0, "not even for a refresh");
        const auto found = probe.look({.max_age = probe.units(2), .lease_for = probe.units(1000)});
        probe.expect_answer(found, Answer::miss);
        expect(found.lease != 0, "the miss gives a lease");
        expect(!found.has_fallback, "a value with no fallback time is no fallback");
        expect(probe.expect_hit(1).age >= probe.units(4), "the age counts from the load");
        probe.expect_hit(1, probe.look({.max_age = probe.units(1000)}));
        probe.expect_fill(probe.fill(found.lease, 2), FillOutcome::stored);
        probe.expect_hit(2, probe.look({.max_age = probe.units(2)}));
    });
    add("the age and the lifetime count from before the load", [](Probe& probe) {
        probe.expect_fill(probe.fill(probe.expect_miss(), 1, {.serve = probe.units(10)}, probe.units(6)), FillOutcome::stored);
        const auto found = probe.expect_hit(1);
        expect(found.age >= probe.units(6), "the value is as old as its load");
        expect(found.remaining <= probe.units(4), "and may be served that much less");
        probe.expect_answer(probe.look({.max_age = probe.units(5), .want_lease = false}), Answer::miss);
        probe.pass(6);
        probe.expect_miss();
    });
    add("a refreshing lookup is given a lease with its hit, the next one none", [](Probe& probe) {
        probe.store(1);
        const Demand demand{.refresh = true, .lease_for = probe.units(1000)};
        const LeaseToken lease = probe.expect_hit(1, probe.look(demand)).lease;
        expect(lease != 0, "the hit comes with a lease");
        expect(probe.expect_hit(1, probe.look(demand)).lease == 0, "one lease stands at a time");
        probe.expect_hit(1);
        probe.expect_fill(probe.fill(lease, 2), FillOutcome::stored);
        probe.expect_hit(2);
    });
    add("a lookup that would refresh what is not there misses like any other", [](Probe& probe) {
        const auto found = probe.look({.refresh = true, .lease_for = probe.units(1000)});
        probe.expect_answer(found, Answer::miss);
        probe.expect_fill(probe.fill(found.lease, 1), FillOutcome::stored);
    });
    if constexpr (Probe::is_row)
        add("a value too large for the tier is refused, and its lease ends", [](Probe& probe) {
            constexpr std::size_t bound = 1 << 16;
            Probe small(probe.fixture(), bound);
            auto row = sample_row<typename Probe::Entity>(1, 2);
            inflate(row, bound);
            const LeaseToken lease = small.expect_miss();
            FillRequest<typename Probe::Value> request{.lease = lease, .version = small.version(2), .value = {}, .age = {}, .lifetime = small.long_life()};
            request.value.full = std::make_shared<const typename Probe::Entity>(row);
            const auto value = request.value;
            small.expect_fill(answer_of(small.tier().template fill<Probe::Space>(Probe::key(), std::move(request))), FillOutcome::refused);
            small.expect_fill(small.fill(lease, 2), FillOutcome::lost);
            small.store(2);
            Publication<typename Probe::Entity> publication;
            publication.primary = Probe::key();
            publication.version = small.version(3);
            publication.row = value;
            publication.lifetime = small.long_life();
            small.publish(publication);
            small.expect_miss();
        });
    add("batches answer in the order of their keys", [](Probe& probe) {
        using Entity = typename Probe::Entity;
        constexpr std::size_t Space = Probe::Space;
        using Key = typename Probe::Key;
        const std::vector<std::int64_t> numbers{11, 21, 31, 11};
        std::vector<Key> keys;
        for (const std::int64_t number : numbers) keys.push_back(*key_of<Space>(sample_row<Entity>(number)));
        const Demand demand{.lease_for = probe.units(1000)};
        const auto found = answer_of(probe.tier().template lookup_many<Space>(std::span<const Key>(keys), demand));
        expect(found.size() == 4, "there is an answer for each key");
        for (std::size_t i = 0; i < 3; ++i) expect(found[i].answer == Answer::miss && found[i].lease != 0, "each key of a batch has its lease");
        expect(found[3].answer == Answer::wait, "a key that comes twice waits for itself");
        std::vector<FillRequest<typename Probe::Value>> requests;
        for (std::uint64_t i = 0; i < 4; ++i)
            requests.push_back({.lease = found[i % 3].lease, .version = probe.version(i + 1), .value = probe.value(i + 1, numbers[i]), .age = {}, .lifetime = probe.long_life()});
        requests[1].lease += 1;
        const auto outcomes = answer_of(probe.tier().template fill_many<Space>(std::span<const Key>(keys), std::move(requests)));
        const std::vector wanted{FillOutcome::stored, FillOutcome::lost, FillOutcome::stored, FillOutcome::lost};
        expect(std::vector(outcomes.begin(), outcomes.end()) == wanted, "each fill of a batch has its outcome");
        const auto again = answer_of(probe.tier().template lookup_many<Space>(std::span<const Key>(keys), demand));
        probe.expect_answer(again[1], Answer::wait);
        for (const std::size_t i : {0U, 2U, 3U}) {
            probe.expect_answer(again[i], Answer::hit);
            expect(probe.is_edition(again[i].value, i % 3 + 1, numbers[i]), "each key of a batch has its own value");
        }
        expect(answer_of(probe.tier().template lookup_many<Space>(std::span<const Key>(), demand)).empty(), "a batch may be empty");
        expect(answer_of(probe.tier().template fill_many<Space>(std::span<const Key>(), std::vector<FillRequest<typename Probe::Value>>())).empty(), "a batch may be empty");
    });
}

} // namespace cache_suite
} // namespace testing
} // namespace v0
} // namespace larder
