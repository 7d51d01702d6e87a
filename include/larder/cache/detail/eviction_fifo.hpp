// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/detail/eviction_mark.hpp>

#include <cstddef>

namespace larder {
inline namespace v0 {
namespace detail {

/// First in, first out: evicts the record that has been there longest. A hit does nothing. A record that must be spared becomes the newest. O(1), if
/// not for the records that must be spared.
///
/// The interface of every rule, over `Order`, a Boost.MultiIndex sequenced index, oldest first, of records with a function `mark()`, their `EvictionMark&` and a
/// `hash`: the rule alone moves records in the order; whoever owns it adds them at its end and removes them.
template <class Order>
class Fifo {
public:
    using iterator = typename Order::iterator;

    /// The bytes that the rule needs per record, beside the record's mark.
    static constexpr std::size_t bytes_per_record = 0;

    /// A record was added at the end of the order.
    void entered(Order&, iterator) noexcept {}

    /// A record was hit. \param mark the record's, which may be nearer than the record is.
    template <class Record>
    void hit(Order&, EvictionMark&, const Record&) noexcept {}

    /// The record to evict now, or the end if every one must be spared. The order holds one more than it should, the newest.
    /// \param spared whether a record must stay.
    template <class Spared>
    iterator victim(Order& order, const Spared& spared) {
        for (std::size_t steps = order.size(); steps != 0; --steps) {
            if (!spared(*order.begin())) return order.begin();
            order.relocate(order.end(), order.begin());
        }
        return order.end();
    }

    /// A record holds nothing that could be hit: what it has earned is void, and it is where the rule is sure to come by.
    /// \param emptied whether it held something before; then it becomes the newest.
    void renew(Order& order, iterator record, bool emptied) noexcept {
        record->mark().hits = 0;
        if (emptied) order.relocate(order.end(), record);
    }

    /// To be called before a record is removed.
    void leaving(Order&, iterator) noexcept {}

    /// To be called when all records are removed.
    void reset() noexcept {}
};

} // namespace detail
} // namespace v0
} // namespace larder
