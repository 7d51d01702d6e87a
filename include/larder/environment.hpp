// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/fwd.hpp>
#include <larder/observe/event.hpp>

#include <concepts>
#include <cstdint>
#include <memory>
#include <random>

#include <time.h>
#include <unistd.h>

namespace larder {
inline namespace v0 {

/// The protocol's guards, each of which closes one known hole. An environment made for tests may switch one off to show
/// that the hole is real and that the checker sees it; the shipping environment answers `true` to all, at compile time.
enum class Guard : unsigned {
    lease_on_fill,          ///< A fill needs the lease that its lookup was given.
    floor_on_fill,          ///< A fill below the newest published version is refused.
    floor_on_publish,       ///< A publish below the newest published version changes nothing.
    alias_verification,     ///< What an alias leads to is compared with what was asked.
    fence,                  ///< A fenced write drops values and leases before it commits.
    fence_owner,            ///< Fences are a set: a publish lifts its own fence only.
    write_deadline,         ///< The database refuses a fenced write after its fence's end.
    settle_after_fence,     ///< The first fill after a fence that ended unpublished waits for a commit in flight.
    lease_expiry,           ///< Leases end by themselves.
    share_rule,             ///< Who may take a shared load's answer.
    publish_every_key,      ///< An insert publishes every key that it has.
    stale_bar,              ///< What was revoked is never served stale on an error.
    parents_after_commit,   ///< Parents of an embedded row are expelled after its commit.
    identity_epoch,         ///< A changed identity of the shared tier empties what stands before it.
    placeholder_token,      ///< Each lease, and each placeholder in an in-process tier, has a token of its own.
    connection_lease,       ///< An in-process tier serves only while its feed of invalidations is known to be alive.
    epoch_before_row,       ///< A group's epoch is read before the row that is stamped with it.
};

/// Meets the requirements of an environment: the clock, the random source, the guards and the observer of one repository.
///
/// - `now()`: the monotonic clock. `wall_now()`: the wall clock. `random()`: 64 bits, unpredictable enough to be unique.
/// - `enabled(guard)`: whether a guard is on.
/// - `observe(event)`: hands an event (observe/event.hpp) to the observer; must not throw and must not call back.
///
/// It may have `clock_resolution`, a `Duration` by which `now()` may lag, and `precise_now()`, a finer clock for latencies.
/// All members are called from any thread at once.
template <class E>
concept environment = requires(E& env, const E& constant, Guard guard, event::Fill fill) {
    { constant.now() } -> std::convertible_to<SteadyTime>;
    { constant.wall_now() } -> std::convertible_to<WallTime>;
    { env.random() } -> std::convertible_to<std::uint64_t>;
    { constant.enabled(guard) } -> std::convertible_to<bool>;
    { env.observe(fill) };
};

/// The environment of production: the machine's clocks and a per-thread random engine, with the observer it is given.
///
/// Clocks are the coarse ones (a few ms of resolution, a fraction of the cost of the fine ones).
/// Thread-safe if the observer is. Copies share the observer.
template <class Observer = Metrics>
class SystemEnvironment {
public:
    using observer_type = Observer;

    SystemEnvironment() : observer_(std::make_shared<Observer>()) {}
    /// Uses an observer that others may hold too. \pre not null.
    explicit SystemEnvironment(std::shared_ptr<Observer> observer) : observer_(std::move(observer)) {}

    /// By how much `now()` may lag behind; taken off every lifetime.
    static constexpr Duration clock_resolution = std::chrono::milliseconds(4);

    SteadyTime now() const noexcept { return SteadyTime(read(CLOCK_MONOTONIC_COARSE)); }

    /// The monotonic clock at its full resolution, for latencies.
    SteadyTime precise_now() const noexcept { return SteadyTime(read(CLOCK_MONOTONIC)); }

    WallTime wall_now() const noexcept {
        return WallTime(std::chrono::duration_cast<std::chrono::microseconds>(read(CLOCK_REALTIME_COARSE)));
    }

    std::uint64_t random() const {
        thread_local std::mt19937_64 engine = seeded();
        return engine();
    }

    static constexpr bool enabled(Guard) noexcept { return true; }

    template <class Event>
    void observe(const Event& happened) const noexcept {
        observer_->on(happened);
    }

    /// The observer.
    Observer& observer() const noexcept { return *observer_; }

private:
    static Duration read(clockid_t clock) noexcept {
        timespec reading{};
        ::clock_gettime(clock, &reading);
        return std::chrono::seconds(reading.tv_sec) + std::chrono::nanoseconds(reading.tv_nsec);
    }

    static std::mt19937_64 seeded() {
        std::uint32_t entropy[16]{};
        if (::getentropy(entropy, sizeof entropy) != 0) entropy[0] = static_cast<std::uint32_t>(::getpid());
        std::seed_seq sequence(std::begin(entropy), std::end(entropy));
        return std::mt19937_64(sequence);
    }

    std::shared_ptr<Observer> observer_;
};

namespace detail {

/// Whether anybody listens to what an environment observes.
template <class Env>
constexpr bool is_observed() noexcept {
    if constexpr (requires { typename Env::observer_type; })
        return !is_silent_v<typename Env::observer_type>;
    else
        return true;
}

/// The finest monotonic clock that an environment has, for times that its observer is told. Not read where nobody listens.
template <class Env>
SteadyTime precise_now(const Env& env) noexcept {
    if constexpr (!is_observed<Env>())
        return {};
    else if constexpr (requires { env.precise_now(); })
        return env.precise_now();
    else
        return env.now();
}

/// By how much an environment's clock may lag.
template <class Env>
constexpr Duration clock_resolution() noexcept {
    if constexpr (requires { Env::clock_resolution; })
        return Env::clock_resolution;
    else
        return Duration::zero();
}

} // namespace detail
} // namespace v0
} // namespace larder
