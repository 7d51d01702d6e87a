// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "ledger.hpp"
#include "service.hpp"

#include <larder/session/session.hpp>

#include <boost/uuid/random_generator.hpp>
#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace example {

/// What the database begins with: a session for each device, last seen within the last minute, as where a service has been running.
class Beginnings {
public:
    Beginnings(std::size_t users, std::size_t sessions, std::uint64_t seed) : users_(users), ids_(sessions) {
        std::mt19937_64 random(seed);
        boost::uuids::basic_random_generator<std::mt19937_64> make(random);
        for (auto& id : ids_) id = make();
    }

    /// Tells a ledger. The tokens follow from the order of the sessions, so that each code can have a ledger of its own.
    void enter(Ledger& ledger) const {
        for (std::size_t device = 0; device < ids_.size(); ++device) ledger.logged_in(device, ledger.begin_login(device), ids_[device], 1, {});
    }

    template <class Visit>
    void each_user(Visit visit) const {
        for (std::size_t i = 1; i <= users_; ++i) visit(larder::User{static_cast<std::int64_t>(i), fmt::format("user{}@example.org", i), fmt::format("user{}", i), 1});
    }
    template <class Visit>
    void each_session(const larder::HashKey& hash, Visit visit) const {
        using namespace std::chrono;
        Ledger ledger(users_, ids_.size());
        enter(ledger);
        const auto now = wall_clock();
        for (std::size_t device = 0; device < ids_.size(); ++device) {
            auto session = new_session(ledger.user_of(device), ledger.current(device), hash);
            session.id = ids_[device];
            session.created_at = now - 24h;
            session.last_seen_at = now - milliseconds(device * 7919 % 60'000);
            session.ip_address = fmt::format("192.0.2.{}", device % 256);
            session.version = 1;
            visit(session);
        }
    }

private:
    std::size_t users_;
    std::vector<larder::Uuid> ids_;
};

} // namespace example
