// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace hit_ratio {

/// Keys in the order in which they were asked for.
struct Trace {
    std::string name;
    std::vector<std::uint32_t> keys; ///< Numbered by first appearance.
    std::size_t distinct = 0;
    std::vector<std::size_t> sizes;  ///< Of the caches to try.
};

/// Whether a file's name says that it is a trace: .txt, .txt.xz or .txt.gz.
bool names_trace(const std::filesystem::path& file);

/// Reads a trace, one key a line, through `xz -dc` or `gzip -dc` if it is compressed. \throws std::runtime_error if it cannot be read.
Trace read_trace(const std::filesystem::path& file);

/// Streams made by a formula, for where there are no traces: \param length requests each.
std::vector<Trace> made_traces(std::size_t length, std::uint64_t seed);

} // namespace hit_ratio
