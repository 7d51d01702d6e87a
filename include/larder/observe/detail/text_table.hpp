// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace detail {

/// A number with a comma before each three digits: 1,234,567.
inline std::string grouped(std::uint64_t number) {
    auto digits = fmt::to_string(number);
    for (auto at = digits.size(); at > 3;) digits.insert(at -= 3, 1, ',');
    return digits;
}

/// A time in the largest unit of ns, us, ms, s that it fills, to three digits or so.
inline std::string readable(Duration time) {
    const auto ns = static_cast<double>(time.count());
    if (ns < 1e3) return fmt::format("{} ns", time.count());
    if (ns < 1e6) return fmt::format("{:.2f} us", ns / 1e3);
    if (ns < 1e9) return fmt::format("{:.2f} ms", ns / 1e6);
    return fmt::format("{:.2f} s", ns / 1e9);
}

inline std::string readable_bytes(std::uint64_t bytes) {
    constexpr std::string_view units[] = {"KiB", "MiB", "GiB", "TiB"};
    if (bytes < 1024) return fmt::format("{} B", bytes);
    auto amount = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    while (amount >= 1024 && unit + 1 < std::size(units)) {
        amount /= 1024;
        ++unit;
    }
    return fmt::format("{:.1f} {}", amount, units[unit]);
}

inline std::string percent(double share) { return fmt::format("{:.2f} %", 100 * share); }

/// Rows of cells, printed with the first column to the left and the others to the right.
class TextTable {
public:
    static constexpr std::size_t first_column = 18; ///< The least width of the first column, in characters.
    static constexpr std::size_t other_columns = 9; ///< That of the others.

    explicit TextTable(std::vector<std::string> heading) { rows_.push_back(std::move(heading)); }

    void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

    /// Appends the table to `out`, or nothing if it has a heading only.
    void print(fmt::memory_buffer& out) const {
        if (rows_.size() < 2) return;
        std::vector<std::size_t> widths{first_column};
        for (const auto& row : rows_) {
            widths.resize(std::max(widths.size(), row.size()), other_columns);
            for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
        }
        for (const auto& row : rows_) {
            fmt::format_to(fmt::appender(out), "{:<{}}", row[0], row.size() > 1 ? widths[0] : 0);
            for (std::size_t i = 1; i < row.size(); ++i)
                fmt::format_to(fmt::appender(out), "  {:>{}}", row[i], widths[i]);
            out.push_back('\n');
        }
    }

private:
    std::vector<std::vector<std::string>> rows_;
};

} // namespace detail
} // namespace v0
} // namespace larder
