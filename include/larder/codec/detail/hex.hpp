// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace larder {
inline namespace v0 {
namespace detail {

/// Appends bytes as lower-case hexadecimal digits.
inline void append_hex(std::span<const std::byte> bytes, std::string& out) {
    constexpr std::string_view digits = "0123456789abcdef";
    for (const auto byte : bytes) {
        out += digits[std::to_integer<std::size_t>(byte >> 4)];
        out += digits[std::to_integer<std::size_t>(byte & std::byte{15})];
    }
}

/// The value of a lower-case hexadecimal digit; -1 for anything else.
constexpr int hex_digit(char letter) noexcept {
    if (letter >= '0' && letter <= '9') return letter - '0';
    if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
    return -1;
}

/// Appends the bytes that lower-case hexadecimal digits stand for; false, with some of them appended, if they are anything else.
template <class Container>
bool append_unhex(std::string_view text, Container& out) {
    if (text.size() % 2 != 0) return false;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);
        if (high < 0 || low < 0) return false;
        out.push_back(static_cast<typename Container::value_type>(high * 16 + low));
    }
    return true;
}

} // namespace detail
} // namespace v0
} // namespace larder
