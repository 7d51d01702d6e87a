// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/database/postgres.hpp>
#include <larder/session/session.hpp>
#include <larder/testing/waiting_database.hpp>

namespace example {

/// Sessions in PostgreSQL, with calls that block, as the original's are.
using WaitingPostgres = larder::testing::WaitingDatabase<larder::Session, larder::PostgresDatabase<larder::Session>>;

} // namespace example
