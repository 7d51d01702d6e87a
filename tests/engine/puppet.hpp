// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/clock.hpp>
#include <larder/engine/driver.hpp>
#include <larder/engine/run.hpp>
#include <larder/engine/task.hpp>
#include <larder/error.hpp>

#include <coroutine>
#include <cstddef>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

namespace engine_tests {

using larder::Duration;
using larder::detail::Task;

/// A driver whose tasks go on only when a test says so: what was woken waits in a queue.
class Puppet final : public larder::detail::Driver {
public:
    explicit Puppet(bool may_block = true) : may_block_(may_block) {}

    bool may_block() const noexcept override { return may_block_; }
    void resume(std::coroutine_handle<> task) override { larder::detail::Trampoline::run(task); }
    void wake(std::coroutine_handle<> task) override { woken_.push_back(task); }
    void abandon() noexcept override { ++abandoned; }
    void sleep(Duration span, std::coroutine_handle<> task) override {
        slept.push_back(span);
        woken_.push_back(task);
    }

    /// Lets everything that was woken go on. \returns how much that was.
    std::size_t go_on() {
        std::size_t count = 0;
        for (; !woken_.empty(); ++count) {
            const auto task = woken_.front();
            woken_.pop_front();
            larder::detail::Trampoline::run(task);
        }
        return count;
    }
    std::size_t waiting() const { return woken_.size(); }

    int abandoned = 0;
    std::vector<Duration> slept;

private:
    bool may_block_;
    std::deque<std::coroutine_handle<>> woken_;
};

/// A task on its way: starts at once, keeps its answer, and is destroyed with it.
template <class T>
class Run {
public:
    explicit Run(Task<T> task) : root_(body(std::move(task), answer_)) { larder::detail::Trampoline::run(root_.frame); }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;
    ~Run() {
        if (root_.frame) root_.frame.destroy();
    }

    /// Destroys the task where it stands.
    void destroy() { std::exchange(root_.frame, nullptr).destroy(); }
    bool done() const { return answer_.has_value(); }
    const T& answer() const { return *answer_; }

private:
    using Root = larder::detail::Root<true>;
    static Root body(Task<T> task, std::optional<T>& answer) { answer.emplace(co_await task); }

    std::optional<T> answer_;
    Root root_;
};

/// An answer that can be a failure, as those of verbs are.
class Answer {
public:
    explicit Answer(int given) : value(given) {}
    explicit Answer(larder::Error why) : error_(std::move(why)) {}
    const larder::Error& error() const { return error_; }

    int value = 0;

private:
    larder::Error error_;
};

/// Counts the living: for what must be destroyed.
class Living {
public:
    explicit Living(int& count) : count_(&count) { ++count; }
    Living(const Living& other) : count_(other.count_) { ++*count_; }
    Living& operator=(const Living&) = delete;
    ~Living() { --*count_; }

private:
    int* count_;
};

} // namespace engine_tests
