// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <string_view>

namespace larder {
inline namespace v0 {
namespace detail {

/// Whether bytes are well-formed UTF-8 (RFC 3629: no overlong form, no surrogate, nothing past U+10FFFF) without a zero byte, which is what PostgreSQL keeps as text. O(bytes).
inline constexpr bool is_utf8_text(std::string_view bytes) noexcept {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    for (std::size_t i = 0; i < bytes.size();) {
        const unsigned char lead = at(i++);
        if (lead == 0) return false;
        if (lead < 0x80) continue;
        if (lead < 0xC2 || lead > 0xF4) return false;
        const std::size_t more = lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
        if (bytes.size() - i < more) return false;
        const unsigned char least = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
        const unsigned char most = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
        if (at(i) < least || at(i) > most) return false;
        for (std::size_t n = 1; n < more; ++n)
            if ((at(i + n) & 0xC0U) != 0x80) return false;
        i += more;
    }
    return true;
}

} // namespace detail
} // namespace v0
} // namespace larder
