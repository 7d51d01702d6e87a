// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "adapters.hpp"

#include <larder/repository/cached_repository.hpp>
#include <larder/repository/unit_result.hpp>
#include <larder/testing/sim/ticket.hpp>

#include <boost/asio/cancellation_signal.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace scenarios {

using larder::Found;
using larder::Written;
using larder::testing::Ticket;

/// What a stage plays under: a policy, and whether each process has a tier of its own in front of the shared one.
enum class Under { write_through, near_tier, hybrid, row_probe, group_epoch };

constexpr std::string_view name_of(Under under) noexcept {
    constexpr std::string_view names[] = {"WriteThrough", "WriteThrough with a tier in front", "Hybrid", "Versioned<row_probe>", "Versioned<group_epoch>"};
    return names[static_cast<std::size_t>(under)];
}

/// What a unit of work does: changes rows one after the other, and ends with an error if it is to be rolled back.
struct UnitPlan {
    struct Step {
        std::string key;
        std::function<bool(Ticket&)> change;
    };
    std::vector<Step> steps;
    larder::Error verdict{};
};

/// The repository of one process, whatever its type: the verbs that scenarios use. Each calls `then` once.
class Process {
public:
    template <class Answer>
    using Then = std::function<void(Answer)>;

    virtual ~Process() = default;
    virtual void find(const std::string& key, const larder::Read& how, boost::asio::cancellation_slot slot, Then<Found<Ticket>> then) = 0;
    virtual void find_by(const std::string& code, Then<Found<Ticket>> then) = 0;
    virtual void find_many(const std::vector<std::string>& keys, Then<larder::FoundMany<Ticket>> then) = 0;
    virtual void insert(const Ticket& row, Then<Written<Ticket>> then) = 0;
    virtual void update(const std::string& key, std::function<bool(Ticket&)> change, Then<Written<Ticket>> then) = 0;
    virtual void revoke(const std::string& key, larder::Effect effect, Then<Written<Ticket>> then) = 0;
    virtual void revoke_all(const std::string& owner, Then<larder::WrittenMany<Ticket>> then) = 0;
    virtual void unit(const UnitPlan& plan, Then<larder::UnitResult<>> then) = 0;
    virtual void expel(const std::string& key, Then<larder::Done> then) = 0;
};

/// What a process is made from.
struct ProcessParts {
    StagedCache<Ticket, larder::testing::SimEnvironment>::Config cache;
    StagedDatabase<Ticket>::Config database;
    larder::Options options;
    larder::testing::SimEnvironment environment;
};

/// Makes the process of a policy: each is instantiated in a unit of its own.
template <Under>
std::unique_ptr<Process> make_process(const ProcessParts& parts);

} // namespace scenarios
