// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/entity/value.hpp>
#include <larder/testing/sim/scheduler.hpp>

#include <boost/container_hash/hash.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {

/// A key as a trace shows it: the beginning of a text, the end of an identifier, the number, or nothing.
template <class Key>
std::string shown(const Key& key) {
    if constexpr (std::is_convertible_v<const Key&, std::string_view>) {
        constexpr std::size_t longest = 12;
        const std::string_view text = key;
        return std::string(text.substr(0, longest)) + (text.size() > longest ? "..." : "");
    } else if constexpr (std::is_same_v<Key, Uuid>) {
        constexpr std::string_view digits = "0123456789abcdef";
        std::string text = "..";
        for (auto each = key.end() - 2; each != key.end(); ++each) text.append({digits[*each / 16], digits[*each % 16]});
        return text;
    } else if constexpr (std::is_integral_v<Key>) {
        return std::to_string(key);
    } else {
        return {};
    }
}

/// What happened in a simulated run, line by line, and a hash of it. Lines are kept only if asked for.
class Trace {
public:
    explicit Trace(bool keep_lines) noexcept : keep_(keep_lines) {}

    void note(const Scheduler& scheduler, std::string_view what) {
        boost::hash_combine(hash_, scheduler.now().time_since_epoch().count());
        boost::hash_combine(hash_, what);
        if (!keep_) return;
        const auto moment = std::chrono::duration_cast<std::chrono::milliseconds>(scheduler.now().time_since_epoch() - std::chrono::hours(1000)).count();
        std::string number = std::to_string(lines_.size() + 1);
        std::string line = std::string(number.size() < 4 ? 4 - number.size() : 0, ' ') + number + "  " + std::to_string(moment) + " ms  ";
        lines_.push_back(line.append(what));
    }

    const std::vector<std::string>& lines() const noexcept { return lines_; }
    std::size_t hash() const noexcept { return hash_; }
    bool keeps() const noexcept { return keep_; }

private:
    bool keep_;
    std::size_t hash_ = 0;
    std::vector<std::string> lines_;
};

} // namespace testing
} // namespace v0
} // namespace larder
