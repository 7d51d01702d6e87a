// SPDX-License-Identifier: BSL-1.0
#include "operation.hpp"

#include <larder/cache/eviction.hpp>
#include <larder/cache/memory.hpp>
#include <larder/testing/manual_environment.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace larder;
using testing::ManualEnvironment;
using testing::Pass;
using KeyId = std::pair<std::size_t, int>;

constexpr std::array spaces{Operation::row_space, Operation::alias_space, Operation::epoch_space};

std::string in_words(const Operation& operation) {
    constexpr const char* kinds[] = {"lookup", "hit", "fill", "fence", "publish", "withdraw", "expel", "expire"};
    return std::string(kinds[static_cast<int>(operation.kind)]) + " of key " + std::to_string(operation.key) + " in space " + std::to_string(operation.space) + ", version " +
           std::to_string(operation.version) + ", row " + std::to_string(operation.row.value_or(-1)) + (operation.absent ? ", absent" : "") + ", owner " +
           std::to_string(operation.owner);
}

/// How often a random walk met each answer, to see that it came everywhere.
struct Coverage {
    std::map<Answer, int> answers;
    std::map<FillOutcome, int> outcomes;
    int unsettled = 0;
    int fallbacks = 0;

    void add(const Operation& operation, const Observation& observation) {
        if (operation.kind == Operation::Kind::lookup) {
            ++answers[observation.found.answer];
            unsettled += observation.found.unsettled;
            fallbacks += observation.found.answer == Answer::miss && observation.found.value;
        }
        if (operation.kind == Operation::Kind::fill) ++outcomes[observation.outcome];
    }
};

TEST_CASE_TEMPLATE("a random sequence of operations answers as the model does", Eviction, Lru, AdaptiveS3Fifo) {
    using Cache = MemoryCache<Pass, ManualEnvironment, Eviction>;
    Coverage coverage;
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        ManualEnvironment env(seed);
        Cache cache({.max_entries = 1000, .shards = seed % 2 == 0 ? 4U : 1U}, env);
        std::mt19937_64 random(seed);
        OperationChooser chooser(random);
        std::map<KeyId, RecordModel> models;
        std::map<KeyId, std::vector<LeaseToken>> leases;
        for (int step = 0; step < 1000; ++step) {
            if (chooser.one_in(8)) env.advance(chooser.seconds(4));
            const KeyId id{spaces[static_cast<std::size_t>(chooser.below(3))], 1 + chooser.below(3)};
            const Operation operation = chooser.choose(id.first, id.second, leases[id]);
            const Observation real = TierDriver::apply(cache, operation, env.now());
            const Observation expected = apply(models[id], operation, env.now(), real.lease);
            if (real.lease != 0) leases[id].push_back(real.lease);
            coverage.add(operation, real);
            if (real == expected) continue;
            INFO("seed ", seed, ", step ", step, ": ", in_words(operation));
            INFO("answer ", static_cast<int>(real.found.answer), " expected ", static_cast<int>(expected.found.answer));
            INFO("outcome ", static_cast<int>(real.outcome), " expected ", static_cast<int>(expected.outcome));
            REQUIRE(real == expected);
        }
        cache.clear();
        REQUIRE(cache.usage().bytes == 0);
    }
    for (const Answer answer : {Answer::hit, Answer::miss, Answer::wait, Answer::bypass}) CHECK(coverage.answers[answer] > 300);
    for (const FillOutcome outcome : {FillOutcome::stored, FillOutcome::lost, FillOutcome::outdated}) CHECK(coverage.outcomes[outcome] > 1000);
    CHECK(coverage.unsettled > 1000);
    CHECK(coverage.fallbacks > 300);
}

TEST_CASE_TEMPLATE("a cache too small for its keys answers as the model does, or as one that has forgotten", Eviction, Fifo, Lru, Sieve, S3Fifo, WTinyLfu, AdaptiveS3Fifo) {
    using Cache = MemoryCache<Pass, ManualEnvironment, Eviction>;
    Coverage coverage;
    int forgotten = 0;
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        ManualEnvironment env(seed);
        constexpr std::size_t capacity = 3;
        Cache cache({.max_entries = capacity, .shards = seed % 2 == 0 ? 4U : 1U}, env);
        std::mt19937_64 random(seed);
        OperationChooser chooser(random);
        std::map<KeyId, std::set<RecordModel>> models; // what each key's record may be
        std::map<KeyId, std::vector<LeaseToken>> leases;
        for (int step = 0; step < 1000; ++step) {
            if (chooser.one_in(8)) env.advance(chooser.seconds(4));
            const SteadyTime now = env.now();
            const KeyId id{spaces[static_cast<std::size_t>(chooser.below(3))], 1 + chooser.below(8)};
            const Operation operation = chooser.choose(id.first, id.second, leases[id]);
            const Observation real = TierDriver::apply(cache, operation, now);
            if (real.lease != 0) leases[id].push_back(real.lease);
            coverage.add(operation, real);

            auto& possible = models[id];
            if (possible.empty()) possible.emplace();
            bool may_be_fresh = possible.contains(RecordModel());
            std::set<RecordModel> next;
            for (const RecordModel& model : possible) {
                may_be_fresh = may_be_fresh || model.forgettable(now);
                RecordModel copy = model;
                if (real == apply(copy, operation, now, real.lease)) next.insert(copy);
            }
            const bool remembered = !next.empty();
            if (may_be_fresh) {
                RecordModel copy;
                if (real == apply(copy, operation, now, real.lease)) next.insert(copy);
            }
            forgotten += !remembered;
            INFO("seed ", seed, ", step ", step, ": ", in_words(operation));
            REQUIRE(!next.empty());
            possible = std::move(next);

            std::map<std::size_t, std::size_t> kept;
            for (const auto& [key, states] : models)
                kept[key.first] += std::all_of(states.begin(), states.end(), [now](const RecordModel& model) { return !model.forgettable(now); });
            const TierUsage usage = cache.usage();
            REQUIRE(usage.entries <= std::max(capacity, kept[Operation::row_space]));
            REQUIRE(usage.aliases <= std::max(capacity, kept[Operation::alias_space]) + std::max(capacity, kept[Operation::epoch_space]));
        }
        cache.clear();
        REQUIRE(cache.usage().bytes == 0);
    }
    CHECK(forgotten > 1000);
    for (const Answer answer : {Answer::hit, Answer::miss, Answer::wait, Answer::bypass}) CHECK(coverage.answers[answer] > 300);
}

} // namespace
