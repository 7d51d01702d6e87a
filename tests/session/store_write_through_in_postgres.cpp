// SPDX-License-Identifier: BSL-1.0
#include "store_postgres.hpp"

const session_tests::StoreKind session_tests::write_through_in_postgres = store_kind<larder::WriteThrough, InPostgres>("WriteThrough in PostgreSQL");
