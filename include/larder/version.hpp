// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The library's version, as major * 10000 + minor * 100 + patch.
#define LARDER_VERSION 100
/// The library's version as text.
#define LARDER_VERSION_STRING "0.1.0"
