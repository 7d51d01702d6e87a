// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/environment.hpp>
#include <larder/error.hpp>
#include <larder/observe/event.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {

/// An observer that keeps every event it is told, for tests to look at. Thread-safe.
class EventLog {
public:
    /// A `event::HiddenFailure` that outlives the call which told of it.
    struct HiddenFailure {
        Level level;
        std::string operation;
        Error error;
    };
    using Event = std::variant<event::Lookup, event::Query, event::Coalesced, event::Rebuilt, event::StaleServed, event::Fill, event::Evicted,
                               event::Invalidated, HiddenFailure, event::Finished>;

    template <class Happened>
    void on(const Happened& happened) {
        const std::lock_guard lock(mutex_);
        events_.emplace_back(happened);
    }
    /// Keeps the events that it stands for.
    void on(const event::Hit& happened) {
        happened.for_each_part([this](const auto& part) { on(part); });
    }
    void on(const event::HiddenFailure& happened) {
        const std::lock_guard lock(mutex_);
        events_.emplace_back(HiddenFailure{happened.level, std::string(happened.operation), happened.error});
    }

    /// All events so far, in the order in which they were told.
    std::vector<Event> events() const {
        const std::lock_guard lock(mutex_);
        return events_;
    }

    /// The events of one kind so far, in order.
    template <class Kind>
    std::vector<Kind> all() const {
        std::vector<Kind> found;
        const std::lock_guard lock(mutex_);
        for (const auto& happened : events_)
            if (const auto* wanted = std::get_if<Kind>(&happened)) found.push_back(*wanted);
        return found;
    }

    /// Forgets all events.
    void clear() {
        const std::lock_guard lock(mutex_);
        events_.clear();
    }

private:
    mutable std::mutex mutex_;
    std::vector<Event> events_;
};

/// An environment whose clocks stand still until they are moved, whose random numbers follow from a seed, and whose guards
/// can be switched off one by one.
///
/// Both clocks start some time after their own zero, so that a test may look back. Copies share everything. Thread-safe.
template <class Observer>
class BasicManualEnvironment {
public:
    using observer_type = Observer;

    explicit BasicManualEnvironment(std::uint64_t seed = 1, std::shared_ptr<Observer> observer = std::make_shared<Observer>())
        : state_(std::make_shared<State>(seed)), observer_(std::move(observer)) {}

    SteadyTime now() const noexcept { return SteadyTime(Duration(state_->steady.load(std::memory_order_relaxed))); }
    WallTime wall_now() const noexcept { return WallTime(std::chrono::microseconds(state_->wall.load(std::memory_order_relaxed))); }

    /// Moves both clocks forward. \param by not negative.
    void advance(Duration by) noexcept {
        state_->steady.fetch_add(by.count(), std::memory_order_relaxed);
        state_->wall.fetch_add(std::chrono::duration_cast<std::chrono::microseconds>(by).count(), std::memory_order_relaxed);
    }
    /// Sets the monotonic clock alone.
    void set_now(SteadyTime moment) noexcept { state_->steady.store(moment.time_since_epoch().count(), std::memory_order_relaxed); }
    /// Sets the wall clock alone, forward or back.
    void set_wall_now(WallTime moment) noexcept { state_->wall.store(moment.time_since_epoch().count(), std::memory_order_relaxed); }

    std::uint64_t random() const {
        const std::lock_guard lock(state_->mutex);
        return state_->engine();
    }

    bool enabled(Guard guard) const noexcept { return (state_->disabled.load(std::memory_order_relaxed) & bit(guard)) == 0; }
    /// Switches a guard off: the hole that it closes is open.
    void disable(Guard guard) noexcept { state_->disabled.fetch_or(bit(guard), std::memory_order_relaxed); }
    /// Switches a guard on again.
    void enable(Guard guard) noexcept { state_->disabled.fetch_and(~bit(guard), std::memory_order_relaxed); }

    template <class Event>
    void observe(const Event& happened) const {
        observer_->on(happened);
    }

    /// The observer.
    Observer& observer() const noexcept { return *observer_; }

private:
    struct State {
        explicit State(std::uint64_t seed) : engine(seed) {}

        std::atomic<std::int64_t> steady{Duration(std::chrono::hours(1000)).count()};
        std::atomic<std::int64_t> wall{std::chrono::microseconds(std::chrono::hours(24 * 365 * 30)).count()};
        std::atomic<std::uint64_t> disabled{0};
        std::mutex mutex;
        std::mt19937_64 engine;
    };

    static std::uint64_t bit(Guard guard) noexcept { return std::uint64_t{1} << static_cast<unsigned>(guard); }

    std::shared_ptr<State> state_;
    std::shared_ptr<Observer> observer_;
};

/// The manual environment that keeps what it observes.
using ManualEnvironment = BasicManualEnvironment<EventLog>;

} // namespace testing
} // namespace v0
} // namespace larder
