// SPDX-License-Identifier: BSL-1.0
#include "kept_names.hpp"

#include <larder/cache/eviction.hpp>

#include <doctest/doctest.h>

namespace {

using Kept = KeptNames<larder::Fifo>;

TEST_CASE("FIFO: what came first goes first, however often it is hit") {
    Kept kept(3);
    CHECK(kept.ask("abcaaabbd") == "a");
    CHECK(kept.ask("bbef") == "bc");
    CHECK(kept.in_order() == "def");
}

TEST_CASE("FIFO: what must be spared becomes the newest") {
    Kept kept(4);
    kept.ask("abcd");
    CHECK(kept.evict("ab") == 'c');
    CHECK(kept.in_order() == "dab");
    CHECK(kept.evict("dab") == '-');
    CHECK(kept.evict() == 'd');
}

TEST_CASE("FIFO: what is renewed becomes the newest") {
    Kept kept(3);
    kept.ask("abc");
    kept.renew('a');
    CHECK(kept.in_order() == "bca");
}

} // namespace
