// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace larder_tests {

/// A listening socket on a free port of the loopback address, whose connections the kernel accepts and nobody answers.
class DeafServer {
public:
    explicit DeafServer(std::uint16_t port = 0) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const int yes = 1;
        ::setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(port);
        ::socklen_t size = sizeof address;
        if (::bind(socket_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(socket_, 64) != 0 || ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
            throw std::runtime_error(std::string("no port to listen on: ") + std::strerror(errno));
        port_ = ntohs(address.sin_port);
    }
    DeafServer(const DeafServer&) = delete;
    DeafServer& operator=(const DeafServer&) = delete;
    ~DeafServer() { ::close(socket_); }

    std::uint16_t port() const noexcept { return port_; }
    int socket() const noexcept { return socket_; }

private:
    int socket_;
    std::uint16_t port_ = 0;
};

/// A wire to a server on a unix socket, which can hold the server's answers back and be cut.
class Wire {
public:
    explicit Wire(std::string unix_socket, std::uint16_t port = 0) : listener_(port), target_(std::move(unix_socket)) {
        if (::pipe2(wake_, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
        thread_ = std::thread([this] { run(); });
    }
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;
    ~Wire() {
        tell('q');
        thread_.join();
        for (const int end : wake_) ::close(end);
    }

    std::uint16_t port() const noexcept { return listener_.port(); }
    /// Keeps answers back from now on, or no more.
    void hold(bool answers) {
        holding_ = answers;
        tell('h');
    }
    /// Cuts all connections, with whatever is held back.
    void cut() { tell('c'); }
    /// How many connections there were.
    int connections() const noexcept { return made_; }

private:
    struct Pair {
        int client, server;
    };

    void tell(char word) const {
        if (::write(wake_[1], &word, 1) != 1) throw std::runtime_error("the wire does not hear");
    }

    void run() {
        std::vector<Pair> pairs;
        const auto end = [](Pair& pair) {
            ::close(pair.client);
            ::close(pair.server);
            pair.client = -1;
        };
        for (bool over = false; !over;) {
            std::vector<pollfd> watched{{wake_[0], POLLIN, 0}, {listener_.socket(), POLLIN, 0}};
            for (const auto& pair : pairs) {
                watched.push_back({pair.client, POLLIN, 0});
                watched.push_back({holding_ ? -1 : pair.server, POLLIN, 0});
            }
            ::poll(watched.data(), watched.size(), -1);
            for (std::size_t i = 0; i < pairs.size(); ++i) {
                const auto [client, server] = pairs[i];
                if (watched[2 + 2 * i].revents != 0 && !pump(client, server)) {
                    // A server that closed its end may have said why; who was writing to it is to hear that.
                    while (!holding_ && pump(server, client, MSG_DONTWAIT)) {}
                    end(pairs[i]);
                } else if (watched[3 + 2 * i].revents != 0 && !pump(server, client)) {
                    end(pairs[i]);
                }
            }
            if (watched[1].revents != 0) pairs.push_back(connect());
            char word = 0;
            if (watched[0].revents != 0 && ::read(wake_[0], &word, 1) == 1 && word != 'h') {
                for (auto& pair : pairs)
                    if (pair.client >= 0) end(pair);
                over = word == 'q';
            }
            std::erase_if(pairs, [](const Pair& pair) { return pair.client < 0; });
        }
    }

    Pair connect() {
        const Pair pair{::accept4(listener_.socket(), nullptr, nullptr, SOCK_CLOEXEC), ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        target_.copy(address.sun_path, sizeof address.sun_path - 1);
        ++made_;
        if (::connect(pair.server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) ::shutdown(pair.client, SHUT_RDWR);
        return pair;
    }

    static bool pump(int from, int to, int flags = 0) {
        char buffer[65536];
        const auto size = ::recv(from, buffer, sizeof buffer, flags);
        return size > 0 && ::send(to, buffer, static_cast<std::size_t>(size), MSG_NOSIGNAL) == size;
    }

    DeafServer listener_;
    std::string target_;
    int wake_[2];
    std::atomic<bool> holding_{false};
    std::atomic<int> made_{0};
    std::thread thread_;
};

} // namespace larder_tests
