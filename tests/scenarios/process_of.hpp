// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "process.hpp"

#include <larder/cache/memory.hpp>
#include <larder/repository/unit_of_work.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>

#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace scenarios {

/// The shipping repository of a policy over the staged tier and database.
template <larder::policy Policy, bool Near>
class ProcessOf final : public Process {
    using Backend = std::conditional_t<Near, larder::Stack<larder::MemoryCache, StagedCache, StagedDatabase>, larder::Stack<StagedCache, StagedDatabase>>;
    using Repository = larder::CachedRepository<Ticket, Backend, Policy, larder::testing::SimEnvironment>;

public:
    explicit ProcessOf(const ProcessParts& parts) : repository_(config(parts), parts.options, Policy{}, parts.environment) {}

    void find(const std::string& key, const larder::Read& how, boost::asio::cancellation_slot slot, Then<Found<Ticket>> then) override {
        repository_.async_find(key, how, boost::asio::bind_cancellation_slot(slot, told(std::move(then))));
    }
    void find_by(const std::string& code, Then<Found<Ticket>> then) override { repository_.template async_find_by<&Ticket::code>(code, larder::Read{}, told(std::move(then))); }
    void find_many(const std::vector<std::string>& keys, Then<larder::FoundMany<Ticket>> then) override { repository_.async_find_many(keys, larder::Read{}, told(std::move(then))); }
    void insert(const Ticket& row, Then<Written<Ticket>> then) override { repository_.async_insert(row, told(std::move(then))); }
    void update(const std::string& key, std::function<bool(Ticket&)> change, Then<Written<Ticket>> then) override { repository_.async_update(key, std::move(change), told(std::move(then))); }
    void revoke(const std::string& key, larder::Effect effect, Then<Written<Ticket>> then) override { repository_.async_revoke(key, effect, told(std::move(then))); }
    void revoke_all(const std::string& owner, Then<larder::WrittenMany<Ticket>> then) override {
        repository_.template async_revoke_all_by<&Ticket::owner>(owner, larder::Assignments<>(), told(std::move(then)));
    }
    void unit(const UnitPlan& plan, Then<larder::UnitResult<>> then) override {
        auto work = [this, plan](auto& unit) -> larder::UnitTask<larder::Error> {
            for (const auto& step : plan.steps) {
                auto task = unit.update(repository_, step.key, step.change);
                const auto written = co_await task;
                if (written.failed()) co_return written.error();
            }
            co_return plan.verdict;
        };
        larder::async_in_one_transaction(std::tie(repository_), std::move(work), told(std::move(then)));
    }
    void expel(const std::string& key, Then<larder::Done> then) override { repository_.async_expel(key, told(std::move(then))); }

private:
    static typename Repository::Config config(const ProcessParts& parts) {
        if constexpr (Near)
            return {{.max_entries = 100, .max_bytes = 1 << 20}, parts.cache, parts.database};
        else
            return {parts.cache, parts.database};
    }

    /// The handler of a verb: answers say themselves whether they are failures.
    template <class Answer>
    static auto told(Then<Answer> then) {
        return [then = std::move(then)](const larder::Error&, Answer answer) { then(std::move(answer)); };
    }

    Repository repository_;
};

} // namespace scenarios
