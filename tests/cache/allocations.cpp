// SPDX-License-Identifier: BSL-1.0
#include "../counting_new.hpp"

#include <larder/cache/memory.hpp>
#include <larder/environment.hpp>
#include <larder/observe/event.hpp>
#include <larder/testing/sample.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace {

using namespace larder;
using testing::Setting;

TEST_CASE("a hit allocates nothing, not even with keys of text") {
    SystemEnvironment<NullObserver> env;
    MemoryCache<Setting, SystemEnvironment<NullObserver>> cache({}, env);
    auto row = testing::sample_row<Setting>(1);
    row.name = "a name that is longer than any string keeps in itself";
    row.alias = "an alias that is longer than any string keeps in itself";
    constexpr std::size_t alias = space_of_v<Setting, &Setting::alias>;
    const Lifetime lifetime{.serve = std::chrono::hours(1)};
    auto lease = cache.lookup<0>(row.name, Demand{}).lease;
    REQUIRE(cache.fill<0>(row.name, {.lease = lease, .version = 0, .value = {std::make_shared<const Setting>(row), nullptr, 0}, .age = {}, .lifetime = lifetime}) ==
            FillOutcome::stored);
    lease = cache.lookup<alias>(row.alias, Demand{}).lease;
    REQUIRE(cache.fill<alias>(row.alias, {.lease = lease, .version = 0, .value = row.name, .age = {}, .lifetime = lifetime}) == FillOutcome::stored);

    Lookup<CachedRow<Setting>> out;
    const std::string_view name = row.name;
    const std::string_view other = row.alias;
    counting_new::made = 0;
    const bool by_name = cache.hit<0>(name, hash_key(name), 0, Duration::max(), env.now(), out);
    const bool by_alias = cache.hit_by<alias>(other, hash_key(other), 0, Duration::max(), env.now(), out);
    const bool no_hit = cache.hit<0>(other, hash_key(other), 0, Duration::max(), env.now(), out);
    const std::size_t counted_now = counting_new::made;
    CHECK(by_name);
    CHECK(by_alias);
    CHECK_FALSE(no_hit);
    CHECK(counted_now == 0);
    CHECK(std::make_unique<int>(1) != nullptr);
    CHECK(counting_new::made > 0);
}

} // namespace
