// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace larder {
inline namespace v0 {

namespace detail {

/// The buckets of a latency histogram: one for each nanosecond below 16, then 16 of equal width for each power of two
/// up to 2^36 ns (about 69 s), and one for all that is longer. (The log-linear scheme of HdrHistogram.)
///
/// A bucket's middle is within 1/32 of every value in it, except in the last.
struct LatencyScale {
    static constexpr unsigned sub_bits = 4;
    static constexpr std::uint64_t sub_count = std::uint64_t{1} << sub_bits;
    static constexpr unsigned top_bits = 36;
    static constexpr std::uint64_t top = std::uint64_t{1} << top_bits;
    static constexpr std::size_t last =
        (top_bits - sub_bits + 1) * sub_count; ///< The bucket of what is not below `top`.
    static constexpr std::size_t count = last + 1;

    static constexpr std::size_t index_of(std::uint64_t nanoseconds) noexcept {
        if (nanoseconds < sub_count) return static_cast<std::size_t>(nanoseconds);
        if (nanoseconds >= top) return last;
        const auto shift = static_cast<unsigned>(std::bit_width(nanoseconds)) - 1 - sub_bits;
        return static_cast<std::size_t>(shift * sub_count + (nanoseconds >> shift));
    }

    static constexpr std::uint64_t lowest(std::size_t index) noexcept {
        if (index < sub_count) return index;
        return (sub_count + index % sub_count) << shift_of(index);
    }

    /// \pre `index` is not the last bucket.
    static constexpr std::uint64_t highest(std::size_t index) noexcept { return lowest(index + 1) - 1; }

    /// \pre `index` is not the last bucket.
    static constexpr std::uint64_t middle(std::size_t index) noexcept {
        return lowest(index) + (highest(index) - lowest(index)) / 2;
    }

private:
    static constexpr unsigned shift_of(std::size_t index) noexcept {
        return static_cast<unsigned>(index / sub_count) - 1;
    }
};

/// One stripe's share of a latency histogram. Lock-free; any thread may write and read.
struct LatencyCells {
    using Cell = std::atomic<std::uint64_t>;
    Cell failed{0};
    Cell nanoseconds{0};
    Cell longest{0};
    std::array<Cell, LatencyScale::count> buckets{};

    /// Longer ones are recorded as this long, so that no absurd time makes the sum wrap round.
    static constexpr Duration longest_recorded = std::chrono::hours(24);

    /// Adds one call, whose time stands for `weight` calls. A negative time counts as 0. The bucket comes last, so that
    /// whoever reads the buckets first finds the other figures to hold all that they count.
    void record(Duration took, bool has_failed, std::uint32_t weight) noexcept {
        if (has_failed) failed.fetch_add(1, std::memory_order_relaxed);
        if (weight == 0) return;
        const auto time = static_cast<std::uint64_t>(std::clamp(took, Duration::zero(), longest_recorded).count());
        auto known = longest.load(std::memory_order_relaxed);
        while (known < time && !longest.compare_exchange_weak(known, time, std::memory_order_relaxed)) {
        }
        nanoseconds.fetch_add(time * weight, std::memory_order_relaxed);
        buckets[LatencyScale::index_of(time)].fetch_add(weight, std::memory_order_release);
    }
};

} // namespace detail

/// How long the calls of one verb took: a histogram whose figures are within 1/32 of the exact ones up to 69 s, and
/// exact in sum and (but for a difference of snapshots) maximum. A plain value.
///
/// Calls that wait for nobody, such as in-memory hits, are timed by samples, each of which stands for as many calls as its
/// weight says: so `count()` is about the number of calls, and `MetricsSnapshot::calls` is exactly that.
struct Latency {
    std::vector<std::uint64_t> buckets; ///< Calls by bucket, up to the last one that is not empty.
    std::uint64_t failed = 0;           ///< Calls that failed, each of them.
    std::uint64_t nanoseconds = 0;      ///< The sum of all times.
    std::uint64_t longest = 0;          ///< The maximum, in nanoseconds.

    /// The number of calls that the times stand for. O(buckets).
    std::uint64_t count() const noexcept {
        std::uint64_t sum = 0;
        for (const auto calls : buckets) sum += calls;
        return sum;
    }

    /// The time that the fraction `q` of the calls did not exceed; 0 if there was no call. `q` is brought into [0, 1].
    Duration quantile(double q) const noexcept {
        const auto calls = count();
        if (calls == 0) return {};
        const auto part = q > 0 ? std::min(q, 1.0) : 0.0;
        const auto rank = static_cast<std::uint64_t>(std::ceil(part * static_cast<double>(calls)));
        const auto wanted = std::clamp<std::uint64_t>(rank, 1, calls);
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < buckets.size(); ++i)
            if ((seen += buckets[i]) >= wanted) return as_duration(time_of(i));
        return max();
    }

    Duration p50() const noexcept { return quantile(0.5); }
    Duration p90() const noexcept { return quantile(0.9); }
    Duration p99() const noexcept { return quantile(0.99); }
    Duration p999() const noexcept { return quantile(0.999); }
    Duration max() const noexcept { return as_duration(longest); }

    /// The arithmetic mean; 0 if there was no call.
    Duration mean() const noexcept {
        const auto calls = count();
        return as_duration(calls == 0 ? 0 : nanoseconds / calls);
    }

    /// The number of calls that took no longer than `bound`, each taken for as long as its bucket's middle, so that it
    /// never decreases as calls are added. O(buckets). \pre `bound` is below `longest_bound`.
    std::uint64_t count_up_to(Duration bound) const noexcept {
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < std::min(buckets.size(), detail::LatencyScale::last); ++i)
            if (as_duration(detail::LatencyScale::middle(i)) <= bound) sum += buckets[i];
        return sum;
    }

    /// Where the buckets end: longer calls are told apart by the maximum only.
    static constexpr Duration longest_bound{detail::LatencyScale::top};

    /// Adds one stripe's share. Not atomic as a whole: the figures are those of moments during the call.
    void add(const detail::LatencyCells& cells) {
        for (std::size_t i = 0; i < cells.buckets.size(); ++i) {
            const auto calls = cells.buckets[i].load(std::memory_order_acquire);
            if (calls == 0) continue;
            if (buckets.size() <= i) buckets.resize(i + 1);
            buckets[i] += calls;
        }
        failed += cells.failed.load(std::memory_order_relaxed);
        nanoseconds += cells.nanoseconds.load(std::memory_order_relaxed);
        longest = std::max(longest, cells.longest.load(std::memory_order_relaxed));
    }

    /// The calls of this that are not in `earlier`. The maximum is exact if it was reached since, else it is that of
    /// the slowest bucket in use. \pre `earlier` was taken before this and from the same source.
    Latency since(const Latency& earlier) const {
        Latency difference = *this;
        for (std::size_t i = 0; i < std::min(buckets.size(), earlier.buckets.size()); ++i)
            difference.buckets[i] -= std::min(earlier.buckets[i], buckets[i]);
        while (!difference.buckets.empty() && difference.buckets.back() == 0) difference.buckets.pop_back();
        difference.failed -= std::min(earlier.failed, failed);
        difference.nanoseconds -= std::min(earlier.nanoseconds, nanoseconds);
        if (difference.buckets.empty())
            difference.longest = 0;
        else if (difference.buckets.size() <= detail::LatencyScale::last)
            difference.longest = std::min(longest, detail::LatencyScale::highest(difference.buckets.size() - 1));
        return difference;
    }

    friend bool operator==(const Latency&, const Latency&) = default;

private:
    static constexpr Duration as_duration(std::uint64_t ns) noexcept {
        return Duration(static_cast<Duration::rep>(ns));
    }

    std::uint64_t time_of(std::size_t bucket) const noexcept {
        return bucket == detail::LatencyScale::last ? longest : std::min(longest, detail::LatencyScale::middle(bucket));
    }
};

} // namespace v0
} // namespace larder
