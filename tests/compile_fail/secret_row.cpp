// SPDX-License-Identifier: BSL-1.0
// expect: larder: larder::secret names columns, not an embedded row: name the columns in the schema of the embedded entity
#include <larder/codec/packed.hpp>

#include <boost/describe/class.hpp>

#include <cstdint>
#include <string>

struct Owner {
    std::int64_t id = 0;
    std::string name;
};
BOOST_DESCRIBE_STRUCT(Owner, (), (id, name))

struct Account {
    std::int64_t id = 0;
    std::int64_t owner_id = 0;
    Owner owner;
};
BOOST_DESCRIBE_STRUCT(Account, (), (id, owner_id, owner))

template <>
struct larder::entity_traits<Owner> : larder::schema<"owners", larder::primary<&Owner::id>> {};

template <>
struct larder::entity_traits<Account> : larder::schema<"accounts", larder::primary<&Account::id>, larder::embed<&Account::owner, &Account::owner_id>
#ifndef LARDER_EXPECT_OK
                                                       , larder::secret<&Account::owner>
#endif
                                                       > {};

bool encode(const Account& account, std::string& out) { return larder::PackedCodec().encode(account, out); }
