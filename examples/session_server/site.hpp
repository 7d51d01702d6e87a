// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "secrets.hpp"
#include "service.hpp"

#include <larder/cache/redis_connection.hpp>
#include <larder/clock.hpp>
#include <larder/session/store_options.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace server {

/// What a service is made of, in the process that it is made in.
struct Site {
    std::string sqlite{};                        ///< The database file; empty: PostgreSQL.
    std::string postgres{};                      ///< How to connect to it.
    std::optional<larder::RedisOptions> redis{}; ///< The cache that processes share; none: there is one process.
    Secrets secrets;
    larder::SessionStoreOptions rules{};
    larder::Duration answer_within{};            ///< The time limit of every verb.
    boost::asio::any_io_executor io{};           ///< Where connections run.
    boost::asio::any_io_executor blocking{};     ///< Where SQLite does its work.
};

/// Makes a service for each combination of stores; each of them, for each policy, in a unit of its own.
/// \tparam Policy one of `larder::Hybrid`, `larder::WriteThrough` and `larder::Versioned<larder::row_probe>`.
/// @{
template <class Policy>
std::unique_ptr<Service> on_sqlite(const Site& site);
template <class Policy>
std::unique_ptr<Service> on_postgres(const Site& site);
template <class Policy>
std::unique_ptr<Service> on_redis_and_sqlite(const Site& site);
template <class Policy>
std::unique_ptr<Service> on_redis_and_postgres(const Site& site);
/// @}

/// Makes the service of a policy by its name: "hybrid", "write-through" or "versioned".
std::unique_ptr<Service> make_service(std::string_view policy, const Site& site);
/// What such a service is made of, in words.
std::string stack_of(const Site& site);

} // namespace server
