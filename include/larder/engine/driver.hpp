// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <condition_variable>
#include <coroutine>
#include <exception>
#include <mutex>
#include <optional>
#include <utility>

namespace larder {
inline namespace v0 {
namespace detail {

/// Who runs a task: decides where it goes on after it was suspended, and whether it may block.
///
/// One driver serves one root task. Members are called from any thread, but for one suspension only one of `resume`,
/// `wake`, `abandon` is called, once.
class Driver {
public:
    Driver() = default;
    Driver(const Driver&) = delete;
    Driver& operator=(const Driver&) = delete;
    virtual ~Driver() = default;

    /// Whether a blocking call may be made right here.
    virtual bool may_block() const noexcept = 0;
    /// Goes on after an operation that this task started; may run the task inside the call.
    virtual void resume(std::coroutine_handle<> task) = 0;
    /// Goes on because another task has something for it; never runs the task inside the call.
    virtual void wake(std::coroutine_handle<> task) = 0;
    /// Destroys the task: what would have resumed it was itself destroyed.
    virtual void abandon() noexcept = 0;
    /// Resumes the task after a while.
    virtual void sleep(Duration span, std::coroutine_handle<> task) = 0;
};

/// Drives a task on the calling thread and waits for it.
class BlockingDriver final : public Driver {
public:
    bool may_block() const noexcept override { return true; }

    void resume(std::coroutine_handle<> task) override { wake(task); }

    void wake(std::coroutine_handle<> task) override {
        // Notified under the lock: once it is given back, the waiting thread may finish and destroy this driver.
        const std::lock_guard lock(mutex_);
        ready_ = task;
        changed_.notify_one();
    }

    void abandon() noexcept override {
        const std::lock_guard lock(mutex_);
        abandoned_ = true;
        changed_.notify_one();
    }

    void sleep(Duration span, std::coroutine_handle<> task) override {
        const std::lock_guard lock(mutex_);
        sleeper_ = {span, task};
    }

    /// The task to go on with; waits for it. Nothing if the task was abandoned.
    std::coroutine_handle<> next() {
        std::unique_lock lock(mutex_);
        if (sleeper_) {
            const auto [span, task] = *std::exchange(sleeper_, std::nullopt);
            if (!changed_.wait_for(lock, span, [this] { return ready_ || abandoned_; })) return task;
        }
        changed_.wait(lock, [this] { return ready_ || abandoned_; });
        return abandoned_ ? nullptr : std::exchange(ready_, nullptr);
    }

private:
    struct Sleeper {
        Duration span;
        std::coroutine_handle<> task;
    };

    std::mutex mutex_;
    std::condition_variable changed_;
    std::coroutine_handle<> ready_;
    std::optional<Sleeper> sleeper_;
    bool abandoned_ = false;
};

/// Suspends a task for a while. Await a named object.
struct Sleep {
    Driver& driver;
    Duration span;

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> task) const { driver.sleep(span, task); }
    void await_resume() const noexcept {}
};

} // namespace detail
} // namespace v0
} // namespace larder
