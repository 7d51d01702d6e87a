// SPDX-License-Identifier: BSL-1.0
// expect: larder: a migrates_from names a layout that has the entity's own fields: it would never be used
#include <larder/codec/packed.hpp>

#include <boost/describe/class.hpp>

#include <cstdint>
#include <string>
#include <string_view>

struct OldAccount {
    std::int64_t id = 0;
#ifdef LARDER_EXPECT_OK
    std::int32_t name = 0;
#else
    std::string name;
#endif
};
BOOST_DESCRIBE_STRUCT(OldAccount, (), (id, name))

struct Account {
    std::int64_t id = 0;
    std::string name;
};
BOOST_DESCRIBE_STRUCT(Account, (), (id, name))

Account upgrade(OldAccount old) { return {old.id, ""}; }

template <>
struct larder::entity_traits<Account> : larder::schema<"accounts", larder::primary<&Account::id>, larder::migrates_from<OldAccount, &upgrade>> {};

larder::DecodeOutcome decode(std::string_view bytes, Account& account) { return larder::PackedCodec().decode(bytes, account); }
