// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "hits.hpp"
#include "measure.hpp"
#include "world.hpp"

#include <benchmark/benchmark.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace bench {

inline const std::string mixed = "95 reads, 5 writes", misses = "misses and evictions";

inline auto tells_nothing() {
    return [](benchmark::State&) {};
}

/// One access in twenty replaces the row. Larder's writes go through its database, at its versions, with a fence.
template <class Row>
void add_mixed(const std::shared_ptr<World<Row>>& world, const std::string& row) {
    const auto add = [&](const std::string& subject, auto read, auto write) {
        add_stream(mixed, row, subject, world->stream, [read, write](std::size_t number) {
            thread_local unsigned turn = 0;
            if (++turn % 20 == 0)
                write(number);
            else
                read(number);
        }, tells_nothing());
    };
    const auto& keys = world->keys;
    const auto changed = [world](std::size_t number) {
        Row copy = *world->rows[number];
        ++copy.owner;
        return std::make_shared<const Row>(std::move(copy));
    };
    const auto put_into = [&](const std::string& subject, auto& cache) {
        add(subject, [world, &cache, &keys](std::size_t number) { look_at(*cache.find(keys[number])); },
            [world, &cache, &keys, changed](std::size_t number) { cache.put(keys[number], changed(number)); });
    };
    add("Larder", [world, &keys](std::size_t number) { look_at(*world->repository->find(keys[number])); },
        [world, &keys](std::size_t number) { world->repository->update(keys[number], [](Row& changing) { ++changing.owner; }).or_throw(); });
    put_into("flat_map", *world->flat);
    put_into("list LRU, mutex", *world->list);
    put_into("MultiIndex LRU, mutex", *world->multi);
}

/// A cache of a tenth of the rows: what is missing is loaded, which costs next to nothing, and something else goes.
template <class Row>
struct Narrow {
    using Key = decltype(Row::id);
    using Pointer = RowPointer<Row>;
    struct Load {
        std::atomic<std::uint64_t>* loads;
        Pointer operator()(const Key& key) const {
            loads->fetch_add(1, std::memory_order_relaxed);
            return std::make_shared<const Row>(row_of<Row>(number_of(key), 1));
        }
    };

    explicit Narrow(const Sizes& sizes)
        : keys(keys_of<Key>(10 * sizes.entries)), stream(zipf_stream(keys.size(), sizes.stream, 0.99)), repository(make_repository<Row>(sizes.entries, keys.size())),
          list(sizes.entries), multi(sizes.entries), tbb(sizes.entries, Load{&tbb_loads}) {}
    Narrow(const Narrow&) = delete;
    Narrow& operator=(const Narrow&) = delete;

    std::vector<Key> keys;
    std::vector<std::uint32_t> stream;
    std::unique_ptr<Repository<Row>> repository;
    ListLru<Key, Pointer> list;
    MultiIndexLru<Key, Pointer> multi;
    std::atomic<std::uint64_t> list_loads{0}, multi_loads{0}, tbb_loads{0};
    TbbLru<Key, Pointer, Load> tbb;
};

template <class Row>
void add_misses(const std::shared_ptr<Narrow<Row>>& world, const std::string& row) {
    const auto add = [&](const std::string& subject, auto access) {
        for (const auto number : world->stream) access(number); // as full as it stays
        add_stream(misses, row, subject, world->stream, std::move(access), tells_nothing());
    };
    const auto& keys = world->keys;
    const auto cached = [&](const std::string& subject, auto& cache, std::atomic<std::uint64_t>& loads) {
        add(subject, [world, &cache, load = typename Narrow<Row>::Load{&loads}, &keys](std::size_t number) {
            auto found = cache.find(keys[number]);
            if (!found) {
                found = load(keys[number]);
                cache.put(keys[number], found);
            }
            look_at(*found);
        });
    };
    add("Larder", [world, &keys](std::size_t number) { look_at(*world->repository->find(keys[number])); });
    cached("list LRU, mutex", world->list, world->list_loads);
    cached("MultiIndex LRU, mutex", world->multi, world->multi_loads);
    add("oneTBB LRU", [world, &keys](std::size_t number) { look_at(*world->tbb.find(keys[number])); });
}

} // namespace bench
