// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/detail/eviction_mark.hpp>
#include <larder/cache/detail/eviction_queues.hpp>
#include <larder/cache/detail/eviction_sketch.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace larder {
inline namespace v0 {
namespace detail {

/// W-TinyLFU with an adaptive window (Einziger, Eytan, Friedman, Manes, "Adaptive Software Cache Management", Middleware 2018). Has the interface
/// of `Fifo`.
///
/// Records enter a window, least recently used first; who leaves it competes with the next victim of the main part, a segmented LRU, and the one that was
/// asked for more often lately, by a sketch, stays. The window's size climbs towards the better hit ratio. A hit counts in the sketch and makes
/// its record the newest of its queue. O(1), if not for the records that must be spared.
template <class Order>
class WTinyLfu {
public:
    using iterator = typename Order::iterator;

    static constexpr std::size_t bytes_per_record = FrequencySketch::bytes_per_record;

    void entered(Order& order, iterator record) {
        queues_.enter(record);
        sketch_.suit(order.size());
        ask(order, record->hash);
    }

    template <class Record>
    void hit(Order& order, EvictionMark& mark, const Record& record) noexcept {
        ++hits_;
        mark.hits = 0;
        ask(order, record.hash);
        const std::uint8_t queue = mark.queue;
        queues_.move(order, order.iterator_to(record), queue == window ? window : guarded);
        if (queue == probation) shrink_guarded(order);
    }

    template <class Spared>
    iterator victim(Order& order, const Spared& spared) {
        climb(order);
        shrink_guarded(order);
        const std::size_t before = queues_.size(window);
        while (queues_.size(window) > window_size(order)) queues_.move(order, queues_.front(window), probation);
        const bool came = queues_.size(window) < before;
        const iterator candidate = came ? behind(order) : order.end();
        if (came && !spared(*candidate)) {
            const iterator rival = oldest(order, [&](const auto& record) { return record.hash == candidate->hash || spared(record); });
            return rival == order.end() || !displaces(*candidate, *rival) ? candidate : rival;
        }
        return oldest(order, spared);
    }

    void renew(Order& order, iterator record, bool emptied) noexcept {
        record->mark().hits = hollow;
        if (emptied || record->mark().queue == guarded) queues_.move(order, record, window);
    }

    void leaving(Order&, iterator record) noexcept { queues_.leave(record); }

    void reset() noexcept {
        queues_.reset();
        sketch_.reset();
        share_ = first_share;
        step_ = first_step;
        asked_ = hits_ = 0;
        before_ = 0;
    }

private:
    static constexpr std::uint8_t probation = 0;
    static constexpr std::uint8_t guarded = 1;
    static constexpr std::uint8_t window = 2;
    static constexpr std::uint8_t hollow = 1; ///< Instead of hits, which the sketch counts: the mark of a record that was not hit since it held nothing.
    static constexpr double first_share = 0.01;
    static constexpr double first_step = -0.0625;

    static double capacity(const Order& order) noexcept { return static_cast<double>(std::max<std::size_t>(order.size(), 2) - 1); }
    std::size_t window_size(const Order& order) const noexcept { return std::max<std::size_t>(1, static_cast<std::size_t>(share_ * capacity(order))); }

    void ask(const Order& order, std::uint64_t hash) noexcept {
        ++asked_;
        sketch_.add(hash, order.size());
    }

    void shrink_guarded(Order& order) noexcept {
        const double most = 0.8 * (1 - share_) * capacity(order);
        while (static_cast<double>(queues_.size(guarded)) > most) queues_.move(order, queues_.front(guarded), probation);
    }

    /// The newest record on probation. \pre there is one.
    iterator behind(Order& order) const noexcept {
        const std::uint8_t next = queues_.size(guarded) != 0 ? guarded : window;
        return std::prev(queues_.size(next) != 0 ? queues_.front(next) : order.end());
    }

    /// Whether the candidate stays rather than the rival. Now and then one that was asked for often may though the sketch says no, for who knows the
    /// hash could else keep it out by keys that collide.
    template <class Record>
    bool displaces(const Record& candidate, const Record& rival) noexcept {
        if (candidate.mark().hits == hollow || rival.mark().hits == hollow) return candidate.mark().hits != hollow;
        const unsigned asked = sketch_.estimate(candidate.hash);
        return asked > sketch_.estimate(rival.hash) || (asked > 5 && ++turned_down_ % 128 == 0);
    }

    template <class Spared>
    iterator oldest(Order& order, const Spared& spared) noexcept {
        for (const std::uint8_t queue : {probation, guarded, window})
            for (std::size_t steps = queues_.size(queue); steps != 0; --steps) {
                const iterator front = queues_.front(queue);
                if (!spared(*front)) return front;
                queues_.move(order, front, queue);
            }
        return order.end();
    }

    /// Goes on in the direction in which the hit ratio rose, else turns; by smaller and smaller steps, until it changes a lot.
    void climb(const Order& order) noexcept {
        constexpr double restart = 0.05;
        constexpr double decay = 0.98;
        if (static_cast<double>(asked_) < 10 * capacity(order)) return;
        const double ratio = static_cast<double>(hits_) / static_cast<double>(asked_);
        const double rise = ratio - before_;
        const double step = rise >= 0 ? step_ : -step_;
        share_ = std::clamp(share_ + step, 0.0, 0.99);
        step_ = std::abs(rise) >= restart ? std::copysign(first_step, step) : decay * step;
        before_ = ratio;
        asked_ = hits_ = 0;
    }

    Queues<Order, 3> queues_;
    FrequencySketch sketch_;
    double share_ = first_share; ///< Of the window.
    double step_ = first_step;
    double before_ = 0; ///< The hit ratio before the last step.
    std::size_t asked_ = 0;
    std::size_t hits_ = 0;
    unsigned turned_down_ = 0;
};

} // namespace detail
} // namespace v0
} // namespace larder
