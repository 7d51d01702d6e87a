// SPDX-License-Identifier: BSL-1.0
#include "all.hpp"

void bench::add_uuid_rows(const Sizes& sizes) { add_all<UuidRow>(sizes, "UUID", "text"); }
