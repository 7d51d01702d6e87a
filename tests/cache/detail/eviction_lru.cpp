// SPDX-License-Identifier: BSL-1.0
#include "kept_names.hpp"

#include <larder/cache/eviction.hpp>

#include <doctest/doctest.h>

namespace {

using Kept = KeptNames<larder::Lru>;

TEST_CASE("LRU: what was asked for longest ago goes first") {
    Kept kept(3);
    CHECK(kept.ask("abcad") == "b");
    CHECK(kept.in_order() == "cad");
    CHECK(kept.ask("cef") == "ad");
    CHECK(kept.in_order() == "cef");
}

TEST_CASE("LRU: a loop longer than the cache never hits") {
    Kept kept(10);
    bool hit = false;
    for (int i = 0; i < 200; ++i) hit = kept.ask(i % 11) || hit;
    CHECK_FALSE(hit);
}

TEST_CASE("LRU: what must be spared becomes the newest") {
    Kept kept(4);
    kept.ask("abcd");
    CHECK(kept.evict("a") == 'b');
    CHECK(kept.in_order() == "cda");
    CHECK(kept.evict("cda") == '-');
}

} // namespace
