// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <iterator>

namespace larder {
inline namespace v0 {
namespace detail {

/// The rule that chooses what a full shard evicts: SIEVE (Zhang, Yang, Yue, Vigfusson, Rashmi, "SIEVE is Simpler than LRU", NSDI 2024).
///
/// A hit sets a mark on its record and moves nothing. A hand walks from the oldest record to the newest and round again; it takes
/// the marks off the records that it passes and stops at one without. A record that must be spared for now becomes the newest: behind the
/// hand it might stay for good, for the hand may never come round. Amortised O(1): each step that does not find a victim takes
/// off a mark that a hit has set, or passes a record that must be spared.
///
/// \tparam Order a Boost.MultiIndex sequenced index, oldest first, of records with a mutable `visited`.
template <class Order>
class Sieve {
public:
    using iterator = typename Order::iterator;

    /// The next record to evict, or the end if every one must be spared. \param spared whether a record must stay.
    template <class Spared>
    iterator victim(Order& order, const Spared& spared) {
        iterator hand = at_start_ ? order.begin() : hand_;
        for (std::size_t steps = 2 * order.size(); steps != 0; --steps) {
            if (hand == order.end()) hand = order.begin();
            const iterator passed = hand++;
            if (spared(*passed)) {
                order.relocate(order.end(), passed);
            } else if (passed->visited) {
                passed->visited = false;
            } else {
                point_to(order, passed);
                return passed;
            }
        }
        point_to(order, hand);
        return order.end();
    }

    /// Makes a record the newest.
    void renew(Order& order, iterator record) noexcept {
        leaving(order, record);
        order.relocate(order.end(), record);
    }

    /// To be called before a record is removed.
    void leaving(Order& order, iterator record) noexcept {
        if (!at_start_ && hand_ == record) point_to(order, ++record);
    }

    /// To be called when all records are removed.
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
