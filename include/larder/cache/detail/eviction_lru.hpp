// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/detail/eviction_fifo.hpp>

namespace larder {
inline namespace v0 {
namespace detail {

/// Least recently used: as `Fifo`, whose interface it has, but a hit makes its record the newest.
template <class Order>
class Lru : public Fifo<Order> {
public:
    template <class Record>
    void hit(Order& order, EvictionMark&, const Record& record) noexcept {
        order.relocate(order.end(), order.iterator_to(record));
    }
};

} // namespace detail
} // namespace v0
} // namespace larder
