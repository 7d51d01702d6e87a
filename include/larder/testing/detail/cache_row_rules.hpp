// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/testing/detail/cache_probe.hpp>

#include <memory>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {
namespace cache_suite {

/// The rules that span several keys, told with passes. \param add takes a name and a function of a `Fixture&`.
template <class Fixture, class Add>
void add_row_rules(const Add& add) {
    using Row = CacheProbe<Fixture, Pass, 0>;
    constexpr std::size_t code = space_of_v<Pass, &Pass::code>;
    constexpr std::size_t badge = space_of_v<Pass, &Pass::badge>;
    constexpr std::size_t holder = space_of_v<Pass, &Pass::holder_id>;

    /// A tier with the words of these rules.
    struct Story : Row {
        using Row::Row;

        Publication<Pass> written(std::int64_t number, Version version, FenceOwner owner) const {
            Publication<Pass> publication;
            publication.primary = number;
            publication.version = version;
            publication.row = CachedRow<Pass>{std::make_shared<const Pass>(sample_row<Pass>(number, version)), nullptr, 0};
            publication.lifetime = this->long_life();
            publication.owner = owner;
            return publication;
        }
        void fence_code(const std::string& text, FenceOwner owner) {
            KeySet<Pass> set;
            set.template add<code>(text);
            done([&] { return this->tier().fence(set, owner, this->units(1000)); });
        }
        auto look_code(const std::string& text) { return answer_of(this->tier().template lookup<code>(text, {.lease_for = this->units(1000)})); }
        FillOutcome fill_code(const std::string& text, LeaseToken lease, std::int64_t number, Version version) {
            return answer_of(this->tier().template fill<code>(text, {.lease = lease, .version = version, .value = number, .age = {}, .lifetime = this->long_life()}));
        }
        bool leads(const std::string& text, std::int64_t number) {
            const auto found = look_code(text);
            return found.answer == Answer::hit && found.value == number;
        }
    };

    add("a fence covers every key that it is given, a publish every key that it names", [](Fixture& fixture) {
        Story story(fixture);
        const Pass row = sample_row<Pass>(1, 3);
        KeySet<Pass> keys;
        keys.add_all_of(row);
        keys.template add<holder>(row.holder_id);
        done([&] { return story.tier().fence(keys, 7, story.units(1000)); });
        story.expect_bypass();
        expect(story.look_code(row.code).answer == Answer::bypass, "the first alternate key is fenced");
        expect(answer_of(story.tier().template lookup<badge>(*row.badge, Demand{})).answer == Answer::bypass, "the second alternate key is fenced");
        expect(answer_of(story.tier().template lookup<holder>(row.holder_id, Demand{})).answer == Answer::bypass, "the epoch is fenced");
        auto publication = story.written(1, 3, 7);
        publication.row->stamp = 3;
        publication.aliases.add_all_of(row);
        publication.epoch_keys.template add<holder>(row.holder_id);
        publication.epoch = 12;
        story.publish(publication);
        story.expect_hit(3);
        expect(story.leads(row.code, 1), "the first alternate key leads to the row");
        expect(answer_of(story.tier().template lookup<badge>(*row.badge, Demand{})).value == 1, "the second alternate key leads to the row");
        const auto epoch = answer_of(story.tier().template lookup<holder>(row.holder_id, Demand{}));
        expect(epoch.answer == Answer::hit && epoch.value == 12, "the epoch has moved");
    });
    add("several publications are applied together", [](Fixture& fixture) {
        Story story(fixture);
        std::vector<Publication<Pass>> publications;
        KeySet<Pass> keys;
        for (std::int64_t number = 1; number <= 3; ++number) {
            keys.template add<0>(number);
            publications.push_back(story.written(number, 2, 7));
        }
        done([&] { return story.tier().fence(keys, 7, story.units(1000)); });
        done([&] { return story.tier().publish(std::span<const Publication<Pass>>(publications)); });
        for (std::int64_t number = 1; number <= 3; ++number) {
            const auto found = answer_of(story.tier().template lookup<0>(number, Demand{}));
            expect(found.answer == Answer::hit && *found.value.full == sample_row<Pass>(number, 2), "each row is there");
        }
    });
    add("an alternate key given up leads nowhere, and an older row cannot take it back", [](Fixture& fixture) {
        Story story(fixture);
        story.fence_code("old", 7);
        auto first = story.written(1, 1, 7);
        first.aliases.template add<code>("old");
        story.publish(first);
        expect(story.leads("old", 1), "the key leads to its row");
        auto second = story.written(1, 2, 0);
        second.gone.template add<code>("old");
        second.aliases.template add<code>("new");
        story.publish(second);
        const auto found = story.look_code("old");
        expect(found.answer == Answer::miss && found.lease != 0, "the key given up is a miss");
        expect(story.fill_code("old", found.lease, 1, 1) == FillOutcome::outdated, "a load from before cannot fill it");
        story.publish(first);
        expect(story.look_code("old").answer == Answer::miss, "a late publish cannot bring it back");
    });
    add("an alternate key moves from one row to another, whatever their versions", [](Fixture& fixture) {
        Story story(fixture);
        story.fence_code("key", 7);
        auto owned = story.written(1, 10, 7);
        owned.aliases.template add<code>("key");
        story.publish(owned);
        auto given_up = story.written(1, 11, 0);
        given_up.gone.template add<code>("key");
        story.publish(given_up);
        auto found = story.look_code("key");
        expect(story.fill_code("key", found.lease, 2, 1) == FillOutcome::stored, "the other row's version counts by itself");
        expect(story.leads("key", 2), "the key leads to the other row");
        story.publish(given_up);
        expect(story.leads("key", 2), "what the first row gives up does not concern the second");
        story.publish(owned);
        expect(!story.leads("key", 1), "an older row cannot take it back");
        story.fence_code("key", 8);
        auto taken = story.written(3, 1, 8);
        taken.aliases.template add<code>("key");
        story.publish(taken);
        expect(story.leads("key", 3), "a third row takes it under its fence");
        found = answer_of(story.tier().template lookup<code>("key", {.refresh = true, .lease_for = story.units(1000)}));
        expect(story.fill_code("key", found.lease, 1, 10) == FillOutcome::outdated, "the first row's floor is remembered");
    });
    add("a row takes an alternate key from another only under its own fence", [](Fixture& fixture) {
        Story story(fixture);
        expect(story.fill_code("key", story.look_code("key").lease, 1, 5) == FillOutcome::stored, "the key leads to the first row");
        auto taken = story.written(2, 9, 0);
        taken.aliases.template add<code>("key");
        story.publish(taken);
        const auto found = story.look_code("key");
        expect(found.answer == Answer::miss, "which of the two has it now is left to a load");
        expect(story.fill_code("key", found.lease, 2, 9) == FillOutcome::stored, "that finds it out");
        expect(story.leads("key", 2), "the key leads to the second row");
    });
    add("one row's keys tell nothing of another's", [](Fixture& fixture) {
        Story story(fixture);
        story.store(1);
        story.fence_code("key", 7);
        auto other = story.written(2, 1, 7);
        other.aliases.template add<code>("key");
        story.publish(other);
        story.expect_hit(1);
    });
    add("epochs move alone, and only forward", [](Fixture& fixture) {
        CacheProbe<Fixture, Pass, holder> epoch(fixture);
        epoch.fence(7);
        epoch.publish(4, 7);
        epoch.publish(3);
        epoch.expect_hit(4);
        epoch.publish(5);
        epoch.expect_hit(5);
        epoch.expel();
        epoch.expect_fill(epoch.fill(epoch.expect_miss(), 4), FillOutcome::outdated);
    });
    add("warm rows and stamps are kept as they are", [](Fixture& fixture) {
        Story story(fixture);
        const Pass row = sample_row<Pass>(1, 2);
        CachedRow<Pass> warm{nullptr, std::make_shared<const WarmRow<Pass>>(row), 99};
        expect(answer_of(story.tier().template fill<0>(
                   1, {.lease = story.expect_miss(), .version = 2, .value = warm, .age = {}, .lifetime = story.long_life()})) == FillOutcome::stored,
               "a warm row can be filled");
        const auto found = story.look();
        story.expect_answer(found, Answer::hit);
        expect(!found.value.full && found.value.warm && !found.value.absent() && found.value.stamp == 99, "it comes back warm");
        expect(found.value.warm->template get<&Pass::holder_id>() == row.holder_id && found.value.warm->template get<&Pass::version>() == 2, "with its fields");
    });
    add("usage tells what is held", [](Fixture& fixture) {
        Story story(fixture);
        const TierUsage none = answer_of(story.tier().usage());
        expect(none.entries == 0 && none.aliases == 0, "a new tier holds nothing");
        story.store(1);
        expect(story.fill_code("key", story.look_code("key").lease, 1, 1) == FillOutcome::stored, "an alternate key is stored");
        const TierUsage some = answer_of(story.tier().usage());
        expect(some.entries == 1 && some.aliases == 1, "it holds one row and one alternate key");
        expect(some.bytes > none.bytes, "which weigh something");
        KeySet<Pass> keys = story.keys();
        keys.template add<code>("key");
        done([&] { return story.tier().expel(keys); });
        const TierUsage less = answer_of(story.tier().usage());
        expect(less.entries == 0 && less.aliases == 0 && less.bytes < some.bytes, "nothing is left after they are expelled");
    });
    add("clear drops everything, fences and floors too", [](Fixture& fixture) {
        Story story(fixture);
        story.fence(7);
        story.publish(5, 7);
        story.fence(8);
        story.fence_code("key", 8);
        done([&] { return story.tier().clear(); });
        const TierUsage none = answer_of(story.tier().usage());
        expect(none.entries == 0 && none.aliases == 0, "nothing is held");
        expect(story.look_code("key").answer == Answer::miss, "no fence stands");
        story.store(1);
        story.expect_hit(1);
        const LeaseToken lease = story.look({.refresh = true, .lease_for = story.units(1000)}).lease;
        done([&] { return story.tier().clear(); });
        story.expect_fill(story.fill(lease, 2), FillOutcome::lost);
        story.expect_miss();
    });
    add("what a tier gave out stays whole when the tier drops it", [](Fixture& fixture) {
        Story story(fixture);
        story.store(1);
        const auto kept = story.expect_hit(1).value.full;
        done([&] { return story.tier().clear(); });
        expect(*kept == sample_row<Pass>(1, 1), "the row is as it was");
    });
}

} // namespace cache_suite
} // namespace testing
} // namespace v0
} // namespace larder
