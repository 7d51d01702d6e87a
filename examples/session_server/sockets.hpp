// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "listener.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/system/system_error.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <unistd.h>

namespace server {

/// Sockets that listen at ports one after the other, before there are processes to serve them: a client that comes while its process starts waits.
class Sockets {
public:
    /// \param port the first; 0: any. Throws `boost::system::system_error`.
    Sockets(const std::string& address, std::uint16_t port, std::size_t count) {
        constexpr int attempts = 20;
        for (int attempt = 1;; ++attempt) {
            try {
                open(address, port, count);
                return;
            } catch (const boost::system::system_error& failed) {
                // Somebody may have the port behind one that was free.
                close_but(none);
                if (port != 0 || attempt == attempts || failed.code() != boost::system::errc::address_in_use) throw;
            }
        }
    }
    Sockets(const Sockets&) = delete;
    Sockets& operator=(const Sockets&) = delete;
    ~Sockets() { close_but(none); }

    std::uint16_t port(std::size_t number) const { return static_cast<std::uint16_t>(first_ + number); }
    /// Takes one out, and closes the others.
    int take(std::size_t number) {
        const int taken = sockets_[number];
        close_but(taken);
        return taken;
    }
    void close() { close_but(none); }

private:
    static constexpr int none = -1;

    void open(const std::string& address, std::uint16_t port, std::size_t count) {
        boost::asio::io_context context;
        for (std::size_t number = 0; number < count; ++number) {
            auto acceptor = listen_at(context, address, number == 0 ? port : this->port(number));
            if (number == 0) first_ = acceptor.local_endpoint().port();
            sockets_.push_back(acceptor.release());
        }
    }
    void close_but(int kept) {
        for (const int socket : sockets_)
            if (socket != kept) ::close(socket);
        sockets_.clear();
    }

    std::uint16_t first_ = 0;
    std::vector<int> sockets_;
};

} // namespace server
