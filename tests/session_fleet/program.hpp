// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

namespace session_fleet {

/// A program that was started, and what it writes. It ends with this object.
class Program {
public:
    /// \param words the path, and its arguments.
    explicit Program(std::vector<std::string> words) {
        int out[2];
        if (::pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("no pipe for a program");
        std::vector<char*> arguments;
        for (auto& word : words) arguments.push_back(word.data());
        arguments.push_back(nullptr);
        process_ = ::fork();
        if (process_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            ::dup2(out[1], STDOUT_FILENO);
            ::execv(arguments.front(), arguments.data());
            ::_exit(127);
        }
        ::close(out[1]);
        out_ = out[0];
    }
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    ~Program() {
        ::close(out_);
        if (running_) {
            send(SIGKILL);
            wait();
        }
    }

    void send(int signal) const {
        if (running_) ::kill(process_, signal);
    }
    /// Its next line; empty if it has closed its output.
    std::string line() const {
        std::string text;
        for (char letter = 0;;) {
            const auto got = ::read(out_, &letter, 1);
            if (got < 0 && errno == EINTR) continue;
            if (got != 1 || letter == '\n') return text;
            text += letter;
        }
    }
    /// All that it still writes.
    std::string rest() const {
        std::string text;
        char buffer[4096];
        for (;;) {
            const auto got = ::read(out_, buffer, sizeof buffer);
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) return text;
            text.append(buffer, static_cast<std::size_t>(got));
        }
    }
    /// Waits until it has ended. \returns its exit code, or 256 and the signal that ended it.
    int wait() {
        int status = 0;
        while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {}
        running_ = false;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
    }

private:
    ::pid_t process_ = -1;
    int out_ = -1;
    bool running_ = true;
};

/// A path that the build tells of in the environment. Throws if it does not.
inline std::string told_path(const char* name) {
    const char* path = std::getenv(name);
    if (!path) throw std::runtime_error(std::string(name) + " must say where the program is");
    return path;
}

} // namespace session_fleet
