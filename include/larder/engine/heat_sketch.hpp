// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace larder {
inline namespace v0 {
namespace detail {

/// An estimate of how often each key was accessed lately, in a fixed space: a count-min sketch (Cormode and Muthukrishnan,
/// "An improved data stream summary", 2005) whose counters are halved from time to time, as TinyLFU does (Einziger,
/// Friedman and Manes, 2017).
///
/// Never estimates too low between two halvings. Thread-safe, lock-free; concurrent increments may lose a count. O(1).
class HeatSketch {
public:
    /// Counts an access. \returns the estimate, this access included.
    std::uint32_t add(std::uint64_t hash) noexcept {
        std::uint32_t estimate = std::numeric_limits<std::uint32_t>::max();
        for (std::size_t row = 0; row < depth; ++row) {
            auto& counter = counters_[row][(hash >> (row * 16)) % width];
            const auto count = counter.load(std::memory_order_relaxed);
            if (count < std::numeric_limits<std::uint8_t>::max()) counter.store(static_cast<std::uint8_t>(count + 1), std::memory_order_relaxed);
            estimate = std::min<std::uint32_t>(estimate, count + 1U);
        }
        if (additions_.fetch_add(1, std::memory_order_relaxed) % halve_every == halve_every - 1) halve();
        return estimate;
    }

private:
    void halve() noexcept {
        for (auto& row : counters_)
            for (auto& counter : row) counter.store(static_cast<std::uint8_t>(counter.load(std::memory_order_relaxed) / 2), std::memory_order_relaxed);
    }

    static constexpr std::size_t depth = 4;
    static constexpr std::size_t width = 1U << 16;
    static constexpr std::uint64_t halve_every = width * 8;

    std::array<std::array<std::atomic<std::uint8_t>, width>, depth> counters_{};
    std::atomic<std::uint64_t> additions_{0};
};

} // namespace detail
} // namespace v0
} // namespace larder
