// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/larder.hpp>

#include <boost/asio/use_future.hpp>
#include <boost/describe.hpp>

#include <cstdint>
#include <string>

/// What the services are about: an entity with two keys.
struct Account {
    std::int64_t id = 0;
    std::string email;
    std::uint64_t version = 0;
};
BOOST_DESCRIBE_STRUCT(Account, (), (id, email, version))

template <>
struct larder::entity_traits<Account>
    : larder::schema<"accounts", larder::primary<&Account::id>, larder::unique<&Account::email>, larder::version<&Account::version>> {};

/// What they do with it: a write and a read, one that blocks and one that does not. \tparam Accounts its repository.
template <class Accounts>
bool rename(Accounts& accounts, std::int64_t id, const std::string& email) {
    return static_cast<bool>(accounts.update(id, [&](Account& account) { account.email = email; }));
}
template <class Accounts>
std::string later(Accounts& accounts, const std::string& email) {
    return accounts.template async_find_by<&Account::email>(email, larder::Read{}, boost::asio::use_future).get()->email;
}
