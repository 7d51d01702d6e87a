// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "process.hpp"

#include <boost/asio/cancellation_signal.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace scenarios {

using larder::Absence;
using larder::Duration;
using larder::Guard;
using larder::Level;
using larder::Version;
using namespace std::chrono_literals;

/// An answer that may not have come yet.
template <class Answer>
class Pending {
public:
    bool done() const noexcept { return answer_->has_value(); }
    const Answer& get() const {
        if (!done()) throw std::logic_error("there is no answer yet");
        return **answer_;
    }
    const Answer* operator->() const { return &get(); }

    /// What a verb calls with its answer.
    auto taker() const {
        return [answer = answer_](Answer given) { answer->emplace(std::move(given)); };
    }

private:
    std::shared_ptr<std::optional<Answer>> answer_ = std::make_shared<std::optional<Answer>>();
};

/// What a scenario plays with: a few processes with shipping repositories, one shared tier and one database, in virtual time, in
/// which everything happens at once, in the order in which it was asked for, unless the gate holds it.
class Stage {
public:
    static constexpr Duration ttl = 10min;
    static constexpr Duration fence_for = 500ms;
    static constexpr Duration lease_for = 300ms;
    static constexpr Duration negative_ttl = 2s;

    /// A process and what a client in it does. Everything that follows at this moment has happened when a verb returns.
    class Client {
    public:
        Pending<Found<Ticket>> find(const std::string& key, const larder::Read& how = {}) {
            return ask<Found<Ticket>>([&](Process& process, auto then) { process.find(key, how, {}, std::move(then)); });
        }
        /// As `find`, but nothing goes on before time is let pass, and the wait may be cancelled.
        Pending<Found<Ticket>> begin_find(const std::string& key, boost::asio::cancellation_slot slot = {}) {
            Pending<Found<Ticket>> pending;
            process_->find(key, {}, slot, pending.taker());
            return pending;
        }
        Pending<Found<Ticket>> find_by(const std::string& code) {
            return ask<Found<Ticket>>([&](Process& process, auto then) { process.find_by(code, std::move(then)); });
        }
        Pending<larder::FoundMany<Ticket>> find_many(const std::vector<std::string>& keys) {
            return ask<larder::FoundMany<Ticket>>([&](Process& process, auto then) { process.find_many(keys, std::move(then)); });
        }
        Pending<Written<Ticket>> insert(const Ticket& row) {
            return ask<Written<Ticket>>([&](Process& process, auto then) { process.insert(row, std::move(then)); });
        }
        Pending<Written<Ticket>> update(const std::string& key, std::function<bool(Ticket&)> change) {
            return ask<Written<Ticket>>([&](Process& process, auto then) { process.update(key, std::move(change), std::move(then)); });
        }
        /// As `update`, but nothing goes on before time is let pass.
        Pending<Written<Ticket>> begin_update(const std::string& key, std::function<bool(Ticket&)> change) {
            Pending<Written<Ticket>> pending;
            process_->update(key, std::move(change), pending.taker());
            return pending;
        }
        /// Gives a row another code.
        Pending<Written<Ticket>> rotate(const std::string& key, std::string code) {
            return update(key, change_to(std::move(code)));
        }
        Pending<Written<Ticket>> revoke(const std::string& key, larder::Effect effect = larder::Effect::may_be_pending) {
            return ask<Written<Ticket>>([&](Process& process, auto then) { process.revoke(key, effect, std::move(then)); });
        }
        Pending<larder::WrittenMany<Ticket>> revoke_all(const std::string& owner) {
            return ask<larder::WrittenMany<Ticket>>([&](Process& process, auto then) { process.revoke_all(owner, std::move(then)); });
        }
        /// Gives rows other codes in one transaction, in this order; does not commit if there is a verdict.
        Pending<larder::UnitResult<>> rotate_all(const std::vector<std::pair<std::string, std::string>>& codes, const larder::Error& verdict = {}) {
            UnitPlan plan{{}, verdict};
            for (const auto& [key, code] : codes) plan.steps.push_back({key, change_to(code)});
            return ask<larder::UnitResult<>>([&](Process& process, auto then) { process.unit(plan, std::move(then)); });
        }
        Pending<larder::Done> expel(const std::string& key) {
            return ask<larder::Done>([&](Process& process, auto then) { process.expel(key, std::move(then)); });
        }

        /// Holds this process's next request that begins with these words.
        Gate::Held hold(std::string what) { return stage_->gate.hold(number_, std::move(what)); }
        /// Holds the answer to it.
        Gate::Held hold_answer(std::string what) { return stage_->gate.hold_answer(number_, std::move(what)); }

        /// The process dies with all that it was doing; what it had sent goes on.
        void die() { stage_->kill(*this); }

        std::uint16_t number() const noexcept { return number_; }

    private:
        friend class Stage;
        Client(Stage& stage, std::uint16_t number) : stage_(&stage), number_(number) {}

        static std::function<bool(Ticket&)> change_to(std::string code) {
            return [code = std::move(code)](Ticket& row) {
                row.code = code;
                return true;
            };
        }

        template <class Answer, class Verb>
        Pending<Answer> ask(Verb verb) {
            Pending<Answer> pending;
            verb(*process_, pending.taker());
            stage_->settle();
            return pending;
        }

        Stage* stage_;
        std::uint16_t number_;
        std::unique_ptr<Process> process_;
    };

    /// \param off guards that are switched off. \param adjust changes the options of all processes. \param processes at least 3.
    explicit Stage(Under under, std::initializer_list<Guard> off = {}, const std::function<void(larder::Options&)>& adjust = {}, std::uint16_t processes = 3);
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;
    ~Stage();

    /// Puts a row into the database, where it was since ever. Its owner is "o", and it expires in a year.
    void plant(const std::string& key, const std::string& code) { plant(row(key, code)); }
    void plant(const Ticket& row);
    /// A row that expires in a year.
    Ticket row(const std::string& key, const std::string& code) const;

    /// Lets everything happen that is to happen at this moment.
    void settle() { scheduler_.run_until(scheduler_.now()); }
    /// Lets time pass.
    void pass(Duration span) { scheduler_.run_until(scheduler_.now() + span); }
    larder::SteadyTime now() const noexcept { return scheduler_.now(); }

    larder::testing::SimCacheServer<Ticket>& cache() noexcept { return cache_; }
    larder::testing::SimDatabaseServer<Ticket>& database() noexcept { return database_; }
    /// Lets the wall clock jump.
    void step_wall_clock(Duration by) { shared_.wall_step += by; }
    larder::WallTime wall_now() const { return larder::testing::SimEnvironment(shared_, larder::testing::Network::server).wall_now(); }

    /// Lets a replica of the database stay at what the database has now.
    void freeze_replica(const std::vector<std::string>& keys);
    /// Lets it catch up.
    void let_replica_catch_up() { replica_.reset(); }

    /// Gives a row another code in the database, past everybody.
    void write_behind(const std::string& key, const std::string& code);
    /// The row that the database has.
    Ticket truth(const std::string& key) { return database_.rows().load(key, larder::ReadMode::plain).value().value(); }
    /// What the shared tier would answer for a row, or for a code, to who wants no lease.
    larder::Lookup<larder::CachedRow<Ticket>> kept(const std::string& key) { return cache_.store().inspect<0>(key); }
    larder::Lookup<std::optional<std::string>> kept_code(const std::string& code) { return cache_.store().inspect<1>(code); }
    /// Whether no lease and no fence is left under a row's key or a code.
    bool free(const std::string& key, const std::string& code) { return is_free(kept(key)) && is_free(kept_code(code)); }

private:
    using Scheduler = larder::testing::Scheduler;
    static std::vector<Client> made(Stage& stage, std::uint16_t processes);

    template <class Found>
    static bool is_free(const Found& found) {
        return found.answer != larder::Answer::wait && found.answer != larder::Answer::bypass;
    }
    void kill(Client& client);

    mutable larder::testing::Choices choices_{larder::testing::Record()};
    larder::testing::Trace trace_{false};
    mutable Scheduler scheduler_{choices_};
    larder::testing::Faults faults_;
    larder::testing::Network network_{scheduler_, choices_, faults_, trace_};
    mutable larder::testing::SimShared shared_;
    larder::testing::SimCacheServer<Ticket> cache_;
    larder::testing::SimDatabaseServer<Ticket> database_;
    Replica<Ticket> replica_;
    std::vector<Client> clients_;

public:
    Gate gate{scheduler_};
    /// \name The first three processes
    /// @{
    Client &a, &b, &c;
    /// @}

    /// All processes.
    std::vector<Client>& clients() noexcept { return clients_; }
};

} // namespace scenarios
