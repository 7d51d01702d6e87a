// SPDX-License-Identifier: BSL-1.0
#include "all.hpp"

void bench::add_text_rows(const Sizes& sizes) { add_all<TextRow>(sizes, "text", "UUID"); }
