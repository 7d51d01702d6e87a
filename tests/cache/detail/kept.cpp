// SPDX-License-Identifier: BSL-1.0
#include <larder/cache/detail/kept.hpp>
#include <larder/testing/sample.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <utility>

using namespace larder;
using testing::Pass;

TEST_CASE("a kept row comes out as it went in, whole, warm or absent") {
    const auto full = std::make_shared<const Pass>(testing::sample_row<Pass>(1));
    const auto warm = std::make_shared<const WarmRow<Pass>>(*full);
    const auto check = [](const CachedRow<Pass>& row, const CachedRow<Pass>& expected) {
        CHECK(row.full == expected.full);
        CHECK(row.warm == expected.warm);
        CHECK(row.stamp == expected.stamp);
    };
    for (const CachedRow<Pass>& row : {CachedRow<Pass>{full, nullptr, 3}, CachedRow<Pass>{nullptr, warm, 4}, CachedRow<Pass>{nullptr, nullptr, 5}}) {
        detail::KeptRow<Pass> kept;
        const bool whole = kept.put(CachedRow<Pass>(row));
        CHECK(whole == (row.full != nullptr));
        check(kept.get(whole), row);
        CHECK(kept.stamp() == row.stamp);
        if (whole) {
            const auto shared = full.use_count();
            const auto again = kept.row();
            CHECK(again == full);
            CHECK(full.use_count() == shared + 1);
        }
        check(kept.take(whole), row);
        CHECK(kept.get(whole).absent());
    }
    CHECK(full.use_count() == 1);
    CHECK(warm.use_count() == 1);
}

TEST_CASE("of a row that is whole and warm the whole one is kept") {
    const auto full = std::make_shared<const Pass>(testing::sample_row<Pass>(1));
    detail::KeptRow<Pass> kept;
    CHECK(kept.put({full, std::make_shared<const WarmRow<Pass>>(*full), 0}));
    CHECK(kept.get(true).full == full);
    CHECK(kept.get(true).warm == nullptr);
}

TEST_CASE("a kept value is as it is") {
    detail::KeptValue<std::optional<int>> kept;
    CHECK_FALSE(kept.put(7));
    CHECK(kept.get() == 7);
    CHECK(kept.take(false) == 7);
    CHECK(kept.get() == std::nullopt);
}
