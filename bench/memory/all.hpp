// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "hits.hpp"
#include "mixes.hpp"
#include "sizes.hpp"
#include "world.hpp"

#include <memory>
#include <string>

namespace bench {

/// Registers everything about one kind of row. \param kind \param other_kind what its primary and its alternate key are.
template <class Row>
void add_all(const Sizes& sizes, const std::string& kind, const std::string& other_kind) {
    const auto world = std::make_shared<World<Row>>(sizes);
    add_hits_by_primary_key(world, kind + ", " + sizes.words);
    add_hits_by_other_key(world, other_kind + " to " + kind + ", " + sizes.words);
    if (sizes.large) return;
    add_mixed(world, kind + ", " + sizes.words);
    add_misses(std::make_shared<Narrow<Row>>(sizes), kind + ", " + sizes.words + " of ten times as many");
}

} // namespace bench
