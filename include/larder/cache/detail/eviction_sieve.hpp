// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

namespace larder {
inline namespace v0 {
namespace detail {

/// The rule that chooses what a full shard evicts: SIEVE (Zhang, Yang, Yue, Vigfusson, Rashmi, "SIEVE is Simpler than LRU", NSDI 2024).
///
/// A hit sets a mark on its record and moves nothing. A hand walks from the oldest record to the newest and round again; it takes
/// the marks off the records that it passes and stops at one without. Amortised O(1): each step that does not find a victim takes
/// off a mark that a hit has set, or passes a record that must be spared.
///
/// \tparam Order a Boost.MultiIndex sequenced index, oldest first, of records with a mutable `visited`.
template <class Order>
class Sieve {
public:
    using iterator = typename Order::iterator;

    /// The next record to evict, or the end if every one must be spared. \param spared whether a record must stay.
    template <class Spared>
    iterator victim(const Order& order, const Spared& spared) {
        iterator hand = at_start_ ? order.begin() : hand_;
        for (std::size_t steps = 2 * order.size(); steps != 0; --steps) {
            if (hand == order.end()) hand = order.begin();
            if (!spared(*hand)) {
                if (!hand->visited) {
                    point_to(order, hand);
                    return hand;
                }
                hand->visited = false;
            }
            ++hand;
        }
        point_to(order, hand);
        return order.end();
    }

    /// To be called before a record is removed.
    void leaving(const Order& order, iterator record) noexcept {
        if (!at_start_ && hand_ == record) point_to(order, ++record);
    }

    /// To be called when all records are removed.
    void reset() noexcept { at_start_ = true; }

private:
    void point_to(const Order& order, iterator record) noexcept {
        at_start_ = record == order.end();
        if (!at_start_) hand_ = record;
    }

    iterator hand_{};
    bool at_start_ = true;
};

} // namespace detail
} // namespace v0
} // namespace larder
