// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "interrupt.hpp"

#include <larder/cache/redis_connection.hpp>

#include <servers_folder.hpp> // what the build says: LARDER_SERVERS

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace example {

/// A script of tests/servers, in a process group of its own, so that the terminal's Ctrl-C is this program's business alone.
class Script {
public:
    explicit Script(std::string name, std::vector<std::string> words = {}) : name_(std::move(name)) {
        words.insert(words.begin(), std::string(LARDER_SERVERS) + "/" + name_);
        std::vector<char*> arguments;
        for (auto& word : words) arguments.push_back(word.data());
        arguments.push_back(nullptr);
        const std::string owner = std::to_string(::getpid());
        int in[2], out[2];
        if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
        process_ = ::fork();
        if (process_ == 0) {
            ::setpgid(0, 0);
            ::setenv("LARDER_OWNER", owner.c_str(), 1);
            ::dup2(in[0], STDIN_FILENO);
            ::dup2(out[1], STDOUT_FILENO);
            ::execv(arguments.front(), arguments.data());
            ::_exit(127);
        }
        ::close(in[0]);
        ::close(out[1]);
        in_ = in[1];
        out_ = out[0];
    }
    Script(const Script&) = delete;
    Script& operator=(const Script&) = delete;
    ~Script() {
        ::close(in_);
        ::close(out_);
        while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {}
    }

    /// Its first line. Throws if it ends without one; it has said why on the standard error stream.
    std::string line() {
        std::string line;
        for (char letter = 0;;) {
            const auto got = ::read(out_, &letter, 1);
            Interrupt::check();
            if (got < 0 && errno == EINTR) continue;
            if (got == 1 && letter != '\n') {
                line += letter;
                continue;
            }
            if (line.empty()) throw std::runtime_error("the private server did not start (" + std::string(LARDER_SERVERS) + "/" + name_ + ")");
            return line;
        }
    }

private:
    std::string name_;
    ::pid_t process_ = -1;
    int in_ = -1;
    int out_ = -1;
};

/// A Redis server of the run's own; it ends with this object.
class PrivateRedis {
public:
    explicit PrivateRedis(std::string folder) : folder_(std::move(folder)) {
        try {
            const std::string said = Script("redis", {"start", folder_}).line();
            std::from_chars(said.data(), said.data() + said.size(), port_);
        } catch (...) {
            stop();
            throw;
        }
    }
    PrivateRedis(const PrivateRedis&) = delete;
    PrivateRedis& operator=(const PrivateRedis&) = delete;
    ~PrivateRedis() { stop(); }

    std::uint16_t port() const { return port_; }

private:
    void stop() const { Script("redis", {"stop", folder_}); }

    std::string folder_;
    std::uint16_t port_ = 0;
};

/// A PostgreSQL server of the run's own; it ends with this object.
class PrivatePostgres {
public:
    PrivatePostgres() : script_("postgres"), conninfo_(script_.line()) {}
    const std::string& conninfo() const { return conninfo_; }

private:
    Script script_;
    std::string conninfo_;
};

} // namespace example
