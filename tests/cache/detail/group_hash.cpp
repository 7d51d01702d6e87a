// SPDX-License-Identifier: BSL-1.0
#include <larder/cache/detail/group_hash.hpp>
#include <larder/testing/sample.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <string_view>
#include <tuple>

namespace {

using namespace larder;
using testing::Reading;

TEST_CASE("a row's group hashes are those of its groups' keys") {
    Reading row = testing::sample_row<Reading>(1);
    const auto hash = [&](bool warm) {
        CachedRow<Reading> value;
        if (warm)
            value.warm = std::make_shared<const WarmRow<Reading>>(row);
        else
            value.full = std::make_shared<const Reading>(row);
        return detail::group_hashes<Reading>(value, 42);
    };
    const std::tuple station(std::string_view(row.tenant), row.station);
    const std::tuple batch(std::string_view(row.tenant), std::string_view(*row.batch));
    for (const bool warm : {false, true}) {
        CHECK(hash(warm)[0] == hash_key(station));
        CHECK(hash(warm)[1] == hash_key(batch));
    }
    row.batch.reset();
    for (const bool warm : {false, true}) {
        CHECK(hash(warm)[0] == hash_key(station));
        CHECK(hash(warm)[1] == detail::no_group(42));
    }
}

TEST_CASE("what holds no row has a hash of its own") {
    CHECK(detail::no_group(1) != detail::no_group(2));
    for (const auto hash : detail::group_hashes<Reading>(CachedRow<Reading>{}, 42)) CHECK(hash == detail::no_group(42));
}

} // namespace
