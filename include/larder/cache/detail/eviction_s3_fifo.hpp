// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/detail/eviction_ghosts.hpp>
#include <larder/cache/detail/eviction_mark.hpp>
#include <larder/cache/detail/eviction_queues.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace larder {
inline namespace v0 {
namespace detail {

/// S3-FIFO (Yang, Zhang, Qiu, Yue, Rashmi, "FIFO queues are all you need for cache eviction", SOSP 2023). Has the interface of `Fifo`.
///
/// Records enter a small queue. Those that were hit twice by the time they come to its front go on to the main queue; the others are evicted, and
/// remembered for a while: who comes back from there enters the main queue. In the main queue a record that was hit goes round again, once
/// for each of at most three hits. A hit counts in its record and moves nothing. Amortised O(1): each step that does not find a victim
/// uses up a hit, or a record's entry, or passes a record that must be spared.
///
/// \tparam Tuning what may differ: the share of the small queue, and who comes back to the main queue.
template <class Order, class Tuning>
class S3Fifo {
public:
    using iterator = typename Order::iterator;

    static constexpr std::size_t bytes_per_record = Ghosts<Tuning::ghost_span>::bytes_per_record;

    void entered(Order& order, iterator record) {
        queues_.enter(record);
        const auto ghost = ghosts_.take(record->hash);
        if (!ghost) return;
        const std::size_t capacity = order.size() - 1;
        const bool room = queues_.size(main) + small_target(capacity) < capacity;
        if (tuning_.comes_back(*ghost, capacity, room, [&] { return queues_.size(main) == 0 || step(order); })) queues_.move(order, record, main);
    }

    template <class Record>
    void hit(Order&, EvictionMark& mark, const Record&) noexcept {
        mark.count(most_hits);
        tuning_.hit(mark.queue);
    }

    template <class Spared>
    iterator victim(Order& order, const Spared& spared) {
        const std::size_t capacity = std::max<std::size_t>(order.size(), 2) - 1;
        tuning_.evicting(capacity, queues_.size(small), queues_.size(main));
        ghosts_.suit(capacity);
        const iterator chosen = choose(order, capacity, spared);
        if (chosen == order.end()) return chosen;
        const bool kept = chosen->mark().queue == main;
        if (kept) tuning_.evicted_from_main();
        if (!kept || Tuning::remembers_main) ghosts_.add(chosen->hash, kept);
        return chosen;
    }

    void renew(Order& order, iterator record, bool emptied) noexcept {
        record->mark().hits = 0;
        if (emptied || record->mark().queue != small) queues_.move(order, record, small);
    }

    void leaving(Order&, iterator record) noexcept { queues_.leave(record); }

    void reset() noexcept {
        queues_.reset();
        ghosts_.reset();
        tuning_ = {};
    }

private:
    static constexpr std::uint8_t main = Tuning::main;
    static constexpr std::uint8_t small = Tuning::small;
    static constexpr std::uint8_t most_hits = 3;
    static constexpr std::uint8_t promoting_hits = 2;

    std::size_t small_target(std::size_t capacity) const noexcept {
        return std::max<std::size_t>(1, static_cast<std::size_t>(tuning_.small_share() * static_cast<double>(capacity)));
    }

    /// One step of the main queue: whether its oldest record may go. If not, it goes round, with a hit less. \pre there is one.
    bool step(Order& order) noexcept {
        const iterator oldest = queues_.front(main);
        if (oldest->mark().hits == 0) return true;
        --oldest->mark().hits;
        queues_.move(order, oldest, main);
        return false;
    }

    template <class Spared>
    iterator choose(Order& order, std::size_t capacity, const Spared& spared) {
        const std::size_t target = small_target(capacity);
        bool main_may_give = queues_.size(main) != 0;
        const auto from_main = [&] {
            const iterator found = main_may_give ? oldest_of_main(order, spared) : order.end();
            main_may_give = found != order.end();
            return found;
        };
        if (queues_.size(small) <= target && main_may_give)
            if (const iterator found = from_main(); found != order.end()) return found;
        for (std::size_t steps = queues_.size(small); steps != 0; --steps) {
            const iterator oldest = queues_.front(small);
            if (spared(*oldest)) {
                queues_.move(order, oldest, small);
            } else if (oldest->mark().hits < promoting_hits) {
                return oldest;
            } else {
                oldest->mark().hits = 0;
                queues_.move(order, oldest, main);
                main_may_give = true;
                if (queues_.size(main) + target > capacity)
                    if (const iterator found = from_main(); found != order.end()) return found;
            }
        }
        main_may_give = queues_.size(main) != 0;
        return from_main();
    }

    template <class Spared>
    iterator oldest_of_main(Order& order, const Spared& spared) {
        for (std::size_t passes = queues_.size(main) * (most_hits + 1); passes != 0;) {
            const iterator oldest = queues_.front(main);
            if (spared(*oldest)) {
                queues_.move(order, oldest, main);
                --passes;
            } else if (step(order)) {
                return oldest;
            }
        }
        return order.end();
    }

    Tuning tuning_;
    Queues<Order, 2> queues_;
    Ghosts<Tuning::ghost_span> ghosts_;
};

/// S3-FIFO as it was published: a tenth for the small queue; who was evicted from it within the main queue's length comes back.
struct PlainTuning {
    static constexpr std::uint8_t main = 0;
    static constexpr std::uint8_t small = 1;
    static constexpr std::size_t ghost_span = 2;
    static constexpr bool remembers_main = false;

    double small_share() const noexcept { return 0.1; }
    void hit(std::uint8_t) noexcept {}
    void evicting(std::size_t, std::size_t, std::size_t) noexcept {}
    void evicted_from_main() noexcept {}
    template <class Step>
    bool comes_back(const Ghost& ghost, std::size_t capacity, bool, const Step&) const noexcept {
        return static_cast<double>(ghost.age) < 0.9 * static_cast<double>(capacity);
    }
};

} // namespace detail
} // namespace v0
} // namespace larder
