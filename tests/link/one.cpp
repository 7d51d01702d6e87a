// SPDX-License-Identifier: BSL-1.0
#include "every_header.hpp"

#include <larder/src.hpp>

#include <cstdio>

const boost::system::error_category* category_seen_by_two();

int main() {
    if (category_seen_by_two() == &larder::error_category()) return 0;
    std::puts("the two units do not share the library's error category");
    return 1;
}
