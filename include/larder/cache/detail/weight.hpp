// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/cache_tier.hpp>
#include <larder/entity/projection.hpp>
#include <larder/entity/schema_of.hpp>
#include <larder/entity/value.hpp>

#include <boost/mp11/algorithm.hpp>

#include <cstddef>
#include <tuple>

namespace larder {
inline namespace v0 {
namespace detail {

/// The bytes that a row owns beyond itself: those of its fields and of its embedded rows.
template <class Entity>
std::size_t heap_of_row(const Entity& row) noexcept {
    std::size_t bytes = 0;
    boost::mp11::mp_for_each<typename schema_of<Entity>::columns>([&]<class Column>(Column) { bytes += heap_bytes(Column::get(row)); });
    boost::mp11::mp_for_each<typename schema_of<Entity>::embeds>([&]<class Part>(Part) {
        const auto& holder = row.*Embed<Part>::member;
        if constexpr (Embed<Part>::optional) {
            if (holder) bytes += heap_of_row(*holder);
        } else {
            bytes += heap_of_row(holder);
        }
    });
    return bytes;
}

/// What a shared row costs beside its own fields: the counters of its `std::shared_ptr` and the allocator's header.
inline constexpr std::size_t shared_overhead = 4 * sizeof(void*);

/// The bytes of a whole row as a tier keeps it.
template <entity Entity>
std::size_t weight_of_row(const Entity& row) noexcept {
    return sizeof(Entity) + shared_overhead + heap_of_row(row);
}

/// The bytes that a key owns beyond itself.
template <class Key>
std::size_t heap_of_key(const Key& key) noexcept {
    if constexpr (is_tuple_v<Key>)
        return std::apply([](const auto&... parts) { return (std::size_t{0} + ... + heap_bytes(parts)); }, key);
    else
        return heap_bytes(key);
}

} // namespace detail
} // namespace v0
} // namespace larder
