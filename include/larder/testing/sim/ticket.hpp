// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/entity/schema_of.hpp>

#include <boost/describe/class.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace larder {
inline namespace v0 {
namespace testing {

/// The entity of simulated runs: a ticket, found by its id or by a code that is rotated, belonging to an owner, revocable, expiring.
struct Ticket {
    std::string id;
    std::string owner;
    std::string code;
    std::optional<TimePoint> revoked_at;
    TimePoint expires_at{};
    std::uint64_t version = 0;
};
BOOST_DESCRIBE_STRUCT(Ticket, (), (id, owner, code, revoked_at, expires_at, version))

} // namespace testing
} // namespace v0
} // namespace larder

template <>
struct larder::entity_traits<larder::testing::Ticket>
    : larder::schema<"tickets", larder::primary<&larder::testing::Ticket::id>, larder::unique<&larder::testing::Ticket::code>, larder::group<&larder::testing::Ticket::owner>,
                     larder::version<&larder::testing::Ticket::version>, larder::revoked<&larder::testing::Ticket::revoked_at>,
                     larder::expires<&larder::testing::Ticket::expires_at>> {};
