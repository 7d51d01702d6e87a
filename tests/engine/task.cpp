// SPDX-License-Identifier: BSL-1.0
#include "puppet.hpp"

#include <larder/engine/run.hpp>
#include <larder/engine/task.hpp>

#include <doctest/doctest.h>

#include <coroutine>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

using namespace engine_tests;
using larder::detail::run_blocking;
using larder::detail::Trampoline;

namespace {

/// Suspends a task and shows where.
struct Stop {
    std::coroutine_handle<>& where;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> task) const noexcept { where = task; }
    void await_resume() const noexcept {}
};

Task<int> number(int value) { co_return value; }

Task<int> sum(int count) {
    int total = 0;
    for (int i = 1; i <= count; ++i) {
        auto task = number(i);
        total += co_await task;
    }
    co_return total;
}

Task<Answer> total(int count) {
    auto task = sum(count);
    co_return Answer(co_await task);
}

Task<int> nested(int depth) {
    if (depth == 0) co_return 0;
    auto task = nested(depth - 1);
    co_return 1 + co_await task;
}

Task<int> failing(bool late, std::coroutine_handle<>& where) {
    if (late) {
        auto stop = Stop{where};
        co_await stop;
    }
    throw std::runtime_error("no");
}

Task<std::string> caught(bool late, std::coroutine_handle<>& where) {
    std::string text;
    auto task = failing(late, where);
    try {
        co_await task;
    } catch (const std::runtime_error& thrown) {
        text = thrown.what();
    }
    co_return text;
}

Task<int> stopping(int& living, std::coroutine_handle<>& where) {
    const Living local(living);
    auto stop = Stop{where};
    co_await stop;
    co_return 7;
}

Task<int> around(int& living, std::coroutine_handle<>& where) {
    const Living local(living);
    auto inner = stopping(living, where);
    co_return co_await inner;
}

/// Gives nothing: notes that it ran, waits if it is to, and then throws if it is to.
Task<void> noting(int& notes, bool waits, bool throws, std::coroutine_handle<>& where) {
    ++notes;
    if (waits) {
        auto stop = Stop{where};
        co_await stop;
    }
    if (throws) throw std::runtime_error("no");
    ++notes;
}

Task<void> noting_inside(int& notes, bool waits, bool throws, std::coroutine_handle<>& where) {
    auto inner = noting(notes, waits, throws, where);
    co_await inner;
    ++notes;
}
/// Whether awaiting one of these threw.
Task<bool> threw(int& notes, bool waits, bool throws, std::coroutine_handle<>& where) {
    auto task = noting_inside(notes, waits, throws, where);
    try {
        co_await task;
    } catch (const std::runtime_error&) {
        co_return true;
    }
    co_return false;
}

} // namespace

TEST_CASE("a task does nothing before it is awaited, and its frame goes with it") {
    int living = 0;
    std::coroutine_handle<> where;
    {
        auto task = stopping(living, where);
        CHECK(living == 0);
        CHECK(!where);
    }
    CHECK(living == 0);
}

TEST_CASE("a task answers through any depth, at once or after it waited") {
    CHECK(Run<int>(nested(50)).answer() == 50);
    int living = 0;
    std::coroutine_handle<> where;
    Run<int> run(around(living, where));
    CHECK(!run.done());
    CHECK(living == 2);
    Trampoline::run(where);
    REQUIRE(run.done());
    CHECK(run.answer() == 7);
    CHECK(living == 0);
}

TEST_CASE("a loop over tasks that never wait does not grow the stack") {
    // With a frame of the stack for each, this would take some hundred megabytes.
    CHECK(Run<int>(sum(60'000)).answer() == 1'800'030'000);
    CHECK(Run<int>(nested(60'000)).answer() == 60'000);
}

TEST_CASE("an exception leaves a task where it is awaited") {
    std::coroutine_handle<> where;
    CHECK(Run<std::string>(caught(false, where)).answer() == "no");
    Run<std::string> late(caught(true, where));
    CHECK(!late.done());
    Trampoline::run(where);
    REQUIRE(late.done());
    CHECK(late.answer() == "no");
}

TEST_CASE("a task that gives nothing runs to its end, or throws where it is awaited, at once or after it waited") {
    for (const bool waits : {false, true})
        for (const bool throws : {false, true}) {
            int notes = 0;
            std::coroutine_handle<> where;
            Run<bool> run(threw(notes, waits, throws, where));
            CHECK(run.done() != waits);
            if (waits) {
                CHECK(notes == 1);
                Trampoline::run(where);
            }
            REQUIRE(run.done());
            CHECK(run.answer() == throws);
            CHECK(notes == (throws ? 1 : 3));
        }
}

TEST_CASE("a suspended task that is destroyed destroys what it holds, innermost first") {
    int living = 0;
    std::coroutine_handle<> where;
    Run<int> run(around(living, where));
    CHECK(living == 2);
    run.destroy();
    CHECK(living == 0);
}

TEST_CASE("a task runs inside another one's step without disturbing it") {
    struct Inside {
        static Task<int> outer() {
            const int first = run_blocking<Answer>([](larder::detail::Driver&) { return total(10); }).value;
            auto rest = number(1);
            co_return first + co_await rest;
        }
    };
    CHECK(Run<int>(Inside::outer()).answer() == 56);
}

TEST_CASE("a task may go on on another thread than it began on") {
    std::coroutine_handle<> where;
    int living = 0;
    Run<int> run(around(living, where));
    std::thread([&] { Trampoline::run(where); }).join();
    REQUIRE(run.done());
    CHECK(run.answer() == 7);
}
