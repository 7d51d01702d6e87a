// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/cache_tier.hpp>
#include <larder/clock.hpp>
#include <larder/testing/conformance.hpp>
#include <larder/testing/detail/cache_fence_rules.hpp>
#include <larder/testing/detail/cache_lease_rules.hpp>
#include <larder/testing/detail/cache_probe.hpp>
#include <larder/testing/detail/cache_publish_rules.hpp>
#include <larder/testing/detail/cache_row_rules.hpp>
#include <larder/testing/detail/cache_time_rules.hpp>
#include <larder/testing/sample.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {

/// Meets the requirements of what the suite needs to try a cache tier:
///
/// - `make<Entity>(max_bytes)`: a new, empty tier for that sample entity, by some owning pointer; `max_bytes` is the bound of
///   one value, above which a fill is `refused`; 0: large enough for any that a sample has. Operations answer directly or with an `Outcome`; a tier that answers later
///   is wrapped so that it waits.
/// - `pass(duration)`: lets so much time go by for every tier made.
/// - `unit`: a `Duration` that is long against an operation; what takes time in the suite is a few of them.
/// - `forget<Entity, Space>(tier, key)`: makes the tier forget the record of a key, and others if need be, as it does by itself when it
///   is full; that is, unless a fence keeps the record.
template <class F>
concept cache_fixture = requires(F& fixture, Duration duration, const primary_key_t<Pass>& key) {
    { *fixture.template make<Pass>(std::size_t{}) };
    { *fixture.template make<Reading>(std::size_t{}) };
    { *fixture.template make<Setting>(std::size_t{}) };
    fixture.pass(duration);
    Duration(fixture.unit);
    fixture.template forget<Pass, 0>(*fixture.template make<Pass>(std::size_t{}), key);
};

/// The suite that proves a cache tier: every rule of the contract in cache/cache_tier.hpp as a case of its own, each for the keys of every
/// space of the sample entities. Include it in a test, make a fixture, and run the cases; they are independent of each other.
///
/// \param fixture outlives the cases.
template <cache_fixture Fixture>
std::vector<ConformanceCase> cache_conformance(Fixture& fixture) {
    std::vector<ConformanceCase> cases;
    const auto add_record_rules = [&]<class Entity, std::size_t Space>(std::type_identity<Entity>, std::integral_constant<std::size_t, Space>) {
        using Probe = cache_suite::CacheProbe<Fixture, Entity, Space>;
        const auto add = [&](const char* rule, void (*test)(Probe&)) {
            cases.push_back({cache_suite::describe_key<Entity, Space>() + ": " + rule, [&fixture, test] {
                                 Probe probe(fixture);
                                 test(probe);
                             }});
        };
        cache_suite::add_lease_rules<Probe>(add);
        cache_suite::add_time_rules<Probe>(add);
        cache_suite::add_fence_rules<Probe>(add);
        cache_suite::add_publish_rules<Probe>(add);
        if constexpr (!Probe::is_epoch) cache_suite::add_absence_rules<Probe>(add);
    };
    const auto add_entity = [&]<class Entity, std::size_t... Space>(std::type_identity<Entity> entity, std::index_sequence<Space...>) {
        (add_record_rules(entity, std::integral_constant<std::size_t, Space>{}), ...);
    };
    const auto add_all = [&]<class Entity>(std::type_identity<Entity> entity) { add_entity(entity, std::make_index_sequence<schema_of<Entity>::space_count>{}); };
    add_all(std::type_identity<Pass>{});
    add_all(std::type_identity<Reading>{});
    add_all(std::type_identity<Setting>{});
    cache_suite::add_row_rules<Fixture>([&](const char* rule, void (*test)(Fixture&)) { cases.push_back({rule, [&fixture, test] { test(fixture); }}); });
    return cases;
}

} // namespace testing
} // namespace v0
} // namespace larder
