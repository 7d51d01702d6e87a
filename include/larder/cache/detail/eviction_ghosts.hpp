// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <span>

namespace larder {
inline namespace v0 {
namespace detail {

/// A record that was evicted and is asked for again.
struct Ghost {
    std::uint64_t age = 0; ///< How many were evicted since.
    bool kept = false;     ///< What was said of it when it was evicted.
};

/// Remembers the last evictions by fingerprints of the keys, in a fixed space: a table of buckets in which the newest displaces the oldest.
/// May take one key for another in some of 10,000 cases. Without memory for its table it remembers nothing. O(1).
///
/// \tparam Span how many evictions it remembers, in multiples of the number of records.
template <std::size_t Span>
class Ghosts {
public:
    /// What the table costs for each record, with room to grow.
    static constexpr std::size_t bytes_per_record = sizeof(std::uint32_t) * (Span + Span / 4 + 1);

    /// Sees to it that the table suits so many records; forgets everything if it has to grow. Amortised O(1).
    void suit(std::size_t records) noexcept {
        if (records * Span <= buckets_ * ways) return;
        const std::size_t slots = buckets_ == 0 ? records * Span : (records + records / 4) * Span;
        const std::size_t buckets = (slots + ways - 1) / ways;
        auto* fresh = new (std::nothrow) Slot[buckets * ways]{};
        if (!fresh) return;
        slots_.reset(fresh);
        buckets_ = buckets;
        const auto width = static_cast<unsigned>(std::bit_width(slots));
        shift_ = width > age_bits - 2 ? width - (age_bits - 2) : 0;
    }

    /// Remembers an eviction. \param kept returned by `take`.
    void add(std::uint64_t hash, bool kept) noexcept {
        if (buckets_ == 0) return;
        ++clock_;
        const Place place = place_of(hash);
        Slot* chosen = &place.bucket.front();
        std::uint32_t most = 0;
        for (Slot& slot : place.bucket) {
            if (slot == 0 || print_of(slot) == place.print) {
                chosen = &slot;
                break;
            }
            if (const std::uint32_t age = age_of(slot); age > most) {
                most = age;
                chosen = &slot;
            }
        }
        *chosen = place.print << (age_bits + 1) | static_cast<Slot>(kept) << age_bits | now();
    }

    /// Finds an eviction, and forgets it.
    std::optional<Ghost> take(std::uint64_t hash) noexcept {
        if (buckets_ == 0) return std::nullopt;
        const Place place = place_of(hash);
        const auto found = std::find_if(place.bucket.begin(), place.bucket.end(), [&](Slot slot) { return slot != 0 && print_of(slot) == place.print; });
        if (found == place.bucket.end()) return std::nullopt;
        const Ghost ghost{std::uint64_t{age_of(*found)} << shift_, (*found >> age_bits & 1U) != 0};
        *found = 0;
        return ghost;
    }

    /// Forgets everything, and gives the memory back.
    void reset() noexcept {
        slots_.reset();
        buckets_ = 0;
    }

private:
    /// From the highest bit: the fingerprint, never 0; whether it was kept; the time of the eviction, which goes round.
    using Slot = std::uint32_t;
    static constexpr unsigned age_bits = 15;
    static constexpr std::size_t ways = 8;

    struct Place {
        std::span<Slot, ways> bucket;
        Slot print;
    };

    Place place_of(std::uint64_t hash) const noexcept {
        constexpr std::uint64_t golden = 0x9e3779b97f4a7c15;
        const std::uint64_t spread = hash * golden;
        const std::size_t bucket = static_cast<std::size_t>((spread >> 32) % buckets_);
        const Slot print = static_cast<Slot>(spread >> 8 & 0xffff);
        return {std::span<Slot, ways>(slots_.get() + bucket * ways, ways), print != 0 ? print : 1};
    }

    static Slot print_of(Slot slot) noexcept { return slot >> (age_bits + 1); }
    Slot now() const noexcept { return static_cast<Slot>(clock_ >> shift_) & ((Slot{1} << age_bits) - 1); }
    Slot age_of(Slot slot) const noexcept { return (now() - slot) & ((Slot{1} << age_bits) - 1); }

    std::unique_ptr<Slot[]> slots_;
    std::size_t buckets_ = 0;
    std::uint64_t clock_ = 0;
    unsigned shift_ = 0;
};

} // namespace detail
} // namespace v0
} // namespace larder
