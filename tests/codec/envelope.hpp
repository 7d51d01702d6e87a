// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/codec/detail/checksum.hpp>
#include <larder/codec/detail/packed_fields.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace codec_tests {

inline std::string little_endian(std::uint64_t number, std::size_t size) {
    std::string bytes;
    for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(number >> (8 * i));
    return bytes;
}

/// A packed value with a good header, as somebody would forge it: the format, the size, the checksum, the fingerprint.
inline std::string packed_envelope(std::uint64_t fingerprint, std::string_view body) {
    const std::string checked = little_endian(fingerprint, 8) + std::string(body);
    const std::uint64_t size = checked.size() + 13;
    return '\xa1' + little_endian(size, 4) + little_endian(larder::detail::checksum(std::uint64_t{0xa1} << 32 | size, checked), 8) + checked;
}

/// The same for a JSON value: what follows `"value":`.
inline std::string json_envelope(std::uint64_t fingerprint, std::string_view text) {
    const std::string checked = "\"value\":" + std::string(text) + '}';
    char head[128];
    std::snprintf(head, sizeof head, R"({"larder":1,"fingerprint":"%016llx","checksum":"%016llx",)", static_cast<unsigned long long>(fingerprint),
                  static_cast<unsigned long long>(larder::detail::checksum(fingerprint, checked)));
    return head + checked;
}

} // namespace codec_tests
