// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "call.hpp"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace chaos {

/// The client processes of a round, and what they tell. They are this program once more, with the arguments of a client.
class FleetOfClients {
public:
    /// The arguments of the client in a place, the `incarnation`th that is started, which writes to a pipe.
    using Arguments = std::function<std::vector<std::string>(std::size_t place, std::uint32_t incarnation, int pipe)>;

    /// \param board the open file that clients inherit.
    FleetOfClients(std::size_t count, int board, Arguments arguments) : arguments_(std::move(arguments)), board_(board), clients_(count) {
        if (::pipe2(wake_, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
        listener_ = std::thread([this] { listen(); });
        for (std::size_t i = 0; i < count; ++i) start(i);
    }
    FleetOfClients(const FleetOfClients&) = delete;
    FleetOfClients& operator=(const FleetOfClients&) = delete;
    ~FleetOfClients() {
        for (std::size_t i = 0; i < clients_.size(); ++i) kill(i);
        stop_ = true;
        wake();
        listener_.join();
        for (const int end : wake_) ::close(end);
    }

    std::size_t size() const noexcept { return clients_.size(); }

    void start(std::size_t index) {
        int pipe[2];
        if (::pipe2(pipe, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
        static_cast<void>(::fcntl(pipe[1], F_SETPIPE_SZ, 1 << 20));
        auto words = arguments_(index, incarnations_++, pipe[1]);
        std::vector<char*> list;
        for (auto& word : words) list.push_back(word.data());
        list.push_back(nullptr);
        const auto parent = ::getpid();
        const auto child = ::fork();
        if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
        if (child == 0) {
            ::setpgid(0, 0); // what is typed at the terminal is for the auditor
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (::getppid() != parent) ::_exit(3);
            ::fcntl(pipe[1], F_SETFD, 0);
            ::fcntl(board_, F_SETFD, 0);
            ::execv("/proc/self/exe", list.data());
            ::_exit(127);
        }
        ::close(pipe[1]);
        clients_[index] = child;
        {
            const std::lock_guard lock(mutex_);
            pipes_.push_back({pipe[0], {}});
        }
        wake();
    }

    /// Ends it as a crash would. Does nothing where it has ended.
    void kill(std::size_t index) {
        if (clients_[index] <= 0) return;
        ::kill(clients_[index], SIGKILL);
        int status = 0;
        ::waitpid(clients_[index], &status, 0);
        clients_[index] = 0;
    }
    void send(std::size_t index, int signal) const {
        if (clients_[index] > 0) ::kill(clients_[index], signal);
    }

    /// What is wrong with a client that ended by itself; empty if it came to its end, or has not.
    std::string ended(std::size_t index) {
        int status = 0;
        if (clients_[index] <= 0 || ::waitpid(clients_[index], &status, WNOHANG) <= 0) return {};
        clients_[index] = 0;
        if (WIFSIGNALED(status)) return "a client process was ended by signal " + std::to_string(WTERMSIG(status));
        return WEXITSTATUS(status) == 0 ? std::string() : "a client process ended with code " + std::to_string(WEXITSTATUS(status));
    }
    bool runs(std::size_t index) const noexcept { return clients_[index] > 0; }

    /// All that was told so far, in the order in which it was read; leaves nothing.
    std::vector<Call> take() {
        const std::lock_guard lock(mutex_);
        return std::exchange(calls_, {});
    }
    /// Waits until every pipe of a process that has ended has been read to its end.
    void drain() {
        for (;;) {
            {
                const std::lock_guard lock(mutex_);
                if (pipes_.empty()) return;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }

private:
    struct Pipe {
        int handle;
        std::vector<char> rest; ///< The beginning of a call of which the end is still to come.
    };

    void wake() const {
        const char letter = 0;
        static_cast<void>(!::write(wake_[1], &letter, 1));
    }

    void listen() {
        std::vector<pollfd> waiting;
        while (!stop_) {
            waiting.assign(1, {wake_[0], POLLIN, 0});
            {
                const std::lock_guard lock(mutex_);
                for (const Pipe& pipe : pipes_) waiting.push_back({pipe.handle, POLLIN, 0});
            }
            if (::poll(waiting.data(), waiting.size(), -1) <= 0) continue;
            if (waiting[0].revents != 0) {
                char letters[64];
                static_cast<void>(!::read(wake_[0], letters, sizeof letters));
            }
            const std::lock_guard lock(mutex_);
            for (std::size_t i = 1; i < waiting.size(); ++i)
                if (waiting[i].revents != 0) hear(waiting[i].fd);
        }
        const std::lock_guard lock(mutex_);
        for (const Pipe& pipe : pipes_) ::close(pipe.handle);
    }

    void hear(int handle) {
        for (std::size_t i = 0; i < pipes_.size(); ++i) {
            if (pipes_[i].handle != handle) continue;
            auto& rest = pipes_[i].rest;
            const std::size_t had = rest.size();
            rest.resize(had + (std::size_t{1} << 16));
            const auto count = ::read(handle, rest.data() + had, rest.size() - had);
            rest.resize(had + static_cast<std::size_t>(count > 0 ? count : 0));
            std::size_t from = 0;
            for (; rest.size() - from >= sizeof(Call); from += sizeof(Call)) {
                Call call;
                std::memcpy(&call, rest.data() + from, sizeof call);
                calls_.push_back(call);
            }
            rest.erase(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(from));
            if (count <= 0) {
                ::close(handle);
                pipes_.erase(pipes_.begin() + static_cast<std::ptrdiff_t>(i));
            }
            return;
        }
    }

    Arguments arguments_;
    int board_;
    std::vector<::pid_t> clients_;
    std::uint32_t incarnations_ = 0;
    int wake_[2] = {-1, -1};
    std::atomic<bool> stop_{false};
    std::mutex mutex_;
    std::vector<Pipe> pipes_;
    std::vector<Call> calls_;
    std::thread listener_;
};

} // namespace chaos
