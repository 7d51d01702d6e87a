// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <string>

namespace bench {

/// With how much the program is run.
struct Sizes {
    std::size_t entries = 100'000;
    bool large = false;        ///< So many that only the hits of what is worth it are measured.
    std::size_t stream = 1U << 21; ///< The accesses that are made again and again.
    std::string words{};       ///< "100,000 entries"
};

/// Registers the benchmarks of one kind of primary key; the other key is of the other kind.
void add_uuid_rows(const Sizes& sizes);
void add_text_rows(const Sizes& sizes);

} // namespace bench
