// SPDX-License-Identifier: BSL-1.0
#include "kept_names.hpp"

#include <larder/cache/eviction.hpp>

#include <doctest/doctest.h>

#include <string>

namespace {

using Kept = KeptNames<larder::S3Fifo>;

TEST_CASE("S3-FIFO: who was hit less than twice goes from the small queue, the others go on to the main queue") {
    Kept kept(5);
    kept.ask("abcdeaabcc");
    CHECK(kept.ask("f") == "b");
    CHECK(kept.ask("gh") == "de");
    CHECK(kept.in_order() == "acfgh");
    CHECK(kept.find('a')->mark().queue != kept.find('f')->mark().queue);
    CHECK(kept.find('a')->mark().queue == kept.find('c')->mark().queue);
}

TEST_CASE("S3-FIFO: who was evicted lately and comes back enters the main queue; who comes back late does not") {
    Kept kept(5);
    kept.ask("aabcdeaf");
    REQUIRE(kept.has('a'));
    REQUIRE_FALSE(kept.has('b'));
    kept.ask("b");
    CHECK(kept.find('b')->mark().queue == kept.find('a')->mark().queue);
    kept.ask("ghijklmn");
    CHECK(kept.has('b'));
    kept.ask("c");
    CHECK(kept.find('c')->mark().queue != kept.find('b')->mark().queue);
}

TEST_CASE("S3-FIFO: in the main queue, each of at most three hits is worth a round") {
    Kept kept(5);
    kept.ask("abcdeaaabbbcccdddeee");
    std::string gone = kept.ask("f");
    CHECK(gone == "a");
    kept.ask("bccccc");
    CHECK(kept.ask("ffg") == "d");
    kept.ask("gg");
    CHECK(kept.ask("h") == "e");
    CHECK(kept.has('b'));
    CHECK(kept.has('c'));
}

TEST_CASE("S3-FIFO: what must be spared stays, in either queue, and everything may have to") {
    Kept kept(5);
    kept.ask("abcdeaabb");
    CHECK(kept.evict("cd") == 'e');
    CHECK(kept.evict("cd") != 'c');
    CHECK(kept.evict("cdab") == '-');
    const bool still_there = kept.has('b');
    CHECK(kept.evict("cda") == (still_there ? 'b' : '-'));
    CHECK(kept.has('c'));
    CHECK(kept.has('d'));
}

TEST_CASE("S3-FIFO: what is renewed has to prove itself anew") {
    Kept kept(5);
    kept.ask("abcdeaabf");
    REQUIRE(kept.find('a')->mark().queue != kept.find('f')->mark().queue);
    kept.renew('a');
    CHECK(kept.find('a')->mark().queue == kept.find('f')->mark().queue);
    CHECK(kept.in_order().back() == 'a');
    kept.ask("ghijk");
    CHECK_FALSE(kept.has('a'));
    REQUIRE(kept.has('b') == false);
    kept.ask("k");
    kept.renew('k', false);
    CHECK(kept.find('k')->mark().hits == 0);
}

} // namespace
