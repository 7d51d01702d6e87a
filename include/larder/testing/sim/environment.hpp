// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/environment.hpp>
#include <larder/testing/sim/scheduler.hpp>

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {

/// Guards that are switched off for a run, to show what each is for.
class GuardSet {
public:
    GuardSet() noexcept = default;
    bool holds(Guard guard) const noexcept { return (bits_ >> static_cast<unsigned>(guard) & 1U) != 0; }
    GuardSet& add(Guard guard) noexcept {
        bits_ |= std::uint64_t{1} << static_cast<unsigned>(guard);
        return *this;
    }

private:
    std::uint64_t bits_ = 0;
};

/// What the environments of one run share: time, chance and the guards that are off.
struct SimShared {
    Scheduler& scheduler;
    Choices& choices;
    GuardSet disabled;
    Duration wall_step{}; ///< By how much the wall clock was stepped.
    /// The steps of the wall clock: when, and how far it is off since then.
    std::vector<std::pair<SteadyTime, Duration>> wall_steps{};

    void step_wall(Duration by) {
        wall_step += by;
        wall_steps.emplace_back(scheduler.now(), wall_step);
    }
};

/// The environment of the shipping algorithms inside a simulated run. Copies are the same environment.
class SimEnvironment {
public:
    SimEnvironment(SimShared& shared, Actor actor) noexcept : shared_(&shared), actor_(actor) {}

    SteadyTime now() const noexcept { return shared_->scheduler.now(); }
    WallTime wall_now() const noexcept {
        constexpr auto start = std::chrono::hours(24 * 365 * 30);
        return WallTime(std::chrono::duration_cast<std::chrono::microseconds>(start + shared_->scheduler.now().time_since_epoch() + shared_->wall_step));
    }
    std::uint64_t random() const { return shared_->choices.token(); }
    bool enabled(Guard guard) const noexcept { return !shared_->disabled.holds(guard); }
    template <class Event>
    void observe(const Event&) const noexcept {}

    /// Calls a function after a while of virtual time.
    void after(Duration delay, std::function<void()> function) const { shared_->scheduler.after(actor_, delay, std::move(function)); }

private:
    SimShared* shared_;
    Actor actor_;
};
static_assert(environment<SimEnvironment>);

} // namespace testing
} // namespace v0
} // namespace larder
