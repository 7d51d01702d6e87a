// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {

/// The one source of chance of a simulated run: a sequence of small decisions, made from a seed or replayed from a record.
///
/// In every decision 0 is the plainest outcome (no fault, first come first served), so that a run is simplified by shortening
/// its record or by setting decisions to 0: a replay that has run past its record decides 0.
class Choices {
public:
    /// New decisions from a seed.
    explicit Choices(std::uint64_t seed) : engine_(seed) {}
    /// The decisions of a record, then 0.
    explicit Choices(std::vector<std::uint32_t> record) : record_(std::move(record)), replaying_(true) {}

    /// One of 0 .. bound - 1. \pre bound > 0.
    std::uint32_t pick(std::uint32_t bound) {
        if (replaying_) {
            const std::uint32_t chosen = next_ < record_.size() ? record_[next_] % bound : 0;
            ++next_;
            return chosen;
        }
        const auto chosen = static_cast<std::uint32_t>((engine_() >> 32) * bound >> 32);
        record_.push_back(chosen);
        return chosen;
    }

    /// True once in `times`, at random. 0: never.
    bool once_in(std::uint32_t times) { return times != 0 && pick(times) == times - 1; }

    /// A number that is no decision: it names something and is not simplified.
    std::uint64_t token() {
        ++tokens_;
        return tokens_ * 0x9e3779b97f4a7c15ULL;
    }

    /// The decisions made so far, or those being replayed.
    const std::vector<std::uint32_t>& record() const noexcept { return record_; }
    /// How many decisions have been asked for.
    std::size_t used() const noexcept { return replaying_ ? next_ : record_.size(); }

private:
    std::mt19937_64 engine_{0};
    std::vector<std::uint32_t> record_;
    std::size_t next_ = 0;
    std::uint64_t tokens_ = 0;
    bool replaying_ = false;
};

} // namespace testing
} // namespace v0
} // namespace larder
