// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

namespace server {

/// Lets a few things be told in a second, and counts the others. Not thread-safe.
class Throttle {
public:
    /// \param most how many in a second.
    explicit Throttle(unsigned most) : most_(most) {}

    /// Nothing if one more is not to be told now; else how many were not told since the last that was.
    std::optional<std::uint64_t> pass() {
        if (const auto now = Clock::now(); now - since_ >= std::chrono::seconds(1)) {
            since_ = now;
            told_ = 0;
        }
        if (told_ == most_) {
            ++held_back_;
            return std::nullopt;
        }
        ++told_;
        return std::exchange(held_back_, 0);
    }

private:
    using Clock = std::chrono::steady_clock;

    unsigned most_;
    Clock::time_point since_{};
    unsigned told_ = 0;
    std::uint64_t held_back_ = 0;
};

} // namespace server
