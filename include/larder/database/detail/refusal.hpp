// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/author.hpp>

namespace larder {
inline namespace v0 {
namespace detail {

/// The name by which the library's own databases know it.
using larder::Refusal;

} // namespace detail
} // namespace v0
} // namespace larder
