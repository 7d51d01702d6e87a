// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/observe/event.hpp>

#include <string>

namespace larder {
inline namespace v0 {
namespace detail {

/// What failed and why: "lookup: the connection was refused".
inline std::string text_of(const event::HiddenFailure& failure) {
    std::string text(failure.operation);
    text += ": ";
    text += failure.error.text.empty() ? failure.error.code.message() : failure.error.text;
    return text;
}

} // namespace detail
} // namespace v0
} // namespace larder
