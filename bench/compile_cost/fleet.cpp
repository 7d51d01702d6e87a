// SPDX-License-Identifier: BSL-1.0
//
// The same service over a tier in the process, Redis and PostgreSQL.

#include <larder/cache/redis.hpp>
#include <larder/database/postgres.hpp>
#include <larder/larder.hpp>

#include <boost/asio/use_future.hpp>
#include <boost/describe.hpp>

#include <cstdint>
#include <string>

struct Account {
    std::int64_t id = 0;
    std::string email;
    std::uint64_t version = 0;
};
BOOST_DESCRIBE_STRUCT(Account, (), (id, email, version))

template <>
struct larder::entity_traits<Account>
    : larder::schema<"accounts", larder::primary<&Account::id>, larder::unique<&Account::email>, larder::version<&Account::version>> {};

using Accounts = larder::CachedRepository<Account, larder::Stack<larder::MemoryCache, larder::RedisCache, larder::PostgresDatabase>>;

bool rename(Accounts& accounts, std::int64_t id, const std::string& email) {
    return static_cast<bool>(accounts.update(id, [&](Account& account) { account.email = email; }));
}

std::string later(Accounts& accounts, const std::string& email) { return accounts.async_find_by<&Account::email>(email, larder::Read{}, boost::asio::use_future).get()->email; }
