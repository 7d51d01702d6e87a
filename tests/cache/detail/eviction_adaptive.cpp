// SPDX-License-Identifier: BSL-1.0
#include "kept_names.hpp"

#include <larder/cache/eviction.hpp>

#include <doctest/doctest.h>

#include <random>

namespace {

using Kept = KeptNames<larder::AdaptiveS3Fifo>;

/// The hits among so many requests, of which the first ones do not count.
template <class NameAt>
double hits(Kept& kept, int requests, int first, const NameAt& name_at) {
    int count = 0;
    for (int i = 0; i < requests; ++i) count += kept.ask(name_at(i)) && i >= first;
    return static_cast<double>(count) / (requests - first);
}

TEST_CASE("the adaptive rule keeps most of what it has in a loop longer than the cache") {
    for (const int length : {101, 110, 150, 300}) {
        CAPTURE(length);
        Kept kept(100);
        CHECK(hits(kept, 100 * length, 50 * length, [&](int i) { return i % length; }) > 0.85 * 100 / length - 0.03);
    }
}

TEST_CASE("the adaptive rule gives rows time that are wanted twice, close together, and never again") {
    Kept kept(100);
    CHECK(hits(kept, 20'000, 0, [&](int i) { return i / 60 * 30 + i % 30; }) > 0.499);
}

TEST_CASE("the adaptive rule lets go of a loop that has ended") {
    Kept kept(100);
    hits(kept, 20'000, 0, [](int i) { return i % 150; });
    std::mt19937 random(1);
    CHECK(hits(kept, 20'000, 5'000, [&](int) { return 1000 + static_cast<int>(random() % 50 + random() % 50); }) > 0.97);
}

TEST_CASE("the adaptive rule forgets what it learnt when everything is removed") {
    Kept used(20), fresh(20);
    hits(used, 5000, 0, [](int i) { return i % 30; });
    used.clear();
    for (int i = 0; i < 2000; ++i) {
        const int name = i * i % 31 + i % 3;
        REQUIRE(used.ask(name) == fresh.ask(name));
    }
    CHECK(used.in_order() == fresh.in_order());
}

} // namespace
