// SPDX-License-Identifier: BSL-1.0
#include <larder/cache/detail/eviction_ghosts.hpp>
#include <larder/entity/key.hpp>

#include <doctest/doctest.h>

#include <cstdint>

namespace {

using larder::hash_key;
using Ghosts = larder::detail::Ghosts<4>;

TEST_CASE("a ghost is found once, with its age and what was said of it") {
    Ghosts ghosts;
    CHECK_FALSE(ghosts.take(hash_key(std::int64_t{1})));
    ghosts.add(hash_key(std::int64_t{1}), true);
    CHECK_FALSE(ghosts.take(hash_key(std::int64_t{1})));

    ghosts.suit(100);
    ghosts.add(hash_key(std::int64_t{1}), true);
    ghosts.add(hash_key(std::int64_t{2}), false);
    ghosts.add(hash_key(std::int64_t{3}), false);
    const auto first = ghosts.take(hash_key(std::int64_t{1}));
    REQUIRE(first);
    CHECK(first->age == 2);
    CHECK(first->kept);
    CHECK_FALSE(ghosts.take(hash_key(std::int64_t{1})));
    const auto third = ghosts.take(hash_key(std::int64_t{3}));
    REQUIRE(third);
    CHECK(third->age == 0);
    CHECK_FALSE(third->kept);
    ghosts.reset();
    CHECK_FALSE(ghosts.take(hash_key(std::int64_t{2})));
}

TEST_CASE("one that is evicted again is as young as its last eviction") {
    Ghosts ghosts;
    ghosts.suit(10);
    ghosts.add(hash_key(std::int64_t{1}), false);
    ghosts.add(hash_key(std::int64_t{2}), false);
    ghosts.add(hash_key(std::int64_t{1}), true);
    const auto found = ghosts.take(hash_key(std::int64_t{1}));
    REQUIRE(found);
    CHECK(found->age == 0);
    CHECK(found->kept);
    CHECK_FALSE(ghosts.take(hash_key(std::int64_t{1})));
}

TEST_CASE("the youngest are remembered, as many as there are records; the old ones go; hardly any is mistaken for another") {
    for (const std::int64_t records : {50, 1000, 50'000}) {
        CAPTURE(records);
        Ghosts ghosts;
        ghosts.suit(static_cast<std::size_t>(records));
        const std::int64_t added = 20 * records;
        for (std::int64_t key = 0; key < added; ++key) ghosts.add(hash_key(key), false);
        int strangers = 0, old = 0, young = 0, off = 0;
        for (std::int64_t key = 0; key < records; ++key) {
            strangers += ghosts.take(hash_key(added + key)).has_value();
            old += ghosts.take(hash_key(key)).has_value();
            const auto found = ghosts.take(hash_key(added - 1 - key));
            young += found.has_value();
            if (found && (found->age + static_cast<std::uint64_t>(records) / 50 < static_cast<std::uint64_t>(key) || found->age > static_cast<std::uint64_t>(key + records / 50))) ++off;
        }
        CHECK(strangers <= 1 + records / 1000);
        CHECK(old <= 1 + records / 1000);
        CHECK(young >= records - 1 - records / 100);
        CHECK(off <= 1 + records / 1000);
    }
}

TEST_CASE("a table that has to grow forgets, and goes on") {
    Ghosts ghosts;
    ghosts.suit(10);
    ghosts.add(hash_key(std::int64_t{1}), false);
    ghosts.suit(10);
    CHECK(ghosts.take(hash_key(std::int64_t{1})));
    ghosts.add(hash_key(std::int64_t{1}), false);
    ghosts.suit(1000);
    CHECK_FALSE(ghosts.take(hash_key(std::int64_t{1})));
    ghosts.add(hash_key(std::int64_t{1}), false);
    CHECK(ghosts.take(hash_key(std::int64_t{1})));
}

} // namespace
