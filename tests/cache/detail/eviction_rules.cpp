// SPDX-License-Identifier: BSL-1.0
#include "kept_names.hpp"

#include <larder/cache/eviction.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <random>
#include <set>

namespace {

using namespace larder;

#define LARDER_RULES Fifo, Lru, Sieve, S3Fifo, WTinyLfu, AdaptiveS3Fifo

TEST_CASE_TEMPLATE("every rule finds a victim as long as one may go, and none that must stay", Eviction, LARDER_RULES) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        CAPTURE(seed);
        std::mt19937_64 random(seed);
        KeptNames<Eviction> kept(1 + random() % 40);
        std::set<int> there, pinned;
        int newest = -1;
        for (int step = 0; step < 2000; ++step) {
            const int name = static_cast<int>(random() % 80);
            switch (random() % 12) {
            case 0: // removed, as by its time
                if (!there.erase(name)) break;
                kept.remove(kept.find(name));
                pinned.erase(name);
                break;
            case 1:
                if (there.contains(name)) kept.renew(name, random() % 2 == 0);
                break;
            case 2:
                if (there.contains(name)) pinned.insert(name);
                break;
            case 3:
            case 4: pinned.erase(name); break;
            case 5:
                if (random() % 200 != 0) break;
                kept.clear();
                there.clear();
                pinned.clear();
                break;
            default:
                if (there.contains(name)) {
                    kept.rule.hit(kept.order, kept.find(name)->mark(), *kept.find(name));
                    break;
                }
                kept.add(name);
                there.insert(newest = name);
                while (there.size() > kept.capacity) {
                    const auto must_stay = [&](int each) { return each == newest || pinned.contains(each); };
                    const auto victim = kept.rule.victim(kept.order, [&](const NamedItem& item) { return must_stay(item.name); });
                    if (victim == kept.order.end()) {
                        REQUIRE(std::all_of(there.begin(), there.end(), must_stay));
                        break;
                    }
                    REQUIRE_FALSE(must_stay(victim->name));
                    there.erase(victim->name);
                    kept.remove(victim);
                }
            }
            REQUIRE(kept.order.size() == there.size());
            REQUIRE(std::all_of(kept.order.begin(), kept.order.end(), [&](const NamedItem& item) { return there.contains(item.name); }));
        }
    }
}

TEST_CASE_TEMPLATE("a rule passes few records that need not be spared, on average", Eviction, LARDER_RULES) {
    std::mt19937_64 random(1);
    KeptNames<Eviction> kept(200);
    std::size_t evictions = 0, passed = 0;
    for (int i = 0; i < 50'000; ++i) {
        const int name = static_cast<int>(std::pow(static_cast<double>(random() % 1000) / 40, 2));
        if (kept.has(name)) {
            kept.rule.hit(kept.order, kept.find(name)->mark(), *kept.find(name));
            continue;
        }
        kept.add(name);
        if (kept.order.size() <= kept.capacity) continue;
        ++evictions;
        kept.remove(kept.rule.victim(kept.order, [&](const NamedItem& item) {
            ++passed;
            return item.name == name;
        }));
    }
    CHECK(evictions > 1000);
    CHECK(passed < 10 * evictions);
}

TEST_CASE_TEMPLATE("a scan does not sweep out what is asked for all the time", Eviction, Sieve, S3Fifo, WTinyLfu, AdaptiveS3Fifo) {
    KeptNames<Eviction> kept(100);
    for (int round = 0; round < 20; ++round)
        for (int name = 0; name < 50; ++name) kept.ask(name);
    for (int name = 1000; name < 1200; ++name) kept.ask(name);
    int left = 0;
    for (int name = 0; name < 50; ++name) left += kept.has(name);
    CHECK(left >= 40);
}

TEST_CASE_TEMPLATE("a cache of one entry holds the last", Eviction, LARDER_RULES) {
    KeptNames<Eviction> kept(1);
    for (int i = 0; i < 200; ++i) {
        const int name = i * i % 7;
        kept.ask(name);
        CHECK(kept.ask(name));
        CHECK(kept.order.size() == 1);
    }
}

} // namespace
