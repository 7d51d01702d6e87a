// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/hash2/xxhash.hpp>

#include <cstdint>
#include <string_view>

namespace larder {
inline namespace v0 {
namespace detail {

/// The checksum (xxHash64, Yann Collet) by which a codec tells bytes that were damaged. O(size).
inline std::uint64_t checksum(std::uint64_t seed, std::string_view bytes) noexcept {
    boost::hash2::xxhash_64 hash(seed);
    hash.update(bytes.data(), bytes.size());
    return hash.result();
}

} // namespace detail
} // namespace v0
} // namespace larder
