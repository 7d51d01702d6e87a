// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/engine/ask.hpp>
#include <larder/engine/driver.hpp>
#include <larder/engine/early_answer.hpp>
#include <larder/engine/frame_pool.hpp>
#include <larder/engine/task.hpp>
#include <larder/error.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/associated_immediate_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/disposition.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/system_executor.hpp>

#include <atomic>
#include <chrono>
#include <coroutine>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

/// Lets completion tokens treat an `Error` as they treat an `error_code`: one that is set becomes an exception of type
/// `larder::Failure` with the error's text.
template <>
struct boost::asio::disposition_traits<larder::Error> {
    static bool not_an_error(const larder::Error& failure) noexcept { return !failure; }
    static void throw_exception(larder::Error failure) { throw larder::Failure(std::move(failure)); }
    static std::exception_ptr to_exception_ptr(larder::Error failure) noexcept {
        return failure ? std::make_exception_ptr(larder::Failure(std::move(failure))) : nullptr;
    }
};

namespace larder {
inline namespace v0 {
namespace detail {

/// The outermost frame of a task: starts at once and keeps itself until it is done or destroyed.
template <bool KeepsFrame>
struct Root {
    struct promise_type : PooledFrame {
        Root get_return_object() noexcept { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
        std::suspend_always initial_suspend() const noexcept { return {}; }
        auto final_suspend() const noexcept {
            if constexpr (KeepsFrame)
                return std::suspend_always{};
            else
                return std::suspend_never{};
        }
        void return_void() const noexcept {}
        void unhandled_exception() const noexcept { std::terminate(); }
    };

    std::coroutine_handle<promise_type> frame;
};

/// Runs a task on the calling thread until it is done. `make(driver)` gives the task; its result can be made from an `Error`.
/// An exception that the task lets out is rethrown.
template <class Result, class Make>
Result run_blocking(Make&& make) {
    BlockingDriver driver;
    std::optional<Result> result;
    std::exception_ptr thrown;
    const auto body = [](Task<Result> task, std::optional<Result>& into, std::exception_ptr& failed) -> Root<true> {
        try {
            into.emplace(co_await task);
        } catch (...) {
            failed = std::current_exception();
        }
    };
    const Root<true> root = body(make(driver), result, thrown);
    struct FrameEnd {
        std::coroutine_handle<> frame;
        ~FrameEnd() { frame.destroy(); }
    } frame_end{root.frame};
    Trampoline::run(root.frame);
    while (!root.frame.done()) {
        const auto next = driver.next();
        if (!next) return Result(Error{errc::stopped, "the executor of the operation is gone"});
        Trampoline::run(next);
    }
    if (thrown) std::rethrow_exception(thrown);
    return std::move(*result);
}

/// Calls a function once, after a while.
using Timer = std::function<void(Duration, std::function<void()>)>;

/// The timer of an environment that brings its own, as a simulated one does; else empty.
template <class Env>
Timer timer_of(const Env& env) {
    if constexpr (requires(std::function<void()> function) { env.after(Duration{}, function); })
        return [env](Duration delay, std::function<void()> function) { env.after(delay, std::move(function)); };
    else
        return {};
}

/// Drives a task for an asynchronous verb: blocking work goes to the backend's executor, the handler is called on its own.
///
/// The task is detached from its handler: cancellation answers the handler with `operation_aborted` at once, and the task,
/// with the load or write that others may depend on, goes on to its end; and so it does if it has answered early itself. So the task never
/// needs the handler's executor to go on, and holds it at work only until the handler was called.
template <class Result, class Handler>
class AsyncDriver final : public AnsweringDriver<Result>, public std::enable_shared_from_this<AsyncDriver<Result, Handler>> {
    using IoExecutor = boost::asio::any_io_executor;
    using HandlerExecutor = boost::asio::associated_executor_t<Handler, IoExecutor>;
    using Work = std::decay_t<decltype(boost::asio::prefer(std::declval<const HandlerExecutor&>(), boost::asio::execution::outstanding_work.tracked))>;

public:
    /// \param io where the task goes on when another task wakes it. \param timer calls a function after a while; empty: a timer of Asio's on `io`.
    AsyncDriver(Handler handler, const IoExecutor& io, Timer timer)
        : io_(io), timer_(std::move(timer)), executor_(boost::asio::get_associated_executor(handler, io_)),
          work_(boost::asio::prefer(executor_, boost::asio::execution::outstanding_work.tracked)), handler_(std::move(handler)) {}

    template <class Make>
    void start(Make make) {
        auto slot = boost::asio::get_associated_cancellation_slot(*handler_);
        if (slot.is_connected())
            slot.assign([weak = this->weak_from_this()](boost::asio::cancellation_type type) {
                if (type == boost::asio::cancellation_type::none) return;
                if (const auto self = weak.lock())
                    if (!self->claimed_.exchange(true))
                        self->deliver(Result(Error{boost::system::error_code(boost::asio::error::operation_aborted), "the wait was cancelled"}), false,
                                      [](const auto& executor, auto call) { boost::asio::post(executor, std::move(call)); });
            });
        initiator_ = std::this_thread::get_id();
        initiating_ = true;
        root_ = body(this->shared_from_this(), make(static_cast<Driver&>(*this))).frame;
        const auto self = this->shared_from_this();
        run(root_);
        initiating_ = false;
    }

    bool may_block() const noexcept override { return false; }
    void answer_early(Result result) override {
        if (claimed_.exchange(true)) return;
        deliver(std::move(result), false, [](const auto& executor, auto call) { boost::asio::post(executor, std::move(call)); });
    }
    void resume(std::coroutine_handle<> task) override { run(task); }
    void wake(std::coroutine_handle<> task) override { boost::asio::post(io_, Resumption(this->shared_from_this(), task)); }

    void abandon() noexcept override {
        const auto self = this->shared_from_this();
        root_.destroy();
    }

    void sleep(Duration span, std::coroutine_handle<> task) override {
        if (timer_) {
            // Copyable functions hold a resumption by way of a shared one: the last copy destroyed unused abandons the task.
            timer_(span, [resumption = std::make_shared<Resumption>(this->shared_from_this(), task)] { (*resumption)(); });
            return;
        }
        auto timer = std::make_shared<boost::asio::steady_timer>(io_, std::chrono::duration_cast<std::chrono::steady_clock::duration>(span));
        auto& waiting = *timer;
        waiting.async_wait([timer = std::move(timer), resumption = Resumption(this->shared_from_this(), task)](const boost::system::error_code&) mutable {
            resumption();
        });
    }

private:
    /// Resumes the task, or abandons it if it is destroyed before it could.
    class Resumption {
    public:
        Resumption(std::shared_ptr<AsyncDriver> driver, std::coroutine_handle<> task) : driver_(std::move(driver)), task_(task) {}
        Resumption(Resumption&& other) noexcept : driver_(std::move(other.driver_)), task_(std::exchange(other.task_, nullptr)) {}
        Resumption& operator=(Resumption&&) = delete;
        ~Resumption() {
            if (task_) driver_->abandon();
        }
        void operator()() { driver_->run(std::exchange(task_, nullptr)); }

    private:
        std::shared_ptr<AsyncDriver> driver_;
        std::coroutine_handle<> task_;
    };

    static Root<false> body(std::shared_ptr<AsyncDriver> self, Task<Result> task) {
        try {
            self->result_.emplace(co_await task);
        } catch (...) {
            self->result_.emplace(error_of_exception("the operation"));
        }
        self->done_.store(true, std::memory_order_release);
    }

    /// Runs the task as far as it goes; calls the handler once the task is done and its frames are gone, so that what the handler
    /// throws leaves the way it came in.
    void run(std::coroutine_handle<> task) {
        const auto self = this->shared_from_this();
        Trampoline::run(task);
        if (!done_.load(std::memory_order_acquire) || claimed_.exchange(true)) return;
        deliver(std::move(*result_), initiator_ == std::this_thread::get_id() && initiating_, [](const auto& executor, auto call) { boost::asio::dispatch(executor, std::move(call)); });
    }

    /// Calls the handler. \pre this caller has claimed it.
    template <class Submit>
    void deliver(Result result, bool at_once, Submit submit) {
        const auto immediate = boost::asio::get_associated_immediate_executor(*handler_, executor_);
        auto slot = boost::asio::get_associated_cancellation_slot(*handler_);
        auto call = [handler = std::move(*handler_), result = std::move(result), slot]() mutable {
            if (slot.is_connected()) slot.clear();
            Error failure = result.error();
            std::move(handler)(std::move(failure), std::move(result));
        };
        handler_.reset();
        [[maybe_unused]] const auto work = std::exchange(work_, std::nullopt);
        if (at_once)
            submit(immediate, std::move(call));
        else
            submit(executor_, std::move(call));
    }

    IoExecutor io_;
    Timer timer_;
    HandlerExecutor executor_;
    std::optional<Work> work_;
    std::optional<Handler> handler_;
    std::optional<Result> result_;
    std::coroutine_handle<> root_;
    std::atomic<bool> done_{false};
    std::atomic<bool> claimed_{false};
    std::thread::id initiator_;
    bool initiating_ = false;
};

/// Starts a task for a handler. Tokens that bring a timer of their own ask it for its executor.
template <class Result>
struct Initiation {
    using executor_type = boost::asio::any_io_executor;
    executor_type get_executor() const noexcept { return home; }

    template <class Handler, class Make>
    void operator()(Handler&& handler, Make make, Timer timer) const {
        std::make_shared<AsyncDriver<Result, std::decay_t<Handler>>>(std::forward<Handler>(handler), home, std::move(timer))->start(std::move(make));
    }

    executor_type home;
};

/// Runs a task for a completion token with the signature `void(Error, Result)`.
///
/// \param io the executor of handlers that have none of their own; empty: the system executor. \param timer as `AsyncDriver`'s.
template <class Result, class Make, class Token>
auto run_async(boost::asio::any_io_executor io, Make make, Token&& token, Timer timer = {}) {
    if (!io) io = boost::asio::system_executor();
    return boost::asio::async_initiate<Token, void(Error, Result)>(Initiation<Result>{std::move(io)}, token, std::move(make), std::move(timer));
}

} // namespace detail
} // namespace v0
} // namespace larder
