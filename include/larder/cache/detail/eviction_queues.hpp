// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>

namespace larder {
inline namespace v0 {
namespace detail {

/// Several queues in one order: stretches of it, one after the other, each oldest first. A record's mark says in which it is. O(Count).
///
/// A record that goes from the front of a queue to the back of the one before it stays where it is: only the border between the two moves.
template <class Order, std::size_t Count>
class Queues {
public:
    using iterator = typename Order::iterator;

    std::size_t size(std::size_t queue) const noexcept { return sizes_[queue]; }

    /// The oldest record of a queue. \pre there is one.
    iterator front(std::size_t queue) const noexcept { return fronts_[queue]; }

    /// Takes the order's last record, which is in no queue, into the last queue.
    void enter(iterator record) noexcept { join(record, Count - 1); }

    /// Makes a record the newest of a queue.
    void move(Order& order, iterator record, std::size_t queue) noexcept {
        leave(record);
        order.relocate(behind(order, queue), record);
        join(record, queue);
    }

    /// Takes a record out of its queue; to be called before it is removed.
    void leave(iterator record) noexcept {
        const std::size_t queue = record->mark().queue;
        --sizes_[queue];
        if (fronts_[queue] == record) fronts_[queue] = std::next(record);
    }

    /// Empties all queues.
    void reset() noexcept { sizes_ = {}; }

private:
    void join(iterator record, std::size_t queue) noexcept {
        record->mark().queue = static_cast<std::uint8_t>(queue);
        if (sizes_[queue]++ == 0) fronts_[queue] = record;
    }

    /// Where the records of the queues that follow begin.
    iterator behind(Order& order, std::size_t queue) const noexcept {
        while (++queue != Count)
            if (sizes_[queue] != 0) return fronts_[queue];
        return order.end();
    }

    std::array<iterator, Count> fronts_{}; ///< Meaningful where the queue is not empty.
    std::array<std::size_t, Count> sizes_{};
};

} // namespace detail
} // namespace v0
} // namespace larder
