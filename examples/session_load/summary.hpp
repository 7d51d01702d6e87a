// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "run.hpp"
#include "tally.hpp"

#include <string>

namespace load {

/// Writes what came of a run for people. \param seconds how long it took.
void print_summary(const Run& run, double seconds);

/// The same for machines: a line of JSON.
std::string json_summary(const Run& run, double seconds);

} // namespace load
