// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/cache/redis_connection.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

namespace redis_tests {

/// What a command prints. Throws if the command fails.
inline std::string output_of(const std::string& command) {
    std::FILE* pipe = ::popen(command.c_str(), "r");
    if (!pipe) throw std::system_error(errno, std::generic_category(), command);
    std::string text;
    char buffer[4096];
    for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) != 0;) text.append(buffer, n);
    if (::pclose(pipe) != 0) throw std::runtime_error("failed: " + command);
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

/// A private Redis server in a folder of its own; it ends with this object.
class RedisServer {
public:
    explicit RedisServer(std::string options = {}) : options_(std::move(options)) {
        std::string pattern = (std::filesystem::temp_directory_path() / "larder-redis-XXXXXX").string();
        if (!::mkdtemp(pattern.data())) throw std::system_error(errno, std::generic_category(), "mkdtemp");
        folder_ = pattern;
        start();
    }
    RedisServer(const RedisServer&) = delete;
    RedisServer& operator=(const RedisServer&) = delete;
    ~RedisServer() {
        static_cast<void>(std::system((script() + " stop " + folder_).c_str()));
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }

    std::uint16_t port() const noexcept { return port_; }
    const std::string& folder() const noexcept { return folder_; }

    /// Starts it, on the same port if it had one.
    void start() {
        const std::string again = port_ != 0 ? "PORT=" + std::to_string(port_) + " " : "";
        port_ = static_cast<std::uint16_t>(std::stoi(output_of(again + "LARDER_OWNER=" + std::to_string(::getpid()) + " " + script() + " start " + folder_ + " " + options_)));
    }
    void stop() { output_of(script() + " stop " + folder_); }
    void send(int signal) const {
        std::ifstream file(folder_ + "/pid");
        pid_t pid = 0;
        file >> pid;
        if (pid > 1) ::kill(pid, signal);
    }
    /// What the command-line client prints.
    std::string command(const std::string& words) const { return output_of("redis-cli -p " + std::to_string(port_) + " " + words); }

    larder::RedisOptions options() const {
        larder::RedisOptions options;
        options.port = port_;
        return options;
    }

private:
    static std::string script() {
        if (const char* folder = std::getenv("LARDER_TEST_SERVERS")) return std::string(folder) + "/redis";
        return (std::filesystem::absolute(__FILE__).parent_path().parent_path() / "servers" / "redis").string();
    }

    std::string options_;
    std::string folder_;
    std::uint16_t port_ = 0;
};

/// Threads that run connections.
class Io {
public:
    explicit Io(std::size_t threads = 1) {
        for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { context_.run(); });
    }
    Io(const Io&) = delete;
    Io& operator=(const Io&) = delete;
    ~Io() {
        work_.reset();
        for (auto& thread : threads_) thread.join();
    }
    boost::asio::any_io_executor executor() { return context_.get_executor(); }

private:
    boost::asio::io_context context_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{context_.get_executor()};
    std::vector<std::thread> threads_;
};

} // namespace redis_tests
