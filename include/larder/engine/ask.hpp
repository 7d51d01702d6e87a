// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/engine/driver.hpp>
#include <larder/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>

#include <atomic>
#include <coroutine>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace larder {
inline namespace v0 {
namespace detail {

/// Turns the exception being handled into an error, always one that is set; `what` names the operation.
inline Error error_of_exception(std::string_view what) {
    try {
        throw;
    } catch (const Failure& failure) {
        // That a row is absent is no error, so `Failure(found.error())` may say nothing.
        if (!failure.error()) return {errc::exception_thrown, std::string(what) + ": a Failure without an error"};
        return failure.error();
    } catch (const std::exception& thrown) {
        return {errc::exception_thrown, std::string(what) + ": " + thrown.what()};
    } catch (...) {
        return {errc::exception_thrown, std::string(what) + ": something that is not a std::exception"};
    }
}

/// The result slot and the hand-over of one operation that a task waits for: whichever of "suspended" and "answered"
/// comes second lets the task go on.
template <class Result>
class Rendezvous {
public:
    explicit Rendezvous(Driver& driver) noexcept : driver_(driver) {}

    /// Answers once. Destroyed without having answered (its executor is gone), it abandons the task.
    class Completion {
    public:
        explicit Completion(Rendezvous& meeting) noexcept : meeting_(&meeting) {}
        Completion(Completion&& other) noexcept : meeting_(std::exchange(other.meeting_, nullptr)) {}
        Completion& operator=(Completion&&) = delete;
        ~Completion() {
            if (meeting_) meeting_->give_up();
        }
        void operator()(Result result) { std::exchange(meeting_, nullptr)->answer(std::move(result)); }

    private:
        Rendezvous* meeting_;
    };

    /// Marks the task as suspended; false if the answer is there already, so that it goes on at once.
    bool suspended() noexcept { return !second_.exchange(true, std::memory_order_acq_rel); }

    void prepare(std::coroutine_handle<> task) noexcept { task_ = task; }
    Result&& take() { return std::move(*result_); }
    Driver& driver() const noexcept { return driver_; }

private:
    void answer(Result result) {
        result_.emplace(std::move(result));
        if (second_.exchange(true, std::memory_order_acq_rel)) driver_.resume(task_);
    }

    void give_up() noexcept {
        result_.emplace(Error{errc::stopped, "the executor of the operation is gone"});
        if (second_.exchange(true, std::memory_order_acq_rel)) driver_.abandon();
    }

    Driver& driver_;
    std::coroutine_handle<> task_;
    std::optional<Result> result_;
    std::atomic<bool> second_{false};
};

/// One operation of a backend, as an awaitable. It runs at once where the backend never blocks or the driver may block,
/// on the backend's executor where it would block, and through its own asynchronous form where it has one.
///
/// `Operation` has `run(backend) -> Outcome<T>` or a plain value, `start(backend, completion)`, and `result`, the outcome's type.
/// Exceptions of the backend become errors, `std::bad_alloc` included, so that the task always reaches its error path.
template <class Backend, class Operation>
class Ask {
public:
    using Result = typename Operation::result;

    Ask(Driver& driver, Backend& backend, Operation operation) : meeting_(driver), backend_(backend), operation_(std::move(operation)) {}
    Ask(const Ask&) = delete;
    Ask& operator=(const Ask&) = delete;

    bool await_ready() {
        if constexpr (asynchronous) {
            return false;
        } else if constexpr (requires { backend_.executor(); }) {
            if (!meeting_.driver().may_block()) {
                if (backend_.executor()) return false;
                here_.emplace(Error{errc::no_executor, "give the database an executor for its asynchronous form"});
                return true;
            }
        }
        run_here();
        return true;
    }

    bool await_suspend(std::coroutine_handle<> task) {
        meeting_.prepare(task);
        Completion done(meeting_);
        try {
            if constexpr (asynchronous) {
                operation_.start(backend_, std::move(done));
            } else if constexpr (requires { backend_.executor(); }) {
                post(std::move(done));
            }
        } catch (...) {
            // The completion was destroyed on the way here and has answered with an error.
        }
        return meeting_.suspended();
    }

    /// What the operation answered; it stays here until it is moved out.
    Result&& await_resume() { return here_ ? std::move(*here_) : meeting_.take(); }

private:
    static constexpr bool asynchronous = !requires(Operation& operation, Backend& backend) { operation.run(backend); };

    using Completion = typename Rendezvous<Result>::Completion;

    /// What is to be tried again once the backend is free.
    struct Again {
        Ask* ask;
        Completion done;
        void operator()() { ask->post(std::move(done)); }
    };

    /// Runs the operation on the backend's executor; later, if it would block a thread there for a transaction that needs one to go on.
    void post(Completion done) {
        boost::asio::post(backend_.executor(), [this, done = std::move(done)]() mutable {
            Again again{this, std::move(done)};
            if constexpr (requires { backend_.keeps_back(operation_, again); })
                if (backend_.keeps_back(operation_, again)) return;
            again.done(guarded());
        });
    }

    Result guarded() {
        try {
            return Result(operation_.run(backend_));
        } catch (...) {
            return Result(error_of_exception(Operation::name));
        }
    }

    void run_here() {
        if constexpr (!asynchronous) here_.emplace(guarded());
    }

    Rendezvous<Result> meeting_;
    Backend& backend_;
    Operation operation_;
    std::optional<Result> here_;
};

} // namespace detail
} // namespace v0
} // namespace larder
