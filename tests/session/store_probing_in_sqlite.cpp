// SPDX-License-Identifier: BSL-1.0
#include "store_kind.hpp"

const session_tests::StoreKind session_tests::probing_in_sqlite = store_kind<Probing, InSqlite>("Versioned<row_probe> in SQLite");
