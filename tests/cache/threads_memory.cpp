// SPDX-License-Identifier: BSL-1.0
#include "history.hpp"
#include "operation.hpp"

#include <larder/cache/memory.hpp>
#include <larder/observe/event.hpp>
#include <larder/testing/manual_environment.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace larder;
using testing::Pass;
using Environment = testing::BasicManualEnvironment<NullObserver>;
using Cache = MemoryCache<Pass, Environment>;
using KeyId = std::pair<std::size_t, int>;

constexpr int key_count = 2;
constexpr std::size_t thread_count = 3;
constexpr int operations_per_thread = 6;
constexpr std::array spaces{Operation::row_space, Operation::alias_space, Operation::epoch_space};

/// A tier whose fence takes effect in two steps, which no tier's may.
struct TornTier {
    Cache& cache;

    template <std::size_t Space, class Key>
    auto lookup(const Key& key, const Demand& demand) { return cache.lookup<Space>(key, demand); }
    template <std::size_t Space, class View, class Out>
    bool hit(const View& view, std::uint64_t hash, Version min_version, Duration max_age, SteadyTime now, Out& out) {
        return cache.hit<Space>(view, hash, min_version, max_age, now, out);
    }
    template <std::size_t Space, class Key, class Request>
    auto fill(const Key& key, Request request) { return cache.fill<Space>(key, std::move(request)); }
    void fence(const KeySet<Pass>& keys, FenceOwner owner, Duration length) {
        cache.expel(keys);
        std::this_thread::yield();
        cache.fence(keys, owner, length);
    }
    void publish(std::span<const Publication<Pass>> publications) { cache.publish(publications); }
    void expel(const KeySet<Pass>& keys) { cache.expel(keys); }
    void expire(const KeySet<Pass>& keys) { cache.expire(keys); }
};

/// Threads that do random operations to a new tier each round, and a checker of what they saw.
class Trial {
public:
    /// What the rounds are about: one space, so that a round's few operations meet.
    struct Round {
        std::size_t space = 0;
        std::unique_ptr<Cache> cache;
    };

    Environment env;
    typename Cache::Config config{.max_entries = 100};
    bool forgetful = false;
    bool torn = false;

    /// The rounds until one is not linearizable, or all of them. More rounds are made until so many operations have overlapped, for
    /// threads meet seldom where processors are few or busy.
    int rounds_until_failure(int rounds, int enough_overlaps = 0) {
        std::barrier gate(static_cast<std::ptrdiff_t>(thread_count + 1));
        std::atomic<bool> stop{false};
        std::array<std::vector<std::pair<KeyId, Event>>, thread_count> seen;
        std::vector<std::thread> threads;
        for (std::size_t number = 0; number < thread_count; ++number)
            threads.emplace_back([&, number] {
                std::mt19937_64 random(number + 1);
                for (;;) {
                    gate.arrive_and_wait();
                    if (stop.load()) return;
                    work(random, seen[number]);
                    gate.arrive_and_wait();
                }
            });
        int round = 0;
        const int most = rounds * 50;
        bool sound = true;
        for (; sound && (round < rounds || (overlaps < enough_overlaps && round < most)); ++round) {
            round_.space = spaces[static_cast<std::size_t>(round) % spaces.size()];
            round_.cache = std::make_unique<Cache>(config, env);
            for (auto& lease : last_lease_) lease.store(0);
            begun_.store(0);
            gate.arrive_and_wait();
            gate.arrive_and_wait();
            sound = check(seen);
        }
        stop.store(true);
        gate.arrive_and_wait();
        for (auto& thread : threads) thread.join();
        return sound ? rounds : std::min(round, rounds - 1);
    }

    int overlaps = 0; ///< How many operations began before another of the same key had ended.
    int hits = 0;

private:
    void work(std::mt19937_64& random, std::vector<std::pair<KeyId, Event>>& seen) {
        OperationChooser chooser(random);
        seen.clear();
        // The gate wakes threads one after the other, and what one of them does is over before the next is awake: so they wait for each other here.
        begun_.fetch_add(1);
        for (int turns = 0; begun_.load() < static_cast<int>(thread_count); ++turns)
            if (turns > 10'000) std::this_thread::yield();
        for (int i = 0; i < operations_per_thread; ++i) {
            const int key = 1 + chooser.below(key_count);
            auto& last = last_lease_[static_cast<std::size_t>(key)];
            const LeaseToken lease = last.load();
            Event event;
            event.operation = chooser.choose(round_.space, key, lease != 0 ? std::vector{lease} : std::vector<LeaseToken>());
            event.called = ticket_.fetch_add(1);
            if (torn) {
                TornTier tier{*round_.cache};
                event.observation = TierDriver::apply(tier, event.operation, env.now());
            } else {
                event.observation = TierDriver::apply(*round_.cache, event.operation, env.now());
            }
            event.answered = ticket_.fetch_add(1);
            if (event.observation.lease != 0) last.store(event.observation.lease);
            seen.emplace_back(KeyId{round_.space, key}, event);
        }
    }

    bool check(const std::array<std::vector<std::pair<KeyId, Event>>, thread_count>& seen) {
        std::map<KeyId, std::vector<Event>> histories;
        for (const auto& events : seen)
            for (const auto& [key, event] : events) {
                for (const Event& other : histories[key]) overlaps += other.called < event.answered && event.called < other.answered;
                hits += event.observation.found.answer == Answer::hit;
                histories[key].push_back(event);
            }
        for (const auto& [key, history] : histories)
            if (!HistoryChecker(history, env.now(), forgetful).linearizable()) return false;
        return true;
    }

    Round round_;
    std::atomic<int> begun_{0}; ///< How many threads have begun the round.
    std::atomic<std::uint64_t> ticket_{0};
    std::array<std::atomic<LeaseToken>, key_count + 1> last_lease_{};
};

constexpr int enough_rounds = 6000;
constexpr int enough_overlaps = 60;

TEST_CASE("operations of several threads on one key take effect one after the other") {
    Trial trial;
    CHECK(trial.rounds_until_failure(enough_rounds, enough_overlaps) == enough_rounds);
    CHECK(trial.overlaps >= enough_overlaps);
    CHECK(trial.hits > enough_rounds / 10);
}

TEST_CASE("so they do while the tier evicts") {
    Trial trial;
    trial.config.max_entries = 1;
    trial.forgetful = true;
    CHECK(trial.rounds_until_failure(enough_rounds) == enough_rounds);
    CHECK(trial.hits > enough_rounds / 20);
}

TEST_CASE("so they do with a lock for each key") {
    Trial trial;
    trial.config.shards = 16;
    CHECK(trial.rounds_until_failure(enough_rounds) == enough_rounds);
}

TEST_CASE("the checker sees a guard that is switched off") {
    for (const Guard guard : {Guard::lease_on_fill, Guard::floor_on_fill, Guard::floor_on_publish, Guard::fence, Guard::fence_owner, Guard::lease_expiry, Guard::settle_after_fence}) {
        CAPTURE(static_cast<int>(guard));
        Trial trial;
        trial.env.disable(guard);
        CHECK(trial.rounds_until_failure(enough_rounds) < enough_rounds);
    }
}

TEST_CASE("the checker sees an operation that takes effect in two steps") {
    Trial trial;
    trial.torn = true;
    CHECK(trial.rounds_until_failure(20 * enough_rounds) < 20 * enough_rounds);
}

} // namespace
