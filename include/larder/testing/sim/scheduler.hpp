// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/testing/sim/choices.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/execution_context.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace larder {
inline namespace v0 {
namespace testing {

/// Who acts in a simulated run: a server, the network, or a client of a process.
struct Actor {
    std::uint16_t process = 0; ///< 0: the servers and the network, which outlive every process.
    std::uint16_t number = 0;
};

/// How the next step is chosen among those that are ready.
enum class Order : std::uint8_t {
    uniform, ///< By lot: each step draws its rank when it is made.
    pct,     ///< By priorities of the actors that change at a few random points (Burckhardt et al., "A randomized scheduler with
             ///< probabilistic guarantees of finding bugs", ASPLOS 2010).
};

constexpr const char* name_of(Order order) noexcept { return order == Order::uniform ? "uniform" : "pct"; }

/// Runs steps one at a time in virtual time; what is next among the steps that are ready is a choice.
///
/// Not thread-safe: a simulated run has one thread.
class Scheduler : public boost::asio::execution_context {
    struct Job {
        virtual ~Job() = default;
        virtual void run() = 0;
    };
    template <class F>
    struct JobOf final : Job {
        explicit JobOf(F call) : function(std::move(call)) {}
        void run() override { function(); }
        F function;
    };
    struct Step {
        SteadyTime at;
        std::uint64_t order;
        Actor actor;
        Strand strand;
        std::uint32_t rank;
        std::unique_ptr<Job> job;
    };

public:
    /// \param depth for `Order::pct`: how many times priorities change. \param steps_expected where in the run they may.
    explicit Scheduler(Choices& choices, Order order = Order::uniform, std::uint32_t depth = 3, std::uint32_t steps_expected = 400) : choices_(choices), order_(order) {
        if (order_ == Order::pct)
            for (std::uint32_t i = 0; i < depth; ++i) changes_.push_back(choices_.pick(steps_expected));
    }
    Scheduler(const Scheduler&) = delete;
    Scheduler& operator=(const Scheduler&) = delete;
    ~Scheduler() {
        clear();
        shutdown();
    }

    SteadyTime now() const noexcept { return now_; }
    /// How many steps have run: the order of all that happened.
    std::uint64_t steps() const noexcept { return ran_; }

    /// Lets an actor do something after a while. What it decides is of the strand in which this is called.
    template <class F>
    void after(Actor actor, Duration delay, F&& function) {
        SteadyTime at = now_ + delay;
        if (actor.process == paused_ && paused_ != 0) at = std::max(at, paused_until_);
        const std::uint32_t rank = order_ == Order::uniform ? choices_.pick(ranks) : 0;
        steps_.push_back({at, made_++, actor, choices_.strand(), rank, std::make_unique<JobOf<std::decay_t<F>>>(std::forward<F>(function))});
    }

    /// Lets a process stand still until a moment: what it was going to do before happens then.
    void pause(std::uint16_t process, SteadyTime until) {
        for (Step& step : steps_)
            if (step.actor.process == process) step.at = std::max(step.at, until);
        paused_ = process;
        paused_until_ = until;
    }

    /// Runs one step; lets time pass where none is ready. \returns false if there is none at all.
    bool step() {
        if (steps_.empty()) return false;
        ready_.clear();
        SteadyTime soonest = SteadyTime::max();
        for (std::size_t i = 0; i < steps_.size(); ++i) {
            soonest = std::min(soonest, steps_[i].at);
            if (steps_[i].at <= now_) ready_.push_back(i);
        }
        if (ready_.empty()) {
            now_ = soonest;
            for (std::size_t i = 0; i < steps_.size(); ++i)
                if (steps_[i].at <= now_) ready_.push_back(i);
        }
        const std::size_t chosen = choose();
        Step step = std::move(steps_[chosen]);
        // Order is kept, so that among equals the step that was made first comes first.
        steps_.erase(steps_.begin() + static_cast<std::ptrdiff_t>(chosen));
        ++ran_;
        choices_.enter(step.strand);
        step.job->run();
        return true;
    }

    /// Runs until nothing is left, or the moment has come.
    void run_until(SteadyTime moment) {
        while (!steps_.empty()) {
            SteadyTime soonest = SteadyTime::max();
            for (const Step& step : steps_) soonest = std::min(soonest, step.at);
            if (soonest > moment) break;
            step();
        }
        now_ = std::max(now_, moment);
    }

    /// Destroys all that a process was going to do.
    void drop_process(std::uint16_t process) {
        std::vector<Step> dropped;
        for (std::size_t i = 0; i < steps_.size();) {
            if (steps_[i].actor.process == process) {
                dropped.push_back(std::move(steps_[i]));
                steps_.erase(steps_.begin() + static_cast<std::ptrdiff_t>(i));
            } else {
                ++i;
            }
        }
    }

    /// Destroys everything that was going to happen.
    void clear() {
        while (!steps_.empty()) {
            auto dropped = std::move(steps_);
            steps_.clear();
        }
    }

    bool idle() const noexcept { return steps_.empty(); }

    /// An Asio executor whose work is done by an actor of the run.
    class Executor {
    public:
        Executor(Scheduler& scheduler, Actor actor) noexcept : scheduler_(&scheduler), actor_(actor) {}

        Scheduler& query(boost::asio::execution::context_t) const noexcept { return *scheduler_; }
        static constexpr auto query(boost::asio::execution::blocking_t) noexcept { return boost::asio::execution::blocking.never; }
        Executor require(boost::asio::execution::blocking_t::never_t) const noexcept { return *this; }

        template <class F>
        void execute(F&& function) const {
            scheduler_->after(actor_, Duration::zero(), std::forward<F>(function));
        }

        friend bool operator==(const Executor& left, const Executor& right) noexcept {
            return left.scheduler_ == right.scheduler_ && left.actor_.process == right.actor_.process && left.actor_.number == right.actor_.number;
        }

    private:
        Scheduler* scheduler_;
        Actor actor_;
    };

    Executor executor(Actor actor) noexcept { return {*this, actor}; }

private:
    std::size_t choose() {
        if (ready_.size() == 1) return ready_.front();
        std::size_t best = ready_.front();
        if (order_ == Order::uniform) {
            for (const std::size_t i : ready_)
                if (steps_[i].rank < steps_[best].rank) best = i;
            return best;
        }
        for (const std::size_t i : ready_)
            if (priority(steps_[i].actor) > priority(steps_[best].actor)) best = i;
        if (std::find(changes_.begin(), changes_.end(), ran_) != changes_.end()) priority(steps_[best].actor) = --lowest_;
        return best;
    }

    /// An actor's priority; a new actor's is a choice.
    std::int64_t& priority(Actor actor) {
        const std::uint32_t name = std::uint32_t{actor.process} << 16 | actor.number;
        for (auto& [known, value] : priorities_)
            if (known == name) return value;
        // The plainest order is that in which actors come up.
        priorities_.emplace_back(name, -static_cast<std::int64_t>(choices_.pick(1U << 16)));
        return priorities_.back().second;
    }

    static constexpr std::uint32_t ranks = 8;

    Choices& choices_;
    Order order_;
    SteadyTime now_{std::chrono::hours(1000)};
    std::uint64_t ran_ = 0;
    std::uint64_t made_ = 0;
    std::vector<Step> steps_;
    std::vector<std::size_t> ready_;
    std::vector<std::uint64_t> changes_;
    std::vector<std::pair<std::uint32_t, std::int64_t>> priorities_;
    std::int64_t lowest_ = -(std::int64_t{1} << 16);
    std::uint16_t paused_ = 0;
    SteadyTime paused_until_{};
};

} // namespace testing
} // namespace v0
} // namespace larder
