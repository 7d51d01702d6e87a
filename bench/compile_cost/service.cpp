// SPDX-License-Identifier: BSL-1.0
//
// A unit of a service over a file, which reads and writes in both forms.

#include "accounts.hpp"

#include <larder/database/sqlite.hpp>

using Accounts = larder::CachedRepository<Account, larder::Stack<larder::MemoryCache, larder::SqliteDatabase>>;

template bool rename(Accounts&, std::int64_t, const std::string&);
template std::string later(Accounts&, const std::string&);

std::int64_t add(Accounts& accounts, const std::string& email) {
    if (const auto known = accounts.find_by<&Account::email>(email)) return known->id;
    return accounts.insert({0, email, 0}).or_throw().row()->id;
}
