// SPDX-License-Identifier: BSL-1.0
#include "site.hpp"

#include <larder/policy/hybrid.hpp>
#include <larder/policy/versioned.hpp>
#include <larder/policy/write_through.hpp>

#include <fmt/format.h>

#include <stdexcept>

namespace server {
namespace {

template <class Policy>
std::unique_ptr<Service> make_under(const Site& site) {
    if (site.redis) return site.sqlite.empty() ? on_redis_and_postgres<Policy>(site) : on_redis_and_sqlite<Policy>(site);
    return site.sqlite.empty() ? on_postgres<Policy>(site) : on_sqlite<Policy>(site);
}

} // namespace

std::unique_ptr<Service> make_service(std::string_view policy, const Site& site) {
    if (policy == "hybrid") return make_under<larder::Hybrid>(site);
    if (policy == "write-through") return make_under<larder::WriteThrough>(site);
    if (policy == "versioned") return make_under<larder::Versioned<larder::row_probe>>(site);
    throw std::logic_error(fmt::format("no policy is called {}", policy));
}

std::string stack_of(const Site& site) { return fmt::format("memory, {}{}", site.redis ? "Redis, " : "", site.sqlite.empty() ? "PostgreSQL" : "SQLite"); }

} // namespace server
