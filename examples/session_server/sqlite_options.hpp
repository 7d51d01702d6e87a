// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "site.hpp"

#include <larder/database/sqlite_file.hpp>

#include <chrono>

namespace server {

/// How the SQLite file is opened. \param alone whether no other process writes it.
inline larder::SqliteOptions sqlite_options(const Site& site, bool alone) {
    return {.busy_timeout = std::chrono::floor<std::chrono::milliseconds>(site.answer_within), .executor = site.blocking, .sole_writer = alone};
}

} // namespace server
