// SPDX-License-Identifier: BSL-1.0
#include "puppet.hpp"

#include <larder/engine/driver.hpp>
#include <larder/engine/run.hpp>
#include <larder/error.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <coroutine>
#include <future>
#include <optional>
#include <stdexcept>
#include <thread>

using namespace engine_tests;
using namespace std::chrono_literals;
using larder::detail::BlockingDriver;
using larder::detail::Driver;
using larder::detail::run_blocking;
using larder::detail::Sleep;

namespace {

/// Suspends a task and hands it to a function.
template <class Then>
struct HandTo {
    Then then;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> task) { then(task); }
    void await_resume() const noexcept {}
};
template <class Then>
HandTo(Then) -> HandTo<Then>;

} // namespace

TEST_CASE("a blocking caller waits for another thread's wake and goes on on its own thread") {
    std::thread::id ran_on;
    std::future<void> waker;
    const Answer answer = run_blocking<Answer>([&](Driver& driver) -> Task<Answer> {
        return [](Driver& own, std::thread::id& where, std::future<void>& waking) -> Task<Answer> {
            auto wait = HandTo{[&](std::coroutine_handle<> task) { waking = std::async(std::launch::async, [&own, task] { own.wake(task); }); }};
            co_await wait;
            where = std::this_thread::get_id();
            co_return Answer(3);
        }(driver, ran_on, waker);
    });
    CHECK(answer.value == 3);
    CHECK(ran_on == std::this_thread::get_id());
}

TEST_CASE("a wake inside the suspension is not lost") {
    const Answer answer = run_blocking<Answer>([](Driver& driver) -> Task<Answer> {
        return [](Driver& own) -> Task<Answer> {
            for (int i = 0; i < 3; ++i) {
                auto wait = HandTo{[&](std::coroutine_handle<> task) { i % 2 == 0 ? own.wake(task) : own.resume(task); }};
                co_await wait;
            }
            co_return Answer(4);
        }(driver);
    });
    CHECK(answer.value == 4);
}

TEST_CASE("a blocking caller whose operation is gone gets an error, and what the task held is destroyed") {
    int living = 0;
    const Answer answer = run_blocking<Answer>([&](Driver& driver) -> Task<Answer> {
        return [](Driver& own, int& alive) -> Task<Answer> {
            const Living local(alive);
            auto wait = HandTo{[&](std::coroutine_handle<>) { own.abandon(); }};
            co_await wait;
            co_return Answer(5);
        }(driver, living);
    });
    CHECK(answer.error() == larder::errc::stopped);
    CHECK(living == 0);
}

TEST_CASE("a blocking caller sleeps for as long as it is told") {
    const auto began = std::chrono::steady_clock::now();
    const Answer slept = run_blocking<Answer>([](Driver& driver) -> Task<Answer> {
        return [](Driver& own) -> Task<Answer> {
            auto sleep = Sleep{own, 20ms};
            co_await sleep;
            co_return Answer(6);
        }(driver);
    });
    CHECK(slept.value == 6);
    CHECK(std::chrono::steady_clock::now() - began >= 20ms);
}

TEST_CASE("what a task throws is thrown to the blocking caller") {
    CHECK_THROWS_WITH_AS(run_blocking<Answer>([](Driver&) -> Task<Answer> {
                             return []() -> Task<Answer> {
                                 throw std::runtime_error("out");
                                 co_return Answer(0);
                             }();
                         }),
                         "out", std::runtime_error);
}

TEST_CASE("a blocking driver may block") {
    BlockingDriver driver;
    CHECK(driver.may_block());
}
