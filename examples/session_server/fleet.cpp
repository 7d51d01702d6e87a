// SPDX-License-Identifier: BSL-1.0
#include "fleet.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
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

std::string how_it_ended(int status) {
    return WIFSIGNALED(status) ? fmt::format("was ended by signal {}", WTERMSIG(status)) : fmt::format("ended with exit code {}", WEXITSTATUS(status));
}

::timespec as_timespec(std::chrono::nanoseconds span) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(span);
    return {static_cast<::time_t>(seconds.count()), static_cast<long>((span - seconds).count())};
}

} // namespace

Fleet::Fleet(std::size_t count, Work work) : work_(std::move(work)), processes_(count) {
    ::sigemptyset(&signals_);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) ::sigaddset(&signals_, signal);
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
        ::sigprocmask(SIG_SETMASK, &before_, nullptr);
        ::close(pipe[0]);
        int code = 1;
        try {
            code = work_(number, [&] {
                if (wait) [[maybe_unused]] const auto told = ::write(pipe[1], "", 1);
            });
        } catch (const std::exception& failed) {
            fmt::print(stderr, "session_server: {}\n", failed.what());
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
    processes_[number] = {child, Clock::now(), false};
    if (told != 1) throw std::runtime_error("a process did not begin");
}

bool Fleet::reap(Again again) {
    bool well = true;
    for (std::size_t number = 0; number < processes_.size(); ++number) {
        auto& process = processes_[number];
        int status = 0;
        if (process.id != 0 && ::waitpid(process.id, &status, WNOHANG) == process.id) {
            process.due = again == Again::always || (again == Again::killed && WIFSIGNALED(status));
            if (process.due)
                fmt::print(stderr, "session_server: process {} ({}) {}; it is started again\n", number + 1, process.id, how_it_ended(status));
            else
                well = well && WIFEXITED(status) && WEXITSTATUS(status) == 0;
            process.id = 0;
        }
        if (!process.due || again == Again::never || Clock::now() - process.began < least_life) continue;
        try {
            start(number, false);
        } catch (const std::exception& failed) {
            fmt::print(stderr, "session_server: {}\n", failed.what());
            process.began = Clock::now();
        }
    }
    return well;
}

bool Fleet::none_runs() const {
    return std::all_of(processes_.begin(), processes_.end(), [](const Process& process) { return process.id == 0; });
}

bool Fleet::run(const std::function<void()>& stopping, bool once) {
    const auto pause = as_timespec(between_looks);
    bool well = true;
    for (;;) {
        const int signal = ::sigtimedwait(&signals_, nullptr, &pause);
        if (signal == SIGTERM || signal == SIGINT || signal == SIGHUP) break;
        well = reap(once ? Again::killed : Again::always) && well;
        if (once && std::none_of(processes_.begin(), processes_.end(), [](const Process& process) { return process.id != 0 || process.due; })) break;
    }
    stopping();
    return end() && well;
}

/// Tells all that run to end, and waits for them.
bool Fleet::end() {
    for (const auto& process : processes_)
        if (process.id != 0) ::kill(process.id, SIGTERM);
    ::sigset_t children;
    ::sigemptyset(&children);
    ::sigaddset(&children, SIGCHLD);
    const auto pause = as_timespec(between_looks);
    bool well = reap(Again::never);
    while (!none_runs()) {
        ::sigtimedwait(&children, nullptr, &pause);
        well = reap(Again::never) && well;
    }
    return well;
}

} // namespace server
