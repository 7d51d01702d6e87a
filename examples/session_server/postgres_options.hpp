// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "site.hpp"

#include <larder/database/postgres_pool.hpp>

#include <algorithm>
#include <chrono>

namespace server {

/// How PostgreSQL is talked to: each statement has less time than the request that it serves.
inline larder::PostgresOptions postgres_options(const Site& site) {
    const auto within = std::max(std::chrono::floor<std::chrono::milliseconds>(site.answer_within), std::chrono::milliseconds(4));
    larder::PostgresOptions options;
    options.conninfo = site.postgres;
    options.connect_timeout = within / 2;
    options.statement_timeout = within / 2;
    options.answer_timeout = within * 3 / 4;
    return options;
}

} // namespace server
