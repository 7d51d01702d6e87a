// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/detail/eviction_ghosts.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace larder {
inline namespace v0 {
namespace detail {

/// S3-FIFO that tunes itself, by what it has seen already: nothing is counted for it but hits by queue.
///
/// - *The small queue's share* follows the hits for each place. It grows where a place in the small queue gets many more than one
///   in the main queue (rows that are wanted a few times soon after the first), and shrinks where it gets far fewer (loops, scans,
///   a settled distribution); so that it is small where the main queue earns more, and half of everything where it earns nothing.
/// - *Thrashing*: where nearly everything that the main queue evicts is wanted again soon, as in a loop a little longer than the cache,
///   one row is as good as another, and to change them is what costs. Then, and for rows that were evicted long ago, the main queue gives
///   way slowly: a step for every so many who come back, until it finds a place that was not hit. A main queue that is hardly hit at all, as after a change
///   of what is wanted, does not wait.
///
/// An own rule, measured on traces (bench/hit_ratio.cpp). The idea to fix thrashing by keeping most of what is there is that of Qureshi, Jaleel, Patt, Steely
/// and Emer, "Adaptive insertion policies for high performance caching", ISCA 2007; that of tuning by ghosts is ARC's (Megiddo and Modha, FAST 2003).
class AdaptiveTuning {
public:
    static constexpr std::uint8_t main = 0;
    static constexpr std::uint8_t small = 1;
    static constexpr std::size_t ghost_span = 4;
    static constexpr bool remembers_main = true;

    double small_share() const noexcept { return share_; }

    void hit(std::uint8_t queue) noexcept { ++hits_[queue]; }

    void evicting(std::size_t capacity, std::size_t small_size, std::size_t main_size) noexcept {
        if (++evictions_ < std::max<std::size_t>(32, capacity / 2)) return;
        evictions_ = 0;
        const auto per_place = [&](std::uint8_t queue, std::size_t size) { return static_cast<double>(hits_[queue]) / static_cast<double>(std::max<std::size_t>(1, size)); };
        const double in_small = per_place(small, small_size);
        const double in_main = per_place(main, main_size);
        if (in_small > 3 * in_main)
            share_ = std::min(0.5, share_ * 1.1);
        else if (in_small < 0.3 * in_main)
            share_ = std::max(0.01, share_ / 1.1);
        pause_after_ = in_main < 0.05 ? 0 : patience;
        for (std::size_t& hits : hits_) hits /= 2;
    }

    void evicted_from_main() noexcept { judge(returning_ - returning_ / sample); }

    template <class Step>
    bool comes_back(const Ghost& ghost, std::size_t capacity, bool room, const Step& step) noexcept {
        const bool lately = static_cast<double>(ghost.age) < 0.9 * static_cast<double>(capacity);
        if (ghost.kept) {
            if (lately) judge(returning_ + 1 / sample);
            return false;
        }
        if (room || (lately && !thrashing_)) return true;
        if (pause_ != 0) {
            --pause_;
            return false;
        }
        if (step()) return true;
        pause_ = pause_after_;
        return false;
    }

private:
    static constexpr double sample = 64;
    static constexpr unsigned patience = 16;

    void judge(double returning) noexcept {
        returning_ = returning;
        if (returning_ > 0.75)
            thrashing_ = true;
        else if (returning_ < 0.5)
            thrashing_ = false;
    }

    std::array<std::size_t, 2> hits_{};
    std::size_t evictions_ = 0; ///< Since the share was last considered.
    double share_ = 0.2;
    double returning_ = 0; ///< The part of what the main queue evicted lately that was wanted again soon.
    unsigned pause_after_ = patience;
    unsigned pause_ = 0; ///< How many who come back the main queue does not look at.
    bool thrashing_ = false;
};

} // namespace detail
} // namespace v0
} // namespace larder
