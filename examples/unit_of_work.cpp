// SPDX-License-Identifier: BSL-1.0
//
// A unit of work, which the README shows: an account and its invoices, two repositories over one SQLite file, change in one transaction.

#include <larder/database/sqlite.hpp>
#include <larder/database/sqlite_schema.hpp>
#include <larder/larder.hpp>
#include <larder/repository/unit_of_work.hpp>

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <tuple>

struct Account {
    std::int64_t id = 0;
    std::string email{}, plan{};
    std::uint64_t version = 0;
};
BOOST_DESCRIBE_STRUCT(Account, (), (id, email, plan, version))

struct Invoice {
    std::int64_t id = 0, account_id = 0, cents = 0;
    std::uint64_t version = 0;
};
BOOST_DESCRIBE_STRUCT(Invoice, (), (id, account_id, cents, version))

template <>
struct larder::entity_traits<Account> : larder::schema<"accounts", larder::primary<&Account::id>, larder::unique<&Account::email>, larder::version<&Account::version>> {};
template <>
struct larder::entity_traits<Invoice> : larder::schema<"invoices", larder::primary<&Invoice::id>, larder::group<&Invoice::account_id>, larder::version<&Invoice::version>> {};

using Backend = larder::Stack<larder::MemoryCache, larder::SqliteDatabase>;

int main() {
    const larder::SqliteFile file(":memory:");
    larder::create_tables<Account>(file).value();
    larder::create_tables<Invoice>(file).value();
    const larder::Options options{.sole_writer = true};
    larder::CachedRepository<Account, Backend> accounts{{{}, file}, options};
    larder::CachedRepository<Invoice, Backend> invoices{{{}, file}, options};
    const auto ann = accounts.insert({.email = "ann@example.org", .plan = "free"}).or_throw().key();

    // README: from here
    const auto upgraded = larder::in_one_transaction(std::tie(accounts, invoices), [&](auto& unit) {
        unit.update(accounts, ann, [](Account& account) { account.plan = "pro"; });
        unit.insert(invoices, {.account_id = ann, .cents = 1900});
    });
    if (!upgraded) return 1;                 // neither was written
    const auto account = accounts.find(ann); // both are committed: no read that begins now answers with the old plan
    // README: to here

    // Nobody has this account, so the invoice that was written first is undone.
    const auto refused = larder::in_one_transaction(std::tie(accounts, invoices), [&](auto& unit) {
        unit.insert(invoices, {.account_id = ann + 1, .cents = 1900});
        unit.update(accounts, ann + 1, [](Account& nobody) { nobody.plan = "pro"; });
    });
    fmt::print("{}: plan {}, {} invoice(s)\n", account->email, account->plan, invoices.find_all_by<&Invoice::account_id>(ann).size());
    fmt::print("an account that nobody has: {}, {} invoice(s)\n", refused.error().text, invoices.find_all_by<&Invoice::account_id>(ann + 1).size());
    return account->plan == "pro" && !refused && invoices.find_all_by<&Invoice::account_id>(ann + 1).empty() ? 0 : 1;
}
