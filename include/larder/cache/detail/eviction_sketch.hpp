// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

namespace larder {
inline namespace v0 {
namespace detail {

/// Estimates how often keys of an order were asked for lately: TinyLFU's count-min sketch of four-bit counters, halved once ten times as many
/// keys were counted as there are records (Einziger, Friedman, Manes, "TinyLFU: A Highly Efficient Cache Admission Policy", ACM Transactions on
/// Storage 2017). Grows with the order; where memory lacks it estimates 0. Amortised O(1).
class FrequencySketch {
public:
    static constexpr std::size_t bytes_per_record = 32;

    /// Sees to it that the sketch suits so many records.
    void suit(std::size_t records) noexcept {
        if (records <= words_) return;
        const std::size_t words = std::bit_ceil(std::max<std::size_t>(16, records + records / 2));
        auto* fresh = new (std::nothrow) std::uint64_t[words]{};
        if (!fresh) return;
        for (std::size_t word = 0; words_ != 0 && word < words; ++word) fresh[word] = table_[word & (words_ - 1)];
        table_.reset(fresh);
        words_ = words;
    }

    /// Counts a key. \param records the number of records now.
    void add(std::uint64_t hash, std::size_t records) noexcept {
        if (words_ == 0) return;
        const Counters counters = counters_of(hash);
        const unsigned least = least_of(counters);
        if (least == most) return;
        for (const Counter& counter : counters)
            if (value_of(counter) == least) table_[counter.word] += std::uint64_t{1} << counter.bit;
        if (++additions_ >= 10 * records) halve();
    }

    /// How often a key was counted, at most 15.
    unsigned estimate(std::uint64_t hash) const noexcept { return words_ == 0 ? 0 : least_of(counters_of(hash)); }

    /// Forgets everything, and gives the memory back.
    void reset() noexcept {
        table_.reset();
        words_ = 0;
        additions_ = 0;
    }

private:
    static constexpr unsigned most = 15;

    struct Counter {
        std::size_t word;
        unsigned bit;
    };
    using Counters = std::array<Counter, 4>;

    Counters counters_of(std::uint64_t hash) const noexcept {
        constexpr std::array<std::uint64_t, 4> factors{0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb, 0xd6e8feb86659fd93};
        Counters counters{};
        for (std::size_t row = 0; row < counters.size(); ++row) {
            const std::uint64_t spread = (hash ^ hash >> 32) * factors[row];
            counters[row] = {static_cast<std::size_t>(spread >> 32) & (words_ - 1), static_cast<unsigned>(4 * (4 * row + (spread >> 28 & 3)))};
        }
        return counters;
    }

    unsigned value_of(const Counter& counter) const noexcept { return static_cast<unsigned>(table_[counter.word] >> counter.bit) & most; }

    unsigned least_of(const Counters& counters) const noexcept {
        unsigned least = most;
        for (const Counter& counter : counters) least = std::min(least, value_of(counter));
        return least;
    }

    void halve() noexcept {
        constexpr std::uint64_t low_bits = 0x7777777777777777;
        for (std::size_t word = 0; word < words_; ++word) table_[word] = table_[word] >> 1 & low_bits;
        additions_ /= 2;
    }

    std::unique_ptr<std::uint64_t[]> table_;
    std::size_t words_ = 0;
    std::size_t additions_ = 0;
};

} // namespace detail
} // namespace v0
} // namespace larder
