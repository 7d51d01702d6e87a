// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "measure.hpp"
#include "world.hpp"

#include <larder/cache/cache_tier.hpp>
#include <larder/clock.hpp>
#include <larder/entity/key.hpp>

#include <memory>
#include <string>

namespace bench {

inline const std::string by_primary_key = "hit by primary key", by_other_key = "hit by alternate key";
inline const std::string larder_find = "Larder find", larder_find_by = "Larder find_by", visit_once = "flat_map visit", visit_twice = "flat_map visits: key, row";

/// What a benchmark does with a row that was found: it reads from it. (benchmark::DoNotOptimize takes what is in memory where it is, and loads nothing.)
template <class Row>
void look_at(const Row& row) {
    const auto seen = row.version;
    asm volatile("" : : "r"(seen));
}

template <class Row>
void add_hits_by_primary_key(const std::shared_ptr<World<Row>>& world, const std::string& row) {
    const auto add = [&](const std::string& subject, auto access, double bytes) { add_stream(by_primary_key, row, subject, world->stream, std::move(access), tells_bytes(bytes)); };
    const auto& keys = world->keys;
    add(larder_find, [world, &keys](std::size_t number) { look_at(*world->repository->find(keys[number])); }, world->larder_bytes);
    add("Larder tier hit", [&core = *world->repository->core(), &keys](std::size_t number) {
        const larder::space_view_t<Row, 0> key(keys[number]);
        look_at(*core.authority.whole_hit(key, larder::hash_key(key), 0, larder::Duration::max(), core.env.now()).row);
    }, world->larder_bytes);
    add("Larder tier lookup", [&core = *world->repository->core(), &keys](std::size_t number) { look_at(*core.authority.template lookup<0>(keys[number], {}).value.full); },
        world->larder_bytes);
    add(visit_once, [world, &keys](std::size_t number) { world->flat->map.cvisit(keys[number], [](const auto& entry) { look_at(*entry.second); }); }, world->flat_bytes);
    add("flat_map visit, pointer out", [world, &keys](std::size_t number) { look_at(*world->flat->find(keys[number])); }, world->flat_bytes);
    if (world->sizes.large) return;
    add("list LRU, mutex", [world, &keys](std::size_t number) { look_at(*world->list->find(keys[number])); }, world->list_bytes);
    add("MultiIndex LRU, mutex", [world, &keys](std::size_t number) { look_at(*world->multi->find(keys[number])); }, world->multi_bytes);
    add("oneTBB LRU", [world, &keys](std::size_t number) { look_at(*world->tbb->find(keys[number])); }, world->tbb_bytes);
}

template <class Row>
void add_hits_by_other_key(const std::shared_ptr<World<Row>>& world, const std::string& row) {
    constexpr std::size_t space = larder::space_of_v<Row, &Row::code>;
    const auto add = [&](const std::string& subject, auto access, double bytes) { add_stream(by_other_key, row, subject, world->stream, std::move(access), tells_bytes(bytes)); };
    const auto& codes = world->codes;
    add(larder_find_by, [world, &codes](std::size_t number) { look_at(*world->repository->template find_by<&Row::code>(codes[number])); }, world->larder_bytes);
    add("Larder tier hit_by", [&core = *world->repository->core(), &codes](std::size_t number) {
        const larder::space_view_t<Row, space> key(codes[number]);
        look_at(*core.authority.template whole_hit_by<space>(key, larder::hash_key(key), 0, larder::Duration::max(), core.env.now()).row);
    }, world->larder_bytes);
    add(visit_twice, [world, &codes](std::size_t number) {
        world->flat_codes->map.cvisit(codes[number], [&](const auto& code) { world->flat->map.cvisit(code.second, [](const auto& entry) { look_at(*entry.second); }); });
    }, world->flat_two_bytes);
    add("flat_map visits, pointer out", [world, &codes](std::size_t number) {
        typename World<Row>::Pointer found;
        world->flat_codes->map.cvisit(codes[number], [&](const auto& code) { found = world->flat->find(code.second); });
        look_at(*found);
    }, world->flat_two_bytes);
}

} // namespace bench
