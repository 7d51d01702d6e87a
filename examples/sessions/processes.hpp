// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "interrupt.hpp"
#include "shared_memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace example {

/// A short text that can be shared.
class SharedText {
public:
    void set(std::string_view text) {
        const auto size = std::min(text.size(), text_.size() - 1);
        std::memcpy(text_.data(), text.data(), size);
        text_[size] = '\0';
    }
    std::string get() const { return text_.data(); }
    bool empty() const { return text_[0] == '\0'; }

private:
    std::array<char, 500> text_{};
};

/// What all processes of a run look at.
struct Control {
    std::atomic<std::size_t> ready{0};
    std::atomic<bool> go{false};
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> begun{0};    ///< Requests.
    std::atomic<std::uint64_t> position{0}; ///< In the trace.

    /// In a process of a run: waits until all others are ready too.
    void meet() {
        ++ready;
        while (!go && !stop) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
};

/// Processes that are forked off this one, and what each of them found. They end with this object, and with the program.
/// \tparam Found is trivially copyable.
template <class Found>
class Processes {
public:
    /// \param work is called with each process's number, in it, and gives what it found. \pre This process has no thread but this.
    template <class Work>
    Processes(std::size_t count, Control& control, Work work) : control_(control), slots_(count) {
        slots_.make_all();
        const ::pid_t parent = ::getpid();
        for (std::size_t number = 0; number < count; ++number) {
            const ::pid_t child = ::fork();
            if (child < 0) {
                end();
                throw std::runtime_error("no process can be made");
            }
            if (child == 0) {
                ::prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (::getppid() != parent) ::_exit(1);
                Interrupt::ignore();
                ::_exit(run(slots_[number], work, number));
            }
            running_.push_back(child);
        }
    }
    Processes(const Processes&) = delete;
    Processes& operator=(const Processes&) = delete;
    ~Processes() { end(); }

    /// Waits until each of them is ready, and lets them go.
    void start() {
        while (control_.ready < slots_.size() && look()) pause();
        control_.go = true;
    }
    /// Looks after them. \returns whether any of them runs. Throws what went wrong in one, or `Interrupted`.
    bool look() {
        Interrupt::check();
        for (auto& child : running_) {
            int status = 0;
            if (child == 0 || ::waitpid(child, &status, WNOHANG) == 0) continue;
            child = 0;
            if (WIFSIGNALED(status)) throw std::runtime_error(fmt::format("a process was ended by signal {}", WTERMSIG(status)));
            for (std::size_t number = 0; number < slots_.size(); ++number)
                if (!slots_[number].failure.empty()) throw std::runtime_error(slots_[number].failure.get());
            if (WEXITSTATUS(status) != 0) throw std::runtime_error(fmt::format("a process ended with exit code {}", WEXITSTATUS(status)));
        }
        return std::any_of(running_.begin(), running_.end(), [](::pid_t child) { return child != 0; });
    }
    static void pause() { std::this_thread::sleep_for(std::chrono::milliseconds(5)); }

    /// What each found, after all have ended.
    const Found& found(std::size_t number) const { return slots_[number].found; }
    std::size_t size() const { return slots_.size(); }

private:
    struct Slot {
        Found found{};
        SharedText failure{};
    };

    template <class Work>
    static int run(Slot& slot, const Work& work, std::size_t number) {
        try {
            slot.found = work(number);
            return 0;
        } catch (const std::exception& failed) {
            slot.failure.set(failed.what());
            return 1;
        }
    }
    void end() {
        for (const ::pid_t child : running_) {
            if (child == 0) continue;
            ::kill(child, SIGKILL);
            ::waitpid(child, nullptr, 0);
        }
        running_.clear();
    }

    Control& control_;
    SharedArray<Slot> slots_;
    std::vector<::pid_t> running_;
};

} // namespace example
