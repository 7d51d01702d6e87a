// SPDX-License-Identifier: BSL-1.0
#include <larder/codec/json.hpp>
#include <larder/src.hpp>
