// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace larder {
inline namespace v0 {
namespace detail {

/// Slots below this number belong to one living thread alone.
inline constexpr unsigned exclusive_slots = 64;
/// Slots from `exclusive_slots` on are shared by the threads that found no other.
inline constexpr unsigned shared_slots = 8;
inline constexpr unsigned thread_slots = exclusive_slots + shared_slots;

/// The slots that are taken. One object serves the whole process: it keeps its default visibility, since a second one
/// in a library built with hidden symbols would give the same slot to two threads.
struct [[gnu::visibility("default")]] ThreadSlots {
    std::atomic<std::uint64_t> taken{0};
    std::atomic<unsigned> next_shared{0};

    /// Takes the lowest free exclusive slot, else a shared one. Sees what earlier holders of the slot wrote.
    unsigned take() noexcept {
        auto seen = taken.load(std::memory_order_relaxed);
        while (seen != ~std::uint64_t{0}) {
            const auto slot = static_cast<unsigned>(std::countr_one(seen));
            if (taken.compare_exchange_weak(seen, seen | (std::uint64_t{1} << slot), std::memory_order_acquire,
                                            std::memory_order_relaxed))
                return slot;
        }
        return exclusive_slots + next_shared.fetch_add(1, std::memory_order_relaxed) % shared_slots;
    }

    void give_back(unsigned slot) noexcept { taken.fetch_and(~(std::uint64_t{1} << slot), std::memory_order_release); }

    static constexpr unsigned none = ~0U;
    static inline constinit thread_local unsigned mine = none;
};

[[gnu::visibility("default")]] inline constinit ThreadSlots process_slots;

/// Gives the thread's exclusive slot back when the thread ends. What still runs in the thread after that, destructors
/// of older thread-local objects, uses a shared slot.
struct ThreadSlotHolder {
    ~ThreadSlotHolder() {
        const auto slot = ThreadSlots::mine;
        ThreadSlots::mine = exclusive_slots;
        process_slots.give_back(slot);
    }
};

[[gnu::cold, gnu::noinline]] inline unsigned take_thread_slot() noexcept {
    ThreadSlots::mine = process_slots.take();
    if (ThreadSlots::mine < exclusive_slots) {
        thread_local ThreadSlotHolder holder;
        static_cast<void>(holder);
    }
    return ThreadSlots::mine;
}

/// A small number of the calling thread, below `thread_slots`. Two living threads never have the same number below
/// `exclusive_slots`. Never inlined, so that no caller keeps one thread's answer while a fiber moves to another thread.
[[gnu::noinline]] inline unsigned thread_slot() noexcept {
    if (ThreadSlots::mine != ThreadSlots::none) [[likely]]
        return ThreadSlots::mine;
    return take_thread_slot();
}

/// Copies of a table, each on cache lines of its own, so that threads that write do not disturb each other.
template <class Table, std::size_t Count> class Striped {
public:
    Table& of(unsigned slot) noexcept {
        if constexpr (Count >= thread_slots)
            return stripes_[slot].table;
        else
            return stripes_[slot % Count].table;
    }

    template <class Visit> void for_each(Visit&& visit) const {
        for (const auto& stripe : stripes_) visit(stripe.table);
    }

private:
    struct alignas(64) Stripe {
        Table table{};
    };
    std::array<Stripe, Count> stripes_{};
};

} // namespace detail
} // namespace v0
} // namespace larder
