// SPDX-License-Identifier: BSL-1.0
#include "store_redis.hpp"

const session_tests::StoreKind session_tests::hybrid_in_front_of_redis = store_kind<larder::Hybrid, InFrontOfRedis<InSqlite>>("Hybrid in front of Redis and SQLite");
