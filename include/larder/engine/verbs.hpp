// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/engine/core.hpp>
#include <larder/engine/early_answer.hpp>
#include <larder/engine/run.hpp>
#include <larder/engine/task.hpp>

#include <boost/asio/deferred.hpp>

#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

namespace larder {
inline namespace v0 {
namespace detail {

/// What every verb answers after the repository was shut down.
inline Error refusal_after_shutdown() { return Error{errc::stopped, "the repository was shut down"}; }

/// Counts one call that waits for nobody, and times one in 256 of a thread's, since reading the clock costs as much as a hit.
template <class Env>
class QuickCall {
public:
    explicit QuickCall(Env& env) noexcept : env_(env) {
        if constexpr (is_observed<Env>()) {
            thread_local std::uint8_t calls = 0;
            timed_ = ++calls == 0;
            if (timed_) began_ = precise_now(env_);
        }
    }

    /// It ended with the row that the nearest tier has. \param alias whether an alias led there.
    void hit(Verb verb, Level level, bool alias) const {
        if (timed_) [[unlikely]]
            env_.observe(event::Hit{verb, level, alias, precise_now(env_) - began_, weight});
        else
            env_.observe(event::Hit{verb, level, alias, Duration::zero(), 0});
    }
    /// It ended in another way.
    void finished(Verb verb, bool failed) const { env_.observe(event::Finished{verb, timed_ ? precise_now(env_) - began_ : Duration::zero(), failed, timed_ ? weight : 0}); }

private:
    static constexpr std::uint32_t weight = 256;

    Env& env_;
    SteadyTime began_{};
    bool timed_ = false;
};

/// The caller of a verb, to whom it may give its answer before it is over.
template <class Result, class Core>
class Caller {
public:
    Caller(Core& core, Driver& driver, Verb verb, SteadyTime began) noexcept : core_(core), driver_(driver), verb_(verb), began_(began) {}

    /// Whether it takes an answer early. Not free: not to be asked by what answers at once.
    bool listens() noexcept {
        listener_ = dynamic_cast<AnsweringDriver<Result>*>(&driver_);
        return listener_ != nullptr;
    }
    /// Answers. \pre listens() was true
    void answer(Result result) {
        end(result);
        listener_->answer_early(std::move(result));
    }
    /// Counts and times the call, once.
    void end(const Result& result) {
        if (std::exchange(ended_, true)) return;
        core_.env.observe(event::Finished{verb_, precise_now(core_.env) - began_, result.failed(), 1});
    }

private:
    Core& core_;
    Driver& driver_;
    AnsweringDriver<Result>* listener_ = nullptr;
    Verb verb_;
    SteadyTime began_;
    bool ended_ = false;
};

/// The frame around each verb: keeps what it needs alive, refuses it after shutdown, counts and times it.
/// \param body `body(core, driver) -> Task<Result>`, or `body(core, driver, caller)` if it may answer its `Caller` early; kept until the task is
/// done, so that the task may refer to what it holds.
template <class Result, class Core, class Body>
Task<Result> run_verb(std::shared_ptr<Core> core, Driver& driver, Verb verb, Body body) {
    const SteadyTime began = precise_now(core->env);
    if (core->stopped.load(std::memory_order_acquire)) {
        core->env.observe(event::Finished{verb, precise_now(core->env) - began, true, 1});
        co_return Result(refusal_after_shutdown());
    }
    Caller<Result, Core> caller(*core, driver, verb, began);
    auto task = [&] {
        if constexpr (std::is_invocable_v<Body&, Core&, Driver&, Caller<Result, Core>&>)
            return body(*core, driver, caller);
        else
            return body(*core, driver);
    }();
    Result result = co_await task;
    caller.end(result);
    co_return result;
}

/// A verb's blocking form.
template <class Result, class Core, class Body>
Result block_verb(const std::shared_ptr<Core>& core, Verb verb, Body body) {
    return run_blocking<Result>([&](Driver& driver) { return run_verb<Result>(core, driver, verb, std::move(body)); });
}

/// A verb's asynchronous form.
template <class Result, class Core, class Body, class Token>
auto start_verb(const std::shared_ptr<Core>& core, Verb verb, Body body, Token&& token) {
    return run_async<Result>(
        core->home(), [core, verb, body = std::move(body)](Driver& driver) mutable { return run_verb<Result>(std::move(core), driver, verb, std::move(body)); },
        std::forward<Token>(token), timer_of(core->env));
}

} // namespace detail
} // namespace v0
} // namespace larder
