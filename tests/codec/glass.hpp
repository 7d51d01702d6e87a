// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <string_view>

namespace codec_tests {

/// A cipher that hides nothing.
struct Glass {
    bool seal(std::string_view plain, std::string_view, std::string& out) const { return out += plain, true; }
    bool open(std::string_view sealed, std::string_view, std::string& out) const { return out += sealed, true; }
};

} // namespace codec_tests
