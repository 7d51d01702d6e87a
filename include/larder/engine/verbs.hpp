// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/engine/core.hpp>
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

/// Whether to time this call: one in 256 of a thread's.
inline bool sample_call() noexcept {
    thread_local std::uint8_t calls = 0;
    return ++calls == 0;
}
inline constexpr std::uint32_t sample_weight = 256;

/// The frame around each verb: keeps what it needs alive, refuses it after shutdown, and times it.
/// \param body `body(core, driver) -> Task<Result>`; kept until the task is done, so that the task may refer to what it holds.
template <class Result, class Core, class Body>
Task<Result> run_verb(std::shared_ptr<Core> core, Driver& driver, Verb verb, Body body) {
    if (core->stopped.load(std::memory_order_acquire)) co_return Result(Error{errc::stopped, "the repository was shut down"});
    const SteadyTime began = precise_now(core->env);
    auto task = body(*core, driver);
    Result result = co_await task;
    core->env.observe(event::Finished{verb, precise_now(core->env) - began, result.failed(), 1});
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
