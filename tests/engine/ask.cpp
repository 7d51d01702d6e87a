// SPDX-License-Identifier: BSL-1.0
#include "puppet.hpp"

#include <larder/engine/ask.hpp>
#include <larder/engine/run.hpp>
#include <larder/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>

using namespace engine_tests;
using larder::errc;
using larder::Error;
using larder::Failure;
using larder::Outcome;
using larder::detail::Ask;
using larder::detail::Driver;
using larder::detail::error_of_exception;
using larder::detail::Rendezvous;
using larder::detail::run_blocking;

namespace {

/// A backend that never blocks.
struct Quick {
    int calls = 0;
};

/// A backend that blocks, with the executor of its asynchronous form.
struct Slow {
    boost::asio::any_io_executor where;
    boost::asio::any_io_executor executor() const { return where; }
    std::thread::id ran_on{};
    int calls = 0;
};

/// A backend that answers later.
struct Remote {
    std::function<void(Rendezvous<Outcome<int>>::Completion)> answer;
};

struct Double {
    using result = Outcome<int>;
    static constexpr std::string_view name = "double";
    int value;

    Outcome<int> run(Quick& backend) {
        ++backend.calls;
        return act();
    }
    Outcome<int> run(Slow& backend) {
        ++backend.calls;
        backend.ran_on = std::this_thread::get_id();
        return act();
    }
    void start(Remote& backend, Rendezvous<Outcome<int>>::Completion done) { backend.answer(std::move(done)); }

private:
    Outcome<int> act() const {
        if (value == -1) throw std::runtime_error("thrown inside");
        if (value == -2) throw Failure(Error{errc::database_busy, "busy inside"});
        if (value == -3) throw 5;
        if (value == -4) throw std::bad_alloc();
        return 2 * value;
    }
};

template <class Backend>
Task<Answer> ask(Driver& driver, Backend& backend, int value) {
    auto asked = Ask(driver, backend, Double{value});
    const auto outcome = co_await asked;
    co_return outcome ? Answer(*outcome) : Answer(outcome.error());
}

} // namespace

TEST_CASE("a backend that never blocks is asked at once, whoever drives") {
    Quick backend;
    for (const bool may_block : {true, false}) {
        Puppet driver(may_block);
        const Run<Answer> run(ask(driver, backend, 4));
        REQUIRE(run.done());
        CHECK(run.answer().value == 8);
    }
    CHECK(backend.calls == 2);
}

TEST_CASE("a blocking backend is asked on the spot by a driver that may block, executor or not") {
    Slow backend;
    Puppet driver(true);
    const Run<Answer> run(ask(driver, backend, 4));
    REQUIRE(run.done());
    CHECK(run.answer().value == 8);
    CHECK(backend.ran_on == std::this_thread::get_id());
}

TEST_CASE("a blocking backend is asked on its executor by a driver that may not") {
    boost::asio::thread_pool pool(1);
    Slow backend{pool.get_executor()};
    Puppet driver(false);
    const Run<Answer> run(ask(driver, backend, 4));
    pool.join();
    REQUIRE(run.done());
    CHECK(run.answer().value == 8);
    CHECK(backend.ran_on != std::this_thread::get_id());
}

TEST_CASE("a blocking backend without an executor is not asked by a driver that may not block") {
    Slow backend;
    Puppet driver(false);
    const Run<Answer> run(ask(driver, backend, 4));
    REQUIRE(run.done());
    CHECK(run.answer().error() == errc::no_executor);
    CHECK(backend.calls == 0);
}

TEST_CASE("what a backend throws becomes an error, here and on the executor") {
    boost::asio::thread_pool pool(1);
    Slow there{pool.get_executor()};
    Quick here;
    Puppet driver(false);
    const auto text = [&](int value) {
        const Run<Answer> run(ask(driver, here, value));
        return run.answer().error();
    };
    CHECK(text(-1) == errc::exception_thrown);
    CHECK(text(-1).text == "double: thrown inside");
    CHECK(text(-2) == errc::database_busy);
    CHECK(text(-2).text == "busy inside");
    CHECK(text(-3) == errc::exception_thrown);
    CHECK(text(-4) == errc::exception_thrown);
    const Run<Answer> run(ask(driver, there, -1));
    pool.join();
    REQUIRE(run.done());
    CHECK(run.answer().error().text == "double: thrown inside");
}

TEST_CASE("an asynchronous backend may answer inside its start, later, from another thread, or never") {
    Puppet driver(false);
    SUBCASE("inside") {
        Remote backend{[](auto done) { done(6); }};
        const Run<Answer> run(ask(driver, backend, 3));
        REQUIRE(run.done());
        CHECK(run.answer().value == 6);
    }
    SUBCASE("later") {
        std::optional<Rendezvous<Outcome<int>>::Completion> kept;
        Remote backend{[&](auto done) { kept.emplace(std::move(done)); }};
        const Run<Answer> run(ask(driver, backend, 3));
        CHECK(!run.done());
        (*kept)(Error{errc::timed_out, "late"});
        REQUIRE(run.done());
        CHECK(run.answer().error() == errc::timed_out);
    }
    SUBCASE("from another thread, at any moment") {
        for (int i = 0; i < 300; ++i) {
            std::thread other;
            Remote backend{[&](auto done) { other = std::thread([answer = std::move(done)]() mutable { answer(6); }); }};
            const Answer answer = run_blocking<Answer>([&](Driver& blocking) { return ask(blocking, backend, 3); });
            other.join();
            CHECK(answer.value == 6);
        }
    }
    SUBCASE("never, and it says so inside its start") {
        Remote backend{[](auto) {}};
        const Run<Answer> run(ask(driver, backend, 3));
        REQUIRE(run.done());
        CHECK(run.answer().error() == errc::stopped);
        CHECK(driver.abandoned == 0);
    }
    SUBCASE("never, after the task was suspended") {
        std::optional<Rendezvous<Outcome<int>>::Completion> kept;
        Remote backend{[&](auto done) { kept.emplace(std::move(done)); }};
        const Run<Answer> run(ask(driver, backend, 3));
        kept.reset();
        CHECK(driver.abandoned == 1);
        CHECK(!run.done());
    }
    SUBCASE("it throws inside its start") {
        Remote backend{[](auto) { throw std::runtime_error("no connection"); }};
        const Run<Answer> run(ask(driver, backend, 3));
        REQUIRE(run.done());
        CHECK(run.answer().error() == errc::stopped);
    }
}

TEST_CASE("an executor that goes away with an operation in its queue abandons the task") {
    Puppet driver(false);
    auto context = std::make_unique<boost::asio::io_context>();
    Slow backend{context->get_executor()};
    const Run<Answer> run(ask(driver, backend, 3));
    CHECK(!run.done());
    backend.where = {};
    context.reset();
    CHECK(driver.abandoned == 1);
    CHECK(backend.calls == 0);
}

TEST_CASE("an exception that is being handled is told in words, with the operation's name but for failures of the library") {
    const auto told = [](auto thrown) {
        try {
            throw thrown;
        } catch (...) {
            return error_of_exception("the operation");
        }
    };
    CHECK(told(std::logic_error("why")).text == "the operation: why");
    CHECK(told(Failure(Error{errc::revoked, "the very text"})).text == "the very text");
    CHECK(told(Failure(Error{errc::revoked, "the very text"})) == errc::revoked);
    CHECK(told(1) == errc::exception_thrown);
    CHECK(told(Failure(Error())) == errc::exception_thrown);
}
