// SPDX-License-Identifier: BSL-1.0
#include "store_redis.hpp"

const session_tests::StoreKind session_tests::by_epoch_in_front_of_redis =
    store_kind<ByEpoch, InFrontOfRedis<InMemory>>("Versioned<group_epoch> in front of Redis, in memory");
