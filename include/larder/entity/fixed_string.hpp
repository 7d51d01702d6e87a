// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace larder {
inline namespace v0 {

/// A text literal as a template argument.
template <std::size_t Size>
struct FixedString {
    char text[Size]{};

    consteval FixedString(const char (&literal)[Size]) { std::copy_n(literal, Size, text); }
    constexpr std::string_view view() const noexcept { return {text, Size - 1}; }
};

} // namespace v0
} // namespace larder
