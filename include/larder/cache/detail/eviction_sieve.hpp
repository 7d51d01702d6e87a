// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/detail/eviction_mark.hpp>

#include <cstddef>
#include <iterator>

namespace larder {
inline namespace v0 {
namespace detail {

/// SIEVE (Zhang, Yang, Yue, Vigfusson, Rashmi, "SIEVE is Simpler than LRU", NSDI 2024). Has the interface of `Fifo`.
///
/// A hit sets a mark on its record and moves nothing. A hand walks from the oldest record to the newest and round again; it takes
/// the marks off the records that it passes and stops at one without. A record that must be spared for now becomes the newest: behind the
/// hand it might stay for good, for the hand may never come round. Amortised O(1): each step that does not find a victim takes
/// off a mark that a hit has set, or passes a record that must be spared.
template <class Order>
class Sieve {
public:
    using iterator = typename Order::iterator;

    static constexpr std::size_t bytes_per_record = 0;

    void entered(Order&, iterator) noexcept {}

    template <class Record>
    void hit(Order&, EvictionMark& mark, const Record&) noexcept {
        mark.count(1);
    }

    template <class Spared>
    iterator victim(Order& order, const Spared& spared) {
        iterator hand = at_start_ ? order.begin() : hand_;
        iterator first_spared = order.end(); // From here on there are only such.
        for (std::size_t steps = 3 * order.size(); steps != 0; --steps) {
            if (hand == order.end() || hand == first_spared) hand = order.begin();
            const iterator passed = hand++;
            if (spared(*passed)) {
                order.relocate(order.end(), passed);
                if (first_spared == order.end()) first_spared = passed;
            } else if (passed->mark().hits != 0) {
                passed->mark().hits = 0;
            } else {
                point_to(order, passed);
                return passed;
            }
        }
        point_to(order, hand);
        return order.end();
    }

    void renew(Order& order, iterator record, bool emptied) noexcept {
        record->mark().hits = 0;
        if (!emptied) return;
        leaving(order, record);
        order.relocate(order.end(), record);
    }

    void leaving(Order& order, iterator record) noexcept {
        if (!at_start_ && hand_ == record) point_to(order, ++record);
    }

    void reset() noexcept { at_start_ = true; }

private:
    /// The rule makes room before it lets a record in; here the new one is there already. So the hand goes round to the oldest record where
    /// it would come to rest on the newest: else it would stay at that end, and whatever came next would be the next to go.
    void point_to(Order& order, iterator record) noexcept {
        at_start_ = record == order.end() || std::next(record) == order.end();
        if (!at_start_) hand_ = record;
    }

    iterator hand_{};
    bool at_start_ = true;
};

} // namespace detail
} // namespace v0
} // namespace larder
