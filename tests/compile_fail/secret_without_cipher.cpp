// SPDX-License-Identifier: BSL-1.0
// expect: larder: the entity has secret fields, which a codec without a cipher cannot encode: use a tier whose codec has one, such as SealedRedisCache of cache/sealed_redis.hpp
#include <larder/codec/packed.hpp>

#include <boost/describe/class.hpp>

#include <cstdint>
#include <string>

struct Account {
    std::int64_t id = 0;
    std::string password;
};
BOOST_DESCRIBE_STRUCT(Account, (), (id, password))

template <>
struct larder::entity_traits<Account> : larder::schema<"accounts", larder::primary<&Account::id>
#ifndef LARDER_EXPECT_OK
                                                       , larder::secret<&Account::password>
#endif
                                                       > {};

bool encode(const Account& account, std::string& out) { return larder::PackedCodec().encode(account, out); }
