// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "allocations.hpp"
#include "database.hpp"
#include "rivals.hpp"
#include "rows.hpp"
#include "sizes.hpp"
#include "zipf.hpp"

#include <larder/cache/memory.hpp>
#include <larder/policy/write_through.hpp>
#include <larder/repository/cached_repository.hpp>
#include <larder/repository/options.hpp>
#include <larder/repository/stack.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <stdexcept>
#include <vector>

namespace bench {

template <class Row>
using Repository = larder::CachedRepository<Row, larder::Stack<larder::MemoryCache, NumberedDatabase>, larder::WriteThrough>;

template <class Row>
using RowPointer = std::shared_ptr<const Row>;

template <class Row>
std::unique_ptr<Repository<Row>> make_repository(std::size_t capacity, std::size_t rows) {
    larder::Options options;
    options.ttl = std::chrono::hours(24);
    options.stale_if_error = std::chrono::hours(1);
    options.sole_writer = true;
    typename Repository<Row>::Config config{{.max_entries = capacity, .max_bytes = std::numeric_limits<std::size_t>::max() / 4}, {std::make_shared<Versions>(rows)}};
    return std::make_unique<Repository<Row>>(std::move(config), std::move(options));
}

/// The keys of the numbers below `count`.
template <class Key>
std::vector<Key> keys_of(std::size_t count) {
    std::vector<Key> keys;
    keys.reserve(count);
    for (std::size_t number = 0; number < count; ++number) keys.push_back(key_from<Key>(number));
    return keys;
}

/// Everything whose hits are compared, filled with the same rows: Larder's copies are everybody's.
template <class Row>
struct World {
    using Key = decltype(Row::id);
    using Code = decltype(Row::code);
    using Pointer = RowPointer<Row>;
    struct Load {
        const World* world;
        Pointer operator()(const Key& key) const { return world->rows[number_of(key)]; }
    };

    explicit World(const Sizes& chosen) : sizes(chosen) {
        const double per_row = 1.0 / static_cast<double>(sizes.entries);
        keys = keys_of<Key>(sizes.entries);
        codes = keys_of<Code>(sizes.entries);
        auto before = heap_bytes();
        const auto spent = [&] {
            const auto bytes = static_cast<double>(heap_bytes() - before) * per_row;
            before = heap_bytes();
            return bytes;
        };
        for (std::size_t number = 0; number < sizes.entries; ++number) rows.push_back(std::make_shared<const Row>(row_of<Row>(number, 1)));
        const double row_bytes = spent() - static_cast<double>(rows.capacity() * sizeof(Pointer)) * per_row;
        rows = {};
        before = heap_bytes();

        repository = make_repository<Row>(sizes.entries, sizes.entries);
        for (const auto& code : codes) repository->template find_by<&Row::code>(code).or_throw();
        larder_bytes = spent() - row_bytes;
        rows.reserve(sizes.entries);
        for (std::size_t number = 0; number < sizes.entries; ++number) {
            const auto found = repository->try_find(keys[number]);
            if (!found || !repository->template try_find_by<&Row::code>(codes[number])) throw std::runtime_error("the cache does not hold what it was filled with");
            rows.push_back(found.row());
        }
        before = heap_bytes();
        flat = std::make_unique<FlatMap<Key, Pointer>>(sizes.entries);
        for (std::size_t number = 0; number < sizes.entries; ++number) flat->put(keys[number], rows[number]);
        flat_bytes = spent();
        flat_codes = std::make_unique<FlatMap<Code, Key>>(sizes.entries);
        for (std::size_t number = 0; number < sizes.entries; ++number) flat_codes->put(codes[number], keys[number]);
        flat_two_bytes = flat_bytes + spent();
        stream = zipf_stream(sizes.entries, sizes.stream, 0.99);
        if (sizes.large) return;

        before = heap_bytes();
        list = std::make_unique<ListLru<Key, Pointer>>(sizes.entries);
        for (std::size_t number = 0; number < sizes.entries; ++number) list->put(keys[number], rows[number]);
        list_bytes = spent();
        multi = std::make_unique<MultiIndexLru<Key, Pointer>>(sizes.entries);
        for (std::size_t number = 0; number < sizes.entries; ++number) multi->put(keys[number], rows[number]);
        multi_bytes = spent();
        tbb = std::make_unique<TbbLru<Key, Pointer, Load>>(sizes.entries, Load{this});
        for (std::size_t number = 0; number < sizes.entries; ++number) tbb->find(keys[number]);
        tbb_bytes = spent();
    }
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    Sizes sizes;
    std::vector<Key> keys;
    std::vector<Code> codes;
    std::vector<Pointer> rows;
    std::vector<std::uint32_t> stream;
    std::unique_ptr<Repository<Row>> repository;
    std::unique_ptr<FlatMap<Key, Pointer>> flat;
    std::unique_ptr<FlatMap<Code, Key>> flat_codes;
    std::unique_ptr<ListLru<Key, Pointer>> list;
    std::unique_ptr<MultiIndexLru<Key, Pointer>> multi;
    std::unique_ptr<TbbLru<Key, Pointer, Load>> tbb;
    /// What an entry costs beside its row.
    double larder_bytes = 0, flat_bytes = 0, flat_two_bytes = 0, list_bytes = 0, multi_bytes = 0, tbb_bytes = 0;
};

} // namespace bench
