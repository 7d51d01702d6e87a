// SPDX-License-Identifier: BSL-1.0
//
// Rows of a SQLite database, answered from memory: describe an entity, open a database, ask a repository.

// [README
#include <larder/database/sqlite.hpp>
#include <larder/database/sqlite_schema.hpp>
#include <larder/larder.hpp>
#include <larder/observe/report.hpp>

struct Account { std::int64_t id = 0; std::string email{}, plan{}; std::uint64_t version = 0; };
BOOST_DESCRIBE_STRUCT(Account, (), (id, email, plan, version))

template <> struct larder::entity_traits<Account>
    : larder::schema<"accounts", larder::primary<&Account::id>, larder::unique<&Account::email>, larder::version<&Account::version>> {};

using Accounts = larder::CachedRepository<Account, larder::Stack<larder::MemoryCache, larder::SqliteDatabase>, larder::WriteThrough>;

void upgrade(Accounts& accounts) {
    accounts.insert({.email = "ann@example.org", .plan = "free"}).or_throw();
    auto ann = accounts.find_by<&Account::email>("ann@example.org"); // from memory: the insert has put it there
    accounts.update(ann->id, [](Account& account) { account.plan = "pro"; }).or_throw();
    ann = accounts.find(ann->id); // no read that begins now answers with the old plan
    fmt::print("{} is on plan {}, version {}, from {}\n", ann->email, ann->plan, ann.version(), name_of(ann.source()));
}
// README]

int main() {
    const larder::SqliteFile file(":memory:");
    larder::create_tables<Account>(file).value();
    Accounts accounts{{{.max_bytes = 64 << 20}, file}, {.ttl = std::chrono::hours(1), .sole_writer = true}};
    upgrade(accounts);

    const auto nobody = accounts.find_by<&Account::email>("bob@example.org");
    fmt::print("bob: {}\n", name_of(nobody.absence())); // that there is no such row is a value, not a failure
    fmt::print("{}", accounts.metrics());               // what was asked of whom, and how long it took
    return accounts.find_by<&Account::email>("ann@example.org")->plan == "pro" ? 0 : 1;
}
