// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

namespace example {

/// How far the program is: a bar that moves on a terminal, a line at the beginning and the end of each step elsewhere. On the
/// standard error stream, so that the tables alone are the program's output.
class Progress {
public:
    explicit Progress(std::string step) : step_(std::move(step)), terminal_(::isatty(STDERR_FILENO) == 1) {
        if (terminal_)
            show(0);
        else
            fmt::print(stderr, "{} ...\n", step_);
    }
    Progress(const Progress&) = delete;
    ~Progress() {
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began_;
        fmt::print(stderr, "{}{} took {:.1f} s{}\n", terminal_ ? "\r" : "", step_, took.count(), terminal_ ? "\033[K" : "");
    }

    /// \param share of the step that is done, from 0 to 1.
    void show(double share) const {
        constexpr std::size_t width = 40;
        if (terminal_) fmt::print(stderr, "\r{:<22} [{:<{}}] {:3.0f} %", step_, std::string(static_cast<std::size_t>(share * width), '#'), width, share * 100);
    }

private:
    std::string step_;
    bool terminal_;
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

/// Lines of cells under a heading, each column as wide as it must be; the first one to the left, the others to the right.
class Table {
public:
    explicit Table(std::vector<std::string> heading) { add(std::move(heading)); }
    void add(std::vector<std::string> cells) { lines_.push_back(std::move(cells)); }
    void print() const {
        std::vector<std::size_t> widths(lines_.front().size());
        for (const auto& line : lines_)
            for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
        for (const auto& line : lines_) {
            fmt::print("{:<{}}", line[0], widths[0]);
            for (std::size_t i = 1; i < line.size(); ++i) fmt::print("  {:>{}}", line[i], widths[i]);
            fmt::print("\n");
        }
    }

private:
    std::vector<std::vector<std::string>> lines_;
};

/// A number with its thousands set apart.
inline std::string grouped(std::uint64_t number) {
    std::string digits = std::to_string(number);
    for (std::size_t from_end = 3; from_end < digits.size(); from_end += 4) digits.insert(digits.size() - from_end, 1, ',');
    return digits;
}

inline std::string micros(std::chrono::nanoseconds time) { return fmt::format("{:.1f} us", static_cast<double>(time.count()) / 1e3); }

inline std::string mebibytes(std::size_t bytes) { return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20)); }

} // namespace example
