// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/error.hpp>
#include <larder/testing/sim/choices.hpp>
#include <larder/testing/sim/environment.hpp>
#include <larder/testing/sim/faults.hpp>
#include <larder/testing/sim/history.hpp>
#include <larder/testing/sim/network.hpp>
#include <larder/testing/sim/scheduler.hpp>
#include <larder/testing/sim/trace.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {

/// What a simulated run is made of.
struct WorldOptions {
    std::uint16_t processes = 2;
    std::uint16_t clients = 2;      ///< In each process.
    std::uint32_t operations = 5;   ///< Of each client.
    std::uint32_t rows = 2;         ///< There from the beginning.
    Order order = Order::uniform;
    std::uint32_t depth = 3;        ///< For `Order::pct`.
    Faults faults = Faults::all();
    GuardSet disabled;
    bool keep_trace = false;
};

/// How a run ended.
struct WorldResult {
    std::optional<Violation> violation;
    std::vector<std::string> trace;
    std::size_t hash = 0;
    std::uint64_t operations = 0;
    Faults faults;
};

/// What simulated runs have in common, whatever their processes do: time, chance, the network, the clients that are at work, and the faults
/// that strike servers and processes.
class SimStage {
protected:
    static constexpr Duration fence_for = std::chrono::milliseconds(500);
    static constexpr Duration lease_for = std::chrono::milliseconds(300);

    SimStage(Choices& choices, WorldOptions options)
        : options_(std::move(options)), choices_(choices), trace_(options_.keep_trace), scheduler_(choices_, options_.order, options_.depth), network_(scheduler_, choices_, options_.faults, trace_),
          shared_{scheduler_, choices_, options_.disabled} {}

    void note(const std::string& what) { trace_.note(scheduler_, what); }
    WallTime wall_now() { return SimEnvironment(shared_, Network::server).wall_now(); }

    static std::string who(Actor actor, std::uint32_t client) { return "client " + std::to_string(client) + " (process " + std::to_string(actor.process) + ")"; }

    /// The decisions of one operation of a client.
    static Strand strand_of(std::uint32_t client, std::uint32_t left) noexcept { return 1000 + client * 100 + left; }

    template <class Handler>
    auto bound(Actor actor, Handler handler) {
        return boost::asio::bind_executor(scheduler_.executor(actor), std::move(handler));
    }

    /// A completion token for what only asks, which a fault may cancel.
    template <class Answer, class Handler>
    auto waiting(Actor actor, Handler handler) {
        auto signal = std::make_shared<boost::asio::cancellation_signal>();
        if (network_.suffers(Fault::waiter_cancelled))
            scheduler_.after(actor, network_.hop(), [signal] { signal->emit(boost::asio::cancellation_type::terminal); });
        auto slot = signal->slot();
        return boost::asio::bind_cancellation_slot(slot, bound(actor, [handler = std::move(handler), signal](Error failure, Answer answer) mutable { handler(std::move(failure), std::move(answer)); }));
    }

    /// How long a client waits before its next operation: not at all, or for longer than a request may take or a fence lasts.
    Duration think() {
        constexpr std::uint32_t seldom = 4;
        if (!choices_.once_in(seldom)) return network_.hop();
        const Duration pause = choices_.pick(2) == 0 ? Duration(std::chrono::milliseconds(160)) : fence_for + std::chrono::milliseconds(60);
        return pause + network_.hop();
    }

    /// Lets the clients of a process begin. \param act `act(actor, client, left)`: lets a client do its next operation.
    template <class Act>
    void begin_clients(std::uint16_t process, Act act) {
        for (std::uint16_t i = 0; i < options_.clients; ++i) {
            const std::uint32_t client = ++last_client_;
            ++busy_;
            live_[process].push_back(client);
            choices_.enter(strand_of(client, options_.operations));
            scheduler_.after({process, static_cast<std::uint16_t>(10 + i)}, network_.hop(), [act, process, client, number = static_cast<std::uint16_t>(10 + i), left = options_.operations] { act(Actor{process, number}, client, left); });
        }
    }

    /// A client has done what it had to do.
    void finish(std::uint16_t process, std::uint32_t client) {
        if (std::erase(live_[process], client) != 0) --busy_;
    }

    /// Ends a process with all that it was doing. \param end what ends what it had in memory.
    template <class End>
    void kill_process(std::uint16_t process, End end) {
        auto& lives = live_[process];
        busy_ -= lives.size();
        lives.clear();
        scheduler_.drop_process(process);
        network_.drop_process(process);
        end();
        scheduler_.drop_process(process);
        network_.drop_process(process);
    }

    /// Faults that happen to servers and processes are planned ahead, at moments that are choices. \param cache the server of the shared tier. \param has_near whether a feed goes out from it.
    /// \param restart `restart(process)`: lets a process die and start again. \param evict `evict()`: lets the shared tier forget a record.
    template <class Cache, class Restart, class Evict>
    void plan_faults(Cache& cache, bool has_near, Restart restart, Evict evict) {
        const auto plan = [this](Fault fault, auto happen) {
            choices_.enter(100 + static_cast<Strand>(fault));
            if (!options_.faults.allows(fault) || !choices_.once_in(options_.faults.rarity(fault))) return;
            scheduler_.after(Network::server, std::chrono::milliseconds(choices_.pick(60)), [this, fault, happen] {
                options_.faults.count(fault);
                happen();
            });
        };
        const auto some_process = [this] { return static_cast<std::uint16_t>(1 + choices_.pick(options_.processes)); };
        plan(Fault::crash, [this, some_process, restart] {
            const auto process = some_process();
            note("process " + std::to_string(process) + " dies");
            restart(process);
        });
        plan(Fault::pause, [this, some_process] {
            const auto process = some_process();
            note("process " + std::to_string(process) + " stands still");
            scheduler_.pause(process, scheduler_.now() + fence_for * 3 / 2);
        });
        plan(Fault::cache_restart, [this, &cache] {
            note("the cache restarts, empty");
            cache.restart();
        });
        plan(Fault::cache_evict, evict);
        plan(Fault::cache_rollback, [this, &cache] {
            cache.copy_to_replica();
            scheduler_.after(Network::server, std::chrono::milliseconds(20), [this, &cache] {
                note("the cache fails over to an older copy");
                cache.roll_back();
            });
        });
        if (has_near)
            plan(Fault::feed_dead, [this, &cache, some_process] {
                const auto process = some_process();
                note("the feed of process " + std::to_string(process) + " dies in silence");
                cache.kill_feed(process);
            });
        plan(Fault::clock_step, [this] {
            note("the wall clock is stepped by an hour");
            shared_.step_wall(std::chrono::hours(choices_.pick(2) == 0 ? 1 : -1));
        });
    }

    /// No fault strikes from now on.
    void end_faults() {
        for (std::size_t i = 0; i < fault_count; ++i) options_.faults.allow(static_cast<Fault>(i), false);
    }

    /// Whether the shared tier was lost in the run, and the fences of writes under way with it.
    bool lost_shared_tier() const noexcept { return options_.faults.injected(Fault::cache_restart) != 0 || options_.faults.injected(Fault::cache_rollback) != 0; }

    /// Whether in-process tiers were not told of changes, although their feed was alive: they know no bound but the TTL then.
    bool deaf() const noexcept { return options_.faults.injected(Fault::feed_lost) != 0 || options_.faults.injected(Fault::feed_reordered) != 0; }

    WorldResult result(std::optional<Violation> violation) const { return {std::move(violation), trace_.lines(), trace_.hash(), operations_, options_.faults}; }

    WorldOptions options_;
    Choices& choices_;
    Trace trace_;
    Scheduler scheduler_;
    Network network_;
    SimShared shared_;
    std::map<std::uint16_t, std::vector<std::uint32_t>> live_; ///< The clients at work in each process.
    std::uint32_t last_client_ = 0;
    std::size_t busy_ = 0;
    std::uint64_t operations_ = 0;
};

} // namespace testing
} // namespace v0
} // namespace larder
