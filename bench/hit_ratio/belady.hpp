// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace hit_ratio {

/// The hits of one who knows the future, and evicts what is wanted last (Belady, "A study of replacement algorithms for a virtual-storage
/// computer", IBM Systems Journal 1966). O(n log capacity). \param keys numbered from 0 to `distinct` - 1.
inline std::size_t hits_of_belady(std::span<const std::uint32_t> keys, std::size_t distinct, std::size_t capacity) {
    constexpr auto never = std::numeric_limits<std::size_t>::max();
    std::vector<std::size_t> next(keys.size()), seen(distinct, never);
    for (std::size_t i = keys.size(); i-- > 0;) next[i] = std::exchange(seen[keys[i]], i);

    std::set<std::pair<std::size_t, std::uint32_t>> kept;
    std::vector<std::size_t> wanted(distinct, never);
    std::vector<char> there(distinct, 0);
    std::size_t hits = 0;
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const std::uint32_t key = keys[i];
        if (there[key]) {
            ++hits;
            kept.erase({wanted[key], key});
        } else if (kept.size() == capacity) {
            const auto last = std::prev(kept.end());
            there[last->second] = 0;
            kept.erase(last);
        }
        there[key] = 1;
        wanted[key] = next[i];
        kept.emplace(next[i], key);
    }
    return hits;
}

} // namespace hit_ratio
