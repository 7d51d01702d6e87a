// SPDX-License-Identifier: BSL-1.0
#include "store_kind.hpp"

const session_tests::StoreKind session_tests::write_through_in_sqlite = store_kind<larder::WriteThrough, InSqlite>("WriteThrough in SQLite");
