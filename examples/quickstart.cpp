// SPDX-License-Identifier: BSL-1.0
//
// The README's example: rows of a SQLite database, answered from memory.

#include <larder/database/sqlite.hpp>
#include <larder/database/sqlite_schema.hpp>
#include <larder/larder.hpp>
#include <fmt/format.h>

struct Account { std::int64_t id = 0; std::string email{}, plan{}; std::uint64_t version = 0; };
BOOST_DESCRIBE_STRUCT(Account, (), (id, email, plan, version))
template <> struct larder::entity_traits<Account>
    : larder::schema<"accounts", larder::primary<&Account::id>, larder::unique<&Account::email>, larder::version<&Account::version>> {};
using Backend = larder::Stack<larder::MemoryCache, larder::SqliteDatabase>;

int main() {
    const larder::SqliteFile file(":memory:");
    larder::create_tables<Account>(file).value();
    larder::CachedRepository<Account, Backend, larder::WriteThrough> accounts{{{.max_bytes = 64 << 20}, file}, {.sole_writer = true}};

    accounts.insert({.email = "ann@example.org", .plan = "free"}).or_throw();
    auto ann = accounts.find_by<&Account::email>("ann@example.org"); // one query; from memory from now on
    accounts.update(ann->id, [](Account& account) { account.plan = "pro"; }).or_throw();
    ann = accounts.find(ann->id);                                    // no read that begins now answers with the old plan
    fmt::print("{}: plan {}, version {}, from {}\n", ann->email, ann->plan, ann.version(), name_of(ann.source()));
    fmt::print("bob: {}\n", name_of(accounts.find_by<&Account::email>("bob@example.org").absence()));
    return ann->plan == "pro" ? 0 : 1;
}
