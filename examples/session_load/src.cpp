// SPDX-License-Identifier: BSL-1.0

// Boost.JSON, compiled in.
#include <boost/json/src.hpp>
