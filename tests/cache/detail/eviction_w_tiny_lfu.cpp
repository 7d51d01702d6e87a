// SPDX-License-Identifier: BSL-1.0
#include "kept_names.hpp"

#include <larder/cache/eviction.hpp>

#include <doctest/doctest.h>

#include <random>

namespace {

using Kept = KeptNames<larder::WTinyLfu>;

TEST_CASE("W-TinyLFU: who leaves the window stays only if it was asked for more often than what it would displace") {
    Kept kept(5);
    kept.ask("aabbccddee");
    CHECK(kept.ask("x") == "e");
    CHECK(kept.ask("y") == "x");
    CHECK(kept.ask("x") == "y");
    kept.ask("xx");
    CHECK(kept.ask("z") != "x");
    CHECK(kept.has('x'));
}

TEST_CASE("W-TinyLFU: what holds nothing any more goes, however often it was asked for") {
    Kept kept(5);
    kept.ask("aaaabbccddee");
    kept.ask("x");
    kept.renew('a', false);
    CHECK(kept.ask("y") == "a");
    kept.renew('y');
    CHECK(kept.ask("z") == "y");
}

TEST_CASE("W-TinyLFU: the window grows where that earns hits") {
    Kept kept(100);
    std::mt19937 random(1);
    constexpr int requests = 200'000, part = 2'000;
    int early = 0, late = 0;
    for (int i = 40; i < requests; ++i) {
        kept.ask(i);
        const bool hit = kept.ask(i - static_cast<int>(random() % 40)); // lately seen, and never again
        early += hit && i < part;
        late += hit && i >= requests - part;
    }
    CHECK(early < 0.5 * part);
    CHECK(late > 0.9 * part);
}

} // namespace
