// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/environment.hpp>
#include <larder/observe/event.hpp>

#include <array>
#include <atomic>
#include <cstddef>

namespace larder {
inline namespace v0 {
namespace detail {

/// What a tier may hold and what it holds: records by space, and the bytes of all together. Thread-safe.
template <std::size_t Spaces>
class Budget {
public:
    Budget(std::size_t max_records, std::size_t max_bytes) noexcept : max_records_(max_records), max_bytes_(max_bytes) {}

    std::size_t max_bytes() const noexcept { return max_bytes_; }

    void add_records(std::size_t space, std::ptrdiff_t count) noexcept {
        records_[space].fetch_add(static_cast<std::size_t>(count), std::memory_order_relaxed);
    }
    void add_bytes(std::size_t before, std::size_t after) noexcept {
        if (before != after) bytes_.fetch_add(after - before, std::memory_order_relaxed);
    }

    bool too_many(std::size_t space) const noexcept { return records_[space].load(std::memory_order_relaxed) > max_records_; }
    bool too_large() const noexcept { return bytes_.load(std::memory_order_relaxed) > max_bytes_; }

    /// The space that has to give bytes: a directory of aliases or epochs that has more keys than there are records of rows,
    /// else the records of rows, which hold most of the bytes.
    std::size_t payer() const noexcept {
        std::size_t longest = 0;
        for (std::size_t space = 1; space < Spaces; ++space)
            if (records_[space].load(std::memory_order_relaxed) > records_[longest].load(std::memory_order_relaxed)) longest = space;
        return longest;
    }

private:
    std::size_t max_records_;
    std::size_t max_bytes_;
    std::array<std::atomic<std::size_t>, Spaces> records_{};
    alignas(64) std::atomic<std::size_t> bytes_{0};
};

/// What a tier dropped by itself in the course of one operation, by cause.
class Evictions {
public:
    void add(EvictionCause cause, bool row, std::size_t bytes) noexcept {
        auto& sum = sums_[static_cast<std::size_t>(cause)];
        sum.rows += row ? 1 : 0;
        sum.bytes += bytes;
    }

    /// Tells an environment's observer of the rows that were dropped.
    template <class Env>
    void tell(Env& env) const {
        for (std::size_t cause = 0; cause < eviction_cause_count; ++cause)
            if (sums_[cause].rows != 0)
                env.observe(event::Evicted{Level::memory, static_cast<EvictionCause>(cause), sums_[cause].rows, sums_[cause].bytes});
    }

private:
    struct Sum {
        std::size_t rows = 0;
        std::size_t bytes = 0;
    };
    std::array<Sum, eviction_cause_count> sums_{};
};

} // namespace detail
} // namespace v0
} // namespace larder
