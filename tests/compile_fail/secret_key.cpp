// SPDX-License-Identifier: BSL-1.0
// expect: larder: a secret field may not be part of the primary key, which aliases hold in clear in a shared tier: make the field a larder::Hashed, or do not call it secret
#include <larder/codec/packed.hpp>

#include <boost/describe/class.hpp>

#include <cstdint>
#include <string>

struct Account {
    std::string name;
#ifdef LARDER_EXPECT_OK
    larder::Hashed<std::string> token;
#else
    std::string token;
#endif
};
BOOST_DESCRIBE_STRUCT(Account, (), (name, token))

template <>
struct larder::entity_traits<Account> : larder::schema<"accounts", larder::primary<&Account::token>, larder::unique<&Account::name>, larder::secret<&Account::token>> {};

larder::DecodeOutcome decode(const std::string& bytes, larder::AliasTarget<Account>& target) { return larder::PackedCodec().decode(bytes, target); }
