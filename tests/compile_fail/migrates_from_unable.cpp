// SPDX-License-Identifier: BSL-1.0
// expect: larder: the function of a migrates_from must take the older layout and return the entity, or a std::optional of it
#include <larder/codec/packed.hpp>

#include <boost/describe/class.hpp>

#include <cstdint>
#include <string>
#include <string_view>

struct OldAccount {
    std::int64_t id = 0;
};
BOOST_DESCRIBE_STRUCT(OldAccount, (), (id))

struct Account {
    std::int64_t id = 0;
    std::string name;
};
BOOST_DESCRIBE_STRUCT(Account, (), (id, name))

#ifdef LARDER_EXPECT_OK
Account upgrade(OldAccount old) { return {old.id, ""}; }
#else
std::int64_t upgrade(OldAccount old) { return old.id; }
#endif

template <>
struct larder::entity_traits<Account> : larder::schema<"accounts", larder::primary<&Account::id>, larder::migrates_from<OldAccount, &upgrade>> {};

larder::DecodeOutcome decode(std::string_view bytes, Account& account) { return larder::PackedCodec().decode(bytes, account); }
