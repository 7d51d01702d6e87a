// SPDX-License-Identifier: BSL-1.0
#include "store_postgres.hpp"
#include "store_redis.hpp"

const session_tests::StoreKind session_tests::write_through_in_front_of_redis =
    store_kind<larder::WriteThrough, InFrontOfRedis<InPostgres>>("WriteThrough in front of Redis and PostgreSQL");
