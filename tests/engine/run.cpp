// SPDX-License-Identifier: BSL-1.0
#include "puppet.hpp"

#include <larder/engine/ask.hpp>
#include <larder/engine/run.hpp>
#include <larder/engine/single_flight.hpp>
#include <larder/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/bind_immediate_executor.hpp>
#include <boost/asio/cancel_after.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/system_executor.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

using namespace engine_tests;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using larder::errc;
using larder::Error;
using larder::Failure;
using larder::Outcome;
using larder::detail::AnsweringDriver;
using larder::detail::Ask;
using larder::detail::Driver;
using larder::detail::Rendezvous;
using larder::detail::run_async;
using larder::detail::Sleep;

namespace {

/// A backend whose answers a test gives when it likes.
struct Remote {
    std::deque<Rendezvous<Outcome<int>>::Completion> waiting;
    void answer(Outcome<int> outcome) {
        auto done = std::move(waiting.front());
        waiting.pop_front();
        done(std::move(outcome));
    }
};
struct Get {
    using result = Outcome<int>;
    void start(Remote& backend, Rendezvous<Outcome<int>>::Completion done) { backend.waiting.push_back(std::move(done)); }
};

/// A backend that blocks its executor's thread.
struct Slow {
    asio::any_io_executor where;
    std::thread::id* ran_on;
    asio::any_io_executor executor() const { return where; }
};
struct Work {
    using result = Outcome<int>;
    static constexpr std::string_view name = "work";
    Outcome<int> run(Slow& backend) {
        *backend.ran_on = std::this_thread::get_id();
        return 1;
    }
};

Task<Answer> now(int value) { co_return Answer(value); }
Task<Answer> refused() { co_return Answer(Error{errc::database_busy, "busy"}); }
Task<Answer> thrown() {
    throw std::runtime_error("inside");
    co_return Answer(0);
}
Task<Answer> later(Driver& driver, Remote& remote) {
    auto asked = Ask(driver, remote, Get{});
    const auto outcome = co_await asked;
    co_return outcome ? Answer(*outcome) : Answer(outcome.error());
}

AnsweringDriver<Answer>& answering(Driver& driver) { return dynamic_cast<AnsweringDriver<Answer>&>(driver); }
/// Answers before it waits, twice.
Task<Answer> twice_early(Driver& driver, Remote& remote, bool& over) {
    answering(driver).answer_early(Answer(1));
    answering(driver).answer_early(Answer(2));
    auto rest = later(driver, remote);
    auto last = co_await rest;
    over = true;
    co_return last;
}
/// Answers early, but after it has waited.
Task<Answer> early_after(Driver& driver, Remote& remote) {
    auto first = later(driver, remote);
    auto answer = co_await first;
    answering(driver).answer_early(answer);
    co_return answer;
}

/// Starts an operation that a test answers.
template <class Token>
auto start(asio::any_io_executor home, Remote& remote, Token&& token) {
    return run_async<Answer>(std::move(home), [&remote](Driver& driver) { return later(driver, remote); }, std::forward<Token>(token));
}
/// Starts an operation that is done at once.
template <class Token>
auto start_done(asio::any_io_executor home, Token&& token) {
    return run_async<Answer>(std::move(home), [](Driver&) { return now(7); }, std::forward<Token>(token));
}

} // namespace

TEST_CASE("a task may answer before it is over: once, outside of its own frames, and the rest is dropped") {
    asio::io_context context;
    Remote remote;
    std::vector<int> answers;
    bool over = false;
    run_async<Answer>(context.get_executor(), [&](Driver& driver) { return twice_early(driver, remote, over); }, [&](const Error&, const Answer& answer) { answers.push_back(answer.value); });
    CHECK(answers.empty());
    context.run();
    CHECK(answers == std::vector{1});
    CHECK(!over);
    remote.answer(3);
    CHECK(over);
    CHECK(answers == std::vector{1});
}

TEST_CASE("who was cancelled is answered no more, early or late") {
    asio::io_context context;
    Remote remote;
    asio::cancellation_signal cancel;
    std::vector<Error> failures;
    run_async<Answer>(context.get_executor(), [&](Driver& driver) { return early_after(driver, remote); }, asio::bind_cancellation_slot(cancel.slot(), [&](const Error& failure, const Answer&) { failures.push_back(failure); }));
    cancel.emit(asio::cancellation_type::terminal);
    remote.answer(1);
    context.run();
    REQUIRE(failures.size() == 1);
    CHECK(failures[0].code == asio::error::operation_aborted);
}

TEST_CASE("every completion token gets the answer") {
    asio::io_context context;
    const auto home = context.get_executor();
    int seen = 0;
    SUBCASE("a callback") {
        start_done(home, [&](Error failure, Answer answer) {
            CHECK(!failure);
            seen = answer.value;
        });
        context.run();
    }
    SUBCASE("a future") {
        auto future = start_done(home, asio::use_future);
        context.run();
        seen = future.get().value;
    }
    SUBCASE("deferred, started only when it is called") {
        bool made = false;
        auto operation = run_async<Answer>(
            home,
            [&](Driver&) {
                made = true;
                return now(7);
            },
            asio::deferred);
        CHECK(!made);
        std::move(operation)([&](const Error&, const Answer& answer) { seen = answer.value; });
        CHECK(made);
        context.run();
    }
    SUBCASE("a coroutine") {
        auto coroutine = [&]() -> asio::awaitable<void> {
            const Answer answer = co_await start_done(home, asio::use_awaitable);
            seen = answer.value;
        };
        asio::co_spawn(context, coroutine(), asio::detached);
        context.run();
    }
    SUBCASE("a coroutine with a tuple") {
        auto coroutine = [&]() -> asio::awaitable<void> {
            const auto [failure, answer] = co_await start_done(home, asio::as_tuple(asio::use_awaitable));
            CHECK(!failure);
            seen = answer.value;
        };
        asio::co_spawn(context, coroutine(), asio::detached);
        context.run();
    }
    SUBCASE("a coroutine that awaits a deferred operation") {
        auto coroutine = [&]() -> asio::awaitable<void> {
            const Answer answer = co_await start_done(home, asio::deferred);
            seen = answer.value;
        };
        asio::co_spawn(context, coroutine(), asio::detached);
        context.run();
    }
    SUBCASE("cancel_after, in time") {
        start_done(home, asio::cancel_after(1h, [&](const Error& failure, const Answer& answer) {
                       CHECK(!failure);
                       seen = answer.value;
                   }));
        context.run();
    }
    CHECK(seen == 7);
}

TEST_CASE("a failure reaches every token as its kind of failure, with the error's code and text") {
    asio::io_context context;
    const auto home = context.get_executor();
    const auto refuse = [&](auto&& token) { return run_async<Answer>(home, [](Driver&) { return refused(); }, std::forward<decltype(token)>(token)); };
    int failures = 0;
    const auto check = [&](const Error& failure) {
        CHECK(failure == errc::database_busy);
        CHECK(failure.text == "busy");
        ++failures;
    };
    SUBCASE("a callback") {
        refuse([&](const Error& failure, const Answer& answer) {
            check(failure);
            CHECK(answer.error() == errc::database_busy);
        });
        context.run();
    }
    SUBCASE("a future") {
        auto future = refuse(asio::use_future);
        context.run();
        try {
            future.get();
        } catch (const Failure& failure) {
            check(failure.error());
        }
    }
    SUBCASE("a coroutine") {
        auto coroutine = [&]() -> asio::awaitable<void> {
            try {
                co_await refuse(asio::use_awaitable);
            } catch (const Failure& failure) {
                check(failure.error());
            }
        };
        asio::co_spawn(context, coroutine(), asio::detached);
        context.run();
    }
    SUBCASE("a tuple") {
        auto coroutine = [&]() -> asio::awaitable<void> {
            const auto [failure, answer] = co_await refuse(asio::as_tuple(asio::deferred));
            check(failure);
        };
        asio::co_spawn(context, coroutine(), asio::detached);
        context.run();
    }
    CHECK(failures == 1);
}

TEST_CASE("what a task throws is an answer, too") {
    asio::io_context context;
    Error seen;
    run_async<Answer>(context.get_executor(), [](Driver&) { return thrown(); }, [&](const Error& failure, const Answer&) { seen = failure; });
    context.run();
    CHECK(seen == errc::exception_thrown);
    CHECK(seen.text == "the operation: inside");
}

TEST_CASE("an operation that is done at once does not call its handler inside the initiating function") {
    asio::io_context context;
    bool called = false;
    start_done(context.get_executor(), [&](const Error&, const Answer&) { called = true; });
    CHECK(!called);
    context.run();
    CHECK(called);
    SUBCASE("unless the handler asks for that with an immediate executor") {
        called = false;
        start_done(context.get_executor(), asio::bind_immediate_executor(asio::system_executor(), [&](const Error&, const Answer&) { called = true; }));
        CHECK(called);
    }
}

TEST_CASE("the handler runs on its associated executor, wherever the operation ended") {
    asio::thread_pool pool(1);
    asio::io_context context;
    std::thread::id worked_on;
    std::thread::id handled_on;
    Slow backend{pool.get_executor(), &worked_on};
    run_async<Answer>(
        pool.get_executor(),
        [&](Driver& driver) -> Task<Answer> {
            return [](Driver& own, Slow& slow) -> Task<Answer> {
                auto asked = Ask(own, slow, Work{});
                const auto outcome = co_await asked;
                co_return Answer(*outcome);
            }(driver, backend);
        },
        asio::bind_executor(context.get_executor(), [&](const Error&, const Answer&) { handled_on = std::this_thread::get_id(); }));
    // The operation under way keeps the context at work.
    context.run();
    CHECK(handled_on == std::this_thread::get_id());
    CHECK(worked_on != std::this_thread::get_id());
    CHECK(worked_on != std::thread::id());
}

TEST_CASE("a handler without an executor runs at home, and with no home on the system executor") {
    asio::thread_pool pool(1);
    std::promise<bool> at_home;
    start_done(pool.get_executor(), [&](const Error&, const Answer&) { at_home.set_value(pool.get_executor().running_in_this_thread()); });
    CHECK(at_home.get_future().get());
    std::promise<std::thread::id> elsewhere;
    start_done({}, [&](const Error&, const Answer&) { elsewhere.set_value(std::this_thread::get_id()); });
    CHECK(elsewhere.get_future().get() != std::this_thread::get_id());
}

TEST_CASE("cancellation answers the handler at once, whatever its type, and the operation goes on") {
    for (const auto type : {asio::cancellation_type::terminal, asio::cancellation_type::partial, asio::cancellation_type::total}) {
        asio::io_context context;
        asio::cancellation_signal signal;
        Remote remote;
        int calls = 0;
        Error seen;
        start(context.get_executor(), remote, asio::bind_cancellation_slot(signal.slot(), [&](const Error& failure, const Answer&) {
                  ++calls;
                  seen = failure;
              }));
        context.poll();
        CHECK(calls == 0);
        signal.emit(type);
        CHECK(calls == 0);
        // Nothing keeps the context at work beyond the answer to the handler.
        context.restart();
        context.run();
        CHECK(calls == 1);
        CHECK(seen.code == asio::error::operation_aborted);
        REQUIRE(remote.waiting.size() == 1);
        remote.answer(5);
        context.restart();
        context.run();
        CHECK(calls == 1);
    }
}

TEST_CASE("a cancellation that comes too late, or of no type, changes nothing") {
    asio::io_context context;
    asio::cancellation_signal signal;
    Remote remote;
    std::vector<int> seen;
    const auto handler = [&](const Error&, const Answer& answer) { seen.push_back(answer.value); };
    start(context.get_executor(), remote, asio::bind_cancellation_slot(signal.slot(), handler));
    signal.emit(asio::cancellation_type::none);
    remote.answer(5);
    signal.emit(asio::cancellation_type::terminal);
    context.run();
    signal.emit(asio::cancellation_type::terminal);
    CHECK(seen == std::vector<int>{5});
}

TEST_CASE("cancel_after answers when its time is up") {
    asio::io_context context;
    Remote remote;
    Error seen;
    start(context.get_executor(), remote, asio::cancel_after(1ms, [&](const Error& failure, const Answer&) { seen = failure; }));
    context.run();
    CHECK(seen.code == asio::error::operation_aborted);
    remote.answer(5);
}

TEST_CASE("cancelling a coroutine cancels the operation that it waits for") {
    asio::io_context context;
    asio::cancellation_signal signal;
    Remote remote;
    Error seen;
    auto coroutine = [&]() -> asio::awaitable<void> {
        try {
            co_await start(context.get_executor(), remote, asio::deferred);
        } catch (const Failure& failure) {
            seen = failure.error();
        }
    };
    asio::co_spawn(context, coroutine(), asio::bind_cancellation_slot(signal.slot(), asio::detached));
    context.poll();
    signal.emit(asio::cancellation_type::terminal);
    context.restart();
    context.run();
    CHECK(seen.code == asio::error::operation_aborted);
    remote.answer(5);
}

TEST_CASE("a handler that throws throws out of its own executor's run") {
    asio::io_context context;
    Remote remote;
    SUBCASE("done at once") {
        start_done(context.get_executor(), [](const Error&, const Answer&) { throw std::runtime_error("handler"); });
        CHECK_THROWS_WITH(context.run(), "handler");
    }
    SUBCASE("done later, on the handler's own executor") {
        start(context.get_executor(), remote, [](const Error&, const Answer&) { throw std::runtime_error("handler"); });
        asio::post(context, [&] { remote.answer(5); });
        CHECK_THROWS_WITH(context.run(), "handler");
    }
}

TEST_CASE("a task sleeps on its home's timer, or on one that it is given") {
    asio::io_context context;
    const auto sleeping = [](Driver& driver) -> Task<Answer> {
        return [](Driver& own) -> Task<Answer> {
            auto sleep = Sleep{own, 1ms};
            co_await sleep;
            co_return Answer(3);
        }(driver);
    };
    int seen = 0;
    const auto handler = [&](const Error&, const Answer& answer) { seen = answer.value; };
    SUBCASE("its home's") {
        run_async<Answer>(context.get_executor(), sleeping, handler);
        CHECK(seen == 0);
        context.run();
        CHECK(seen == 3);
    }
    SUBCASE("one that it is given") {
        std::function<void()> wake;
        run_async<Answer>(context.get_executor(), sleeping, handler, [&](Duration span, std::function<void()> function) {
            CHECK(span == 1ms);
            wake = std::move(function);
        });
        context.poll();
        CHECK(seen == 0);
        REQUIRE(wake);
        wake();
        wake = {};
        context.restart();
        context.run();
        CHECK(seen == 3);
    }
    SUBCASE("one that never comes") {
        int living = 0;
        run_async<Answer>(
            context.get_executor(), sleeping, [alive = Living(living)](const Error&, const Answer&) {}, [](Duration, const std::function<void()>&) {});
        context.run();
        CHECK(living == 0);
    }
}

TEST_CASE("a home that goes away destroys the tasks and handlers on it, uncalled") {
    int living = 0;
    bool called = false;
    Remote remote;
    const auto handler = [&] { return [&, alive = Living(living)](const Error&, const Answer&) { called = true; }; };
    SUBCASE("an operation in the queue of its executor") {
        auto context = std::make_unique<asio::io_context>();
        std::thread::id ran_on;
        auto backend = std::make_unique<Slow>(Slow{context->get_executor(), &ran_on});
        run_async<Answer>(
            context->get_executor(),
            [&, alive = Living(living)](Driver& driver) -> Task<Answer> {
                return [](Driver& own, Slow& slow, Living) -> Task<Answer> {
                    auto asked = Ask(own, slow, Work{});
                    const auto outcome = co_await asked;
                    co_return Answer(*outcome);
                }(driver, *backend, alive);
            },
            handler());
        CHECK(living >= 2);
        backend.reset();
        context.reset();
        CHECK(ran_on == std::thread::id());
    }
    SUBCASE("a sleeper") {
        asio::io_context context;
        run_async<Answer>(
            context.get_executor(),
            [&, alive = Living(living)](Driver& driver) -> Task<Answer> {
                return [](Driver& own, Living) -> Task<Answer> {
                    auto sleep = Sleep{own, 1h};
                    co_await sleep;
                    co_return Answer(1);
                }(driver, alive);
            },
            handler());
        CHECK(living >= 2);
    }
    SUBCASE("an operation that was dropped by its backend") {
        asio::io_context context;
        start(context.get_executor(), remote, handler());
        remote.waiting.clear();
        context.run();
    }
    CHECK(living == 0);
    CHECK(!called);
}

TEST_CASE("a task that is given the lead goes on at home, so that a handler's idle executor holds up nobody") {
    using Table = larder::detail::SingleFlight<int, Answer>;
    Table table;
    asio::io_context idle;
    asio::thread_pool home(1);
    const auto join = [&table](Driver& driver) -> Task<Answer> {
        return [](Table& loads, Driver& own) -> Task<Answer> {
            auto joining = Table::Join(loads, own, 1);
            auto joined = co_await joining;
            if (!joined.leader) co_return *joined.answer;
            auto leader = std::move(*joined.leader);
            leader.begin();
            leader.finish(Answer(2), false);
            co_return Answer(2);
        }(table, driver);
    };
    Puppet puppet;
    std::optional<Table::Leader> lead;
    const Run<bool> first([](Table& loads, Puppet& driver, std::optional<Table::Leader>& leader) -> Task<bool> {
        auto joining = Table::Join(loads, driver, 1);
        auto joined = co_await joining;
        leader.emplace(std::move(*joined.leader));
        co_return true;
    }(table, puppet, lead));
    int answered = 0;
    run_async<Answer>(home.get_executor(), join, asio::bind_executor(idle.get_executor(), [&](const Error&, const Answer&) { ++answered; }));
    auto other = run_async<Answer>(home.get_executor(), join, asio::use_future);
    lead->finish(Answer(1), false);
    lead.reset();
    CHECK(other.get().value == 2);
    CHECK(answered == 0);
    idle.run();
    CHECK(answered == 1);
}
