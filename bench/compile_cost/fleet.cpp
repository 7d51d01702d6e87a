// SPDX-License-Identifier: BSL-1.0
//
// The same over a tier in the process, Redis and PostgreSQL.

#include "accounts.hpp"

#include <larder/cache/redis.hpp>
#include <larder/database/postgres.hpp>

using Accounts = larder::CachedRepository<Account, larder::Stack<larder::MemoryCache, larder::RedisCache, larder::PostgresDatabase>>;

template bool rename(Accounts&, std::int64_t, const std::string&);
template std::string later(Accounts&, const std::string&);
