// SPDX-License-Identifier: BSL-1.0
#include "fleet.hpp"

#include "log.hpp"
#include "signals.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <utility>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace server {

namespace {

/// A process that ends sooner than this after it began is not started again at once.
constexpr auto least_life = std::chrono::seconds(1);
constexpr auto between_looks = std::chrono::milliseconds(200);

/// What `waitpid` says of a process that somebody else has waited for.
constexpr int unknown = -1;

bool by_signal(int status) { return status != unknown && WIFSIGNALED(status); }

std::string how_it_ended(int status) {
    if (status == unknown) return "has gone";
    return WIFSIGNALED(status) ? fmt::format("was ended by signal {}", WTERMSIG(status)) : fmt::format("ended with exit code {}", WEXITSTATUS(status));
}

::timespec as_timespec(std::chrono::nanoseconds span) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(span);
    return {static_cast<::time_t>(seconds.count()), static_cast<long>((span - seconds).count())};
}

} // namespace

Fleet::Fleet(std::size_t count, std::chrono::milliseconds patience, Work work) : work_(std::move(work)), patience_(patience), signals_(end_signals()), processes_(count) {
    std::signal(SIGCHLD, SIG_DFL); // Whoever ignores it does not hear how a process ended.
    ::sigaddset(&signals_, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &signals_, &before_);
    try {
        for (std::size_t number = 0; number < count; ++number) start(number, true);
    } catch (...) {
        end();
        throw;
    }
}

Fleet::~Fleet() {
    end();
    ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

void Fleet::start(std::size_t number, bool wait) {
    int pipe[2];
    if (::pipe2(pipe, O_CLOEXEC) != 0) throw std::runtime_error("no pipe can be made");
    std::fflush(nullptr);
    const ::pid_t parent = ::getpid();
    const ::pid_t child = ::fork();
    if (child == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (::getppid() != parent) ::_exit(1);
        ::setpgid(0, 0); // What is typed at the terminal is for the parent.
        ::sigset_t children; // The others are held back still.
        ::sigemptyset(&children);
        ::sigaddset(&children, SIGCHLD);
        ::sigprocmask(SIG_UNBLOCK, &children, nullptr);
        ::close(pipe[0]);
        int code = 1;
        try {
            code = work_(number, [&] {
                if (wait) [[maybe_unused]] const auto told = ::write(pipe[1], "", 1);
            });
        } catch (const std::exception& failed) {
            say(failed.what());
        }
        std::fflush(nullptr);
        ::_exit(code);
    }
    ::close(pipe[1]);
    char byte = 0;
    ::ssize_t told = 1;
    if (child > 0 && wait)
        while ((told = ::read(pipe[0], &byte, 1)) < 0 && errno == EINTR) {}
    ::close(pipe[0]);
    if (child < 0) throw std::runtime_error("no process can be made");
    processes_[number] = {.id = child, .began = Clock::now()};
    if (told != 1) throw std::runtime_error("a process did not begin");
}

bool Fleet::reap(Again again) {
    bool well = true;
    for (std::size_t number = 0; number < processes_.size(); ++number) {
        auto& process = processes_[number];
        int status = unknown;
        const ::pid_t ended = process.id == 0 ? 0 : ::waitpid(process.id, &status, WNOHANG);
        if (ended > 0 || (ended < 0 && errno == ECHILD)) {
            const auto id = std::exchange(process.id, 0);
            process.due = again == Again::always || (again == Again::killed && by_signal(status));
            const bool as_told = status != unknown && WIFEXITED(status) && WEXITSTATUS(status) == 0;
            if (process.due || !as_told) say(fmt::format("process {} ({}) {}{}", number + 1, id, how_it_ended(status), process.due ? "; it is started again" : ""));
            // That somebody killed it while it was to go on would have been mended.
            const bool mended = process.due || (again == Again::never && !process.killed && by_signal(status) && WTERMSIG(status) == SIGKILL);
            well = well && (as_told || mended);
        }
        if (!process.due || again == Again::never || Clock::now() - process.began < least_life) continue;
        try {
            start(number, false);
        } catch (const std::exception& failed) {
            say(failed.what());
            process.began = Clock::now();
        }
    }
    return well;
}

bool Fleet::none_runs() const {
    return std::all_of(processes_.begin(), processes_.end(), [](const Process& process) { return process.id == 0; });
}

void Fleet::kill_all() {
    for (auto& process : processes_)
        if (process.id != 0) {
            process.killed = true;
            ::kill(process.id, SIGKILL);
        }
}

bool Fleet::run(const std::function<void()>& stopping, bool once) {
    const auto pause = as_timespec(between_looks);
    bool well = true;
    for (;;) {
        const int signal = ::sigtimedwait(&signals_, nullptr, &pause);
        if (signal > 0 && signal != SIGCHLD) break;
        well = reap(once ? Again::killed : Again::always) && well;
        if (once && std::none_of(processes_.begin(), processes_.end(), [](const Process& process) { return process.id != 0 || process.due; })) break;
    }
    stopping();
    return end() && well;
}

/// Tells all that run to end, and waits for them.
bool Fleet::end() {
    for (const auto& process : processes_)
        if (process.id != 0) {
            ::kill(process.id, SIGTERM);
            ::kill(process.id, SIGCONT); // One that was stopped hears nothing.
        }
    const auto late = Clock::now() + patience_;
    const auto pause = as_timespec(std::min<std::chrono::nanoseconds>(between_looks, patience_));
    bool well = reap(Again::never);
    while (!none_runs()) {
        const int signal = ::sigtimedwait(&signals_, nullptr, &pause);
        if ((signal > 0 && signal != SIGCHLD) || Clock::now() >= late) kill_all();
        well = reap(Again::never) && well;
    }
    return well;
}

} // namespace server
