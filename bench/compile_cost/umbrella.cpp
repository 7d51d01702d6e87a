// SPDX-License-Identifier: BSL-1.0
//
// Everything but the adapters of servers, and nothing done with it.

#include <larder/larder.hpp>
