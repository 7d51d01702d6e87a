// SPDX-License-Identifier: BSL-1.0
#include "store_redis.hpp"

const session_tests::StoreKind session_tests::write_through_behind_redis = store_kind<larder::WriteThrough, BehindRedis<InSqlite>>("WriteThrough in Redis and SQLite");
